"""Options, ini keys and the header: reads every setting once, on the controller, and hands it to the workers."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_aosfarm.errors import ConfigurationError, FarmError
from pytest_aosfarm.plugin.keys import WORKER_INPUT, RunIdentity, run_key, settings_key
from pytest_aosfarm.settings import SETTINGS, Setting, Settings, redacted, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_REPEATABLE = ("lab",)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--farm-*` and `farm_*` for every row of the settings table."""
    group = parser.getgroup("aosfarm", "AOS-Farm")
    for setting in SETTINGS:
        default = f" (default {setting.default})" if setting.default else ""
        text = f"{setting.help}{default}; env {setting.env}".replace("%", "%%")
        action = "append" if setting.name in _REPEATABLE else "store"
        group.addoption(setting.option, action=action, dest=setting.ini, default=None, metavar=setting.metavar, help=text)
        parser.addini(setting.ini, help=f"{setting.help}{default}", default=None)
    group.addoption(
        "--no-farm-record", action="store_const", const="false", dest="farm_record", default=None, help="Record nothing"
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Iterator[None]:
    """Add `--lab` and `--scale` once conftests had their say, and only those that nobody else has."""
    yield
    for setting in SETTINGS:
        if setting.short is not None and not _is_taken(parser, setting.short):
            action = "append" if setting.name in _REPEATABLE else "store"
            parser.getgroup("aosfarm").addoption(
                setting.short,
                action=action,
                dest=_short_dest(setting),
                default=None,
                metavar=setting.metavar,
                help=f"Short for {setting.option}",
            )


def _is_taken(parser: pytest.Parser, option: str) -> bool:
    """Whether somebody has added `option`: only then does the parser understand it, or complain of its value."""
    word = f"{option}=x"
    try:
        _, unknown = parser.parse_known_and_unknown_args([word])
    except (pytest.UsageError, SystemExit):
        return True
    return word not in unknown


def _short_dest(setting: Setting) -> str:
    return f"{setting.ini}_short"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Decide every setting; a wrong one is one ERROR line before anything runs."""
    received: dict[str, Any] = getattr(config, "workerinput", {}).get(WORKER_INPUT, {})
    if received:
        identity = RunIdentity(received["uuid"], datetime.fromisoformat(received["started_at"]))
    else:
        identity = RunIdentity(str(uuid.uuid4()), datetime.now(UTC))
    seeds = {"draw_seed": lambda: int(received["seed"])} if received else {}
    try:
        settings = resolve(_options(config), os.environ, _ini(config), now=identity.started_at, **seeds)
    except ConfigurationError as error:
        raise pytest.UsageError(f"aosfarm: {error}") from None
    config.stash[settings_key] = settings
    config.stash[run_key] = identity
    from pytest_aosfarm.plugin import recorder

    if not received:
        _check(config, settings, identity)
    recorder.register(config)


def _check(config: pytest.Config, settings: Settings, identity: RunIdentity) -> None:
    """What can be known to be wrong before the first test, on the controller."""
    from pytest_aosfarm.plugin.recorder import database_of

    try:
        if settings.record and settings.in_use:
            database_of(config, settings)
        if settings.in_use and settings.urls:
            from pytest_aosfarm.farm import Farm

            farm = Farm(settings, identity.uuid)
            try:
                farm.probe()
            finally:
                farm.close()
    except FarmError as error:
        raise pytest.UsageError(f"aosfarm: {error}") from None


def _options(config: pytest.Config) -> dict[str, str | None]:
    given: dict[str, str | None] = {}
    for setting in SETTINGS:
        value = config.getoption(setting.ini, None)
        short = config.getoption(_short_dest(setting), None)
        if setting.name in _REPEATABLE:
            values = [*(value or ()), *(short or ())]
            given[setting.ini] = ",".join(values) if values else None
        else:
            given[setting.ini] = value if value is not None else short
    return given


def _ini(config: pytest.Config) -> dict[str, str]:
    return {setting.ini: str(value) for setting in SETTINGS if (value := config.getini(setting.ini)) not in (None, "")}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand a worker what was drawn: it never draws for itself."""
    config: pytest.Config = node.config
    identity, settings = config.stash[run_key], config.stash[settings_key]
    node.workerinput[WORKER_INPUT] = {
        "uuid": identity.uuid,
        "started_at": identity.started_at.isoformat(),
        "seed": str(settings.seed),
    }


def pytest_report_header(config: pytest.Config) -> Sequence[str]:
    """Show each value with its source, when the Farm is in use."""
    settings = config.stash[settings_key]
    if not settings.in_use:
        return ()
    values: dict[str, Any] = {
        "lab": ",".join(settings.labs) or "none",
        "scale": settings.scale,
        "seed": settings.seed,
        "anchor": settings.anchor.isoformat(),
        "profile": settings.profile,
        "db": redacted(settings.db) if settings.db else ".aosfarm/farm.db",
        "tenant": settings.tenant or "per test",
        "modules": settings.modules,
        "timeout": f"{settings.timeout:g} s",
        "record": str(settings.record).lower(),
    } | {f"{name} url": redacted(url) for name, url in settings.urls.items()}
    shown = [f"{name} {value} ({settings.sources[name]})" for name, value in values.items()]
    return [f"aosfarm: {', '.join(shown[:5])}", f"aosfarm: {', '.join(shown[5:])}"]
