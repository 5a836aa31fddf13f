"""What a run tells of itself when it starts: who records it, with which settings, on what, and what was asked for."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Any

import pytest

from pytest_aosfarm.plugin.keys import run_key, settings_key
from pytest_aosfarm.recording.ci import ci_of
from pytest_aosfarm.recording.events import RunStarted
from pytest_aosfarm.recording.location import DEFAULT_TENANT, parse_db
from pytest_aosfarm.recording.owner import this_process
from pytest_aosfarm.recording.secrets import Redactor
from pytest_aosfarm.settings import all_variables

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_aosfarm.recording.checkout import Checkout
    from pytest_aosfarm.recording.location import Database
    from pytest_aosfarm.settings import Settings

__all__ = ("database_of", "dist_of", "folder_of", "run_started", "secrets_of", "worker_count_of")

_SELECTING = {"keyword": "keyword", "markexpr": "marker", "lf": "last_failed", "stepwise": "stepwise"}
"""pytest's name of an option -> ours, of those that choose tests."""


def folder_of(config: pytest.Config, settings: Settings, name: str) -> Path:
    """From where a relative path in this setting counts: from where pytest was started, unless an ini file holds it."""
    typed = settings.sources[name].startswith(("option", "env"))
    return config.invocation_params.dir if typed else config.rootpath


def database_of(config: pytest.Config, settings: Settings) -> Database:
    """The database of this session. Raises ConfigurationError."""
    return parse_db(settings.db, folder_of(config, settings, "db"))


def dist_of(config: pytest.Config) -> str | None:
    """How xdist spreads tests (`--dist`), or None if it does not."""
    dist: str = config.getoption("dist", "no")
    return None if dist == "no" else dist


def worker_count_of(config: pytest.Config) -> int:
    """How many workers xdist starts; 0 without it."""
    if dist_of(config) is None:
        return 0
    count = 0
    for spec in config.getoption("tx"):
        times, star, _ = spec.partition("*")
        count += int(times) if star and times.isdigit() else 1
    return count


def secrets_of(config: pytest.Config) -> Redactor:
    """What takes out of texts the secrets that are known here: of the environment, the command line and ini files."""
    return Redactor(all_variables(), [*map(str, config.invocation_params.args), config.stash[settings_key].db or ""])


def run_started(
    config: pytest.Config, database: Database, secrets: Redactor, checkout: Checkout | None, *, dirty: bool | None
) -> RunStarted:
    """The first event of this session's run; `dirty` says whether tracked files were changed, if that is known yet."""

    def redacted(text: str | None) -> str | None:
        return text and secrets.redacted(text)

    identity, settings = config.stash[run_key], config.stash[settings_key]
    owner = this_process()
    ci = ci_of(all_variables())
    return RunStarted(
        uuid=identity.uuid,
        started_at=identity.started_at,
        # As it is: it says whose the run is, and two tenants must never become one.
        tenant=settings.tenant or DEFAULT_TENANT,
        data_tenant=settings.tenant,
        labs=settings.labs,
        scale=settings.scale,
        seed=settings.seed,
        anchor=settings.anchor,
        profile=settings.profile,
        chaos=_chaos(settings),
        database=database.public,
        dist=dist_of(config),
        worker_count=worker_count_of(config),
        arguments=tuple(secrets.arguments([str(argument) for argument in config.invocation_params.args])),
        environment=_environment(config),
        rootdir=str(config.rootpath),
        selection=secrets.value(_selection(config)),
        vcs_branch=redacted(ci.branch or (checkout.branch if checkout else None)),
        vcs_sha=(checkout.sha if checkout else None) or ci.sha,
        vcs_dirty=dirty,
        vcs_change=redacted(ci.change),
        ci_provider=ci.provider,
        ci_url=redacted(ci.url),
        owner_host=owner.host,
        owner_boot=owner.boot,
        owner_pid=owner.pid,
        owner_started=owner.started,
        owner_token=owner.token,
    )


def _chaos(settings: Settings) -> str | None:
    """The run's own policy with its seed; what single tests are marked with is theirs."""
    if settings.replay is not None:
        return f"replay {settings.replay}"
    return None if settings.chaos == "off" else f"{settings.chaos}, seed {settings.chaos_seed}"


def _environment(config: pytest.Config) -> dict[str, Any]:
    plugins = {dist.project_name: dist.version for _, dist in config.pluginmanager.list_plugin_distinfo()}
    return {
        "python": platform.python_version(),
        "os": _system(),
        "pytest": pytest.__version__,
        "plugins": dict(sorted(plugins.items())),
    }


def _system() -> str:
    """Nearly what `platform.platform()` says, which starts a program to learn more than that."""
    one = platform.uname()
    return "-".join(filter(None, (one.system, one.release, one.machine, "".join(platform.libc_ver()))))


def _selection(config: pytest.Config) -> dict[str, Any]:
    """What was asked for, but for what holds for every run: the whole root directory, no expression."""
    paths = sorted({_from_root(argument, config) for argument in config.args} - {"."})
    given = {ours: config.getoption(theirs, None) for theirs, ours in _SELECTING.items()}
    return {**({"paths": paths} if paths else {}), **{name: value for name, value in given.items() if value}}


def _from_root(argument: str, config: pytest.Config) -> str:
    """The path of an argument from the root directory; a node id keeps its names, a package is left as it is."""
    path, separator, names = argument.partition("::")
    full = os.path.normpath(config.invocation_params.dir / path)
    if os.path.exists(full):  # noqa: PTH110 - one argument of many; a Path would say no more
        path = os.path.relpath(full, config.rootpath)
    return path + separator + names
