"""Options and ini keys: reads every setting once, on the controller, and hands what was drawn to the workers."""

from __future__ import annotations

import argparse
import os
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.plugin.keys import WORKER_INPUT, RunIdentity, run_key, settings_key
from pytest_aosfarm.settings import MODULE_URLS, SETTINGS, Setting, Settings, environment, resolve
from pytest_aosfarm.urls import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_INI_TYPES: dict[str, Any] = {
    **dict.fromkeys(("lab", "chaos_hosts"), "args"),
    **dict.fromkeys(("record", "chaos_control", "chaos_shrink"), "bool"),
}
"""What a TOML file may say as a list or a bool. Every other value is text, a number too: it may be hexadecimal."""


class _Remember(argparse.Action):
    """Keeps each (option as typed, text) in a new tuple: pytest parses several times over copies of one namespace."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse's signature
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        text = values if isinstance(values, str) else self.const
        setattr(namespace, self.dest, (*(getattr(namespace, self.dest, None) or ()), (option_string, text)))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--farm-*` and `farm_*` for every row of the settings table."""
    for setting in SETTINGS:
        _add(parser, setting, setting.option)
        parser.addini(setting.ini, help=setting.help, type=_INI_TYPES.get(setting.name, "string"), default=None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(parser: pytest.Parser, args: list[str]) -> Iterator[None]:
    """Add `--lab` and `--scale` once conftests had their say, and only those that nobody else has.

    Until here pytest has passed over options it does not know; afterwards it parses for good.
    """
    yield
    for setting in SETTINGS:
        if setting.short is not None and _is_free(setting.short, parser, args):
            _add(parser, setting, setting.short)


def _is_free(option: str, parser: pytest.Parser, args: list[str]) -> bool:
    """Whether nobody has `option`: the parser passes over it, instead of taking it or complaining of its value.

    Tried in front of the real arguments, so that no other option is missing. To add it and see does not do: pytest 9.0
    would have noted the option as ours before it finds the other one.
    """
    word = f"{option}=x"
    try:
        _, passed_over = parser.parse_known_and_unknown_args([word, *args])
    except pytest.UsageError:
        return False
    return word in passed_over


def _add(parser: pytest.Parser, setting: Setting, option: str) -> None:
    default = f" (default {setting.default})" if setting.default and not setting.switch else ""
    text = f"{setting.help}{default}; env {setting.env}, ini {setting.ini}".replace("%", "%%")
    value: dict[str, Any] = {"metavar": setting.metavar}
    if setting.switch:
        value = {"nargs": 0, "const": setting.switch[1]}
    group = parser.getgroup("aosfarm", "AOS-Farm")
    group.addoption(option, action=_Remember, dest=setting.ini, default=None, help=text, **value)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Decide every setting; a wrong one is one ERROR line before anything runs."""
    received: dict[str, str] | None = getattr(config, "workerinput", {}).get(WORKER_INPUT)
    if received is None:
        identity = RunIdentity(str(uuid.uuid4()), datetime.now(UTC))
    else:
        identity = RunIdentity(received["uuid"], datetime.fromisoformat(received["started_at"]))

    def draw_seed(name: str) -> int:
        # 32 bits are easy to type, and no two runs meet by chance.
        return int.from_bytes(os.urandom(4)) if received is None else int(received[name])

    try:
        settings = resolve(_options(config), environment(), _ini(config), now=identity.started_at, draw_seed=draw_seed)
    except ConfigurationError as error:
        raise pytest.UsageError(f"aosfarm: {error}") from None
    config.stash[settings_key] = settings
    config.stash[run_key] = identity


def _options(config: pytest.Config) -> dict[str, tuple[str, str]]:
    given: dict[str, tuple[str, str]] = {}
    for setting in SETTINGS:
        uses: Sequence[tuple[str, str]] = config.getoption(setting.ini) or ()
        if uses:
            option, text = uses[-1]
            given[setting.name] = option, ",".join(text for _, text in uses) if setting.repeatable else text
    return given


def _ini(config: pytest.Config) -> dict[str, str]:
    given = {}
    for setting in SETTINGS:
        try:
            value = config.getini(setting.ini)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"ini {setting.ini} is not valid: {error}") from None
        if value is not None:
            given[setting.name] = ",".join(value) if isinstance(value, list) else str(value)
    return {name: text for name, text in given.items() if text}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand a worker what was drawn: it never draws for itself."""
    config: pytest.Config = node.config
    identity, settings = config.stash[run_key], config.stash[settings_key]
    node.workerinput[WORKER_INPUT] = {
        "uuid": identity.uuid,
        "started_at": identity.started_at.isoformat(),
        "seed": str(settings.seed),
        "chaos_seed": str(settings.chaos_seed),
    }


def pytest_report_header(config: pytest.Config) -> str | None:
    """Show each value with its source, when the Farm is in use."""
    settings = config.stash[settings_key]
    return f"aosfarm: {', '.join(_shown(settings))}" if settings.in_use else None


def _shown(settings: Settings) -> Iterator[str]:
    values = {
        "lab": ",".join(settings.labs) or "none",
        "scale": settings.scale,
        "seed": str(settings.seed),
        "anchor": settings.anchor.isoformat(),
        "profile": settings.profile,
        "db": (redacted(settings.db) if "://" in settings.db else settings.db) if settings.db else ".aosfarm/farm.db",
        "tenant": settings.tenant or "per test",
        "modules": settings.modules,
        "timeout": f"{settings.timeout:g} s",
        "record": "yes" if settings.record else "no",
        "chaos": settings.chaos,
        "chaos_seed": str(settings.chaos_seed),
    }
    for name, value in values.items():
        yield f"{name}={value} ({settings.sources[name]})"
    for module, url in settings.urls.items():
        yield f"{module}={redacted(url)} (env {MODULE_URLS[module]})"
