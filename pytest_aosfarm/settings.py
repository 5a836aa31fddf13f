"""One table of settings, and the one rule that decides each: command line, else environment, else ini file, else default."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_aosfarm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ("LABS", "MODULE_URLS", "PROFILES", "SCALES", "SETTINGS", "Setting", "Settings", "markdown_table", "redacted", "resolve")

LABS = ("e2e", "aod", "aam", "dcl")
SCALES = ("small", "medium", "large", "planet")
PROFILES = ("clean", "typical", "messy")
MODES = ("embedded", "live")
MODULE_URLS: Mapping[str, str] = MappingProxyType(
    {name: f"{name.upper()}_BASE_URL" for name in ("aod", "aam", "dcl", "finops", "revops")}
)
"""The environment variable that holds the address of each live module."""

FIXED_ANCHOR = datetime(2026, 1, 15, 12, tzinfo=UTC)
"""The "now" of the data unless a live module judges recency: equal runs show equal data."""

EMBEDDED_TIMEOUT, LIVE_TIMEOUT = 60.0, 300.0


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: `--farm-NAME` on the command line, `AOSFARM_NAME` in the environment, `farm_name` in an ini file.

    `parse` turns the text into a value and raises ValueError saying which texts are valid.
    """

    name: str
    parse: Callable[[str], Any]
    default: str
    help: str
    metavar: str
    short: str | None = None

    @property
    def option(self) -> str:
        """The command-line option."""
        return f"--farm-{self.name}"

    @property
    def env(self) -> str:
        """The environment variable."""
        return f"AOSFARM_{self.name.upper()}"

    @property
    def ini(self) -> str:
        """The key in an ini file, and the name under which the command line keeps the value."""
        return f"farm_{self.name}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its value; `sources` says of each where the value came from."""

    labs: tuple[str, ...]
    scale: str
    seed: int
    anchor: datetime
    profile: str
    db: str | None
    tenant: str | None
    modules: str
    timeout: float
    record: bool
    urls: Mapping[str, str]
    sources: Mapping[str, str]

    @property
    def in_use(self) -> bool:
        """Whether the Farm was asked for: by one of its options or AOSFARM_ variables. An ini key or a URL alone is not."""
        return any(source.startswith(("option ", "env AOSFARM_")) for source in self.sources.values())


def _one_of(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in names:
            raise ValueError(", ".join(names))
        return text

    return parse


def _labs(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",")]
    if not text.strip():
        return ()
    return tuple(dict.fromkeys(_one_of(*LABS)(name) for name in names))


def _seed(text: str) -> int | None:
    if text == "random":
        return None
    try:
        seed = int(text, 0)
    except ValueError:
        seed = -1
    if not 0 <= seed < 1 << 64:
        raise ValueError("a whole number from 0 to 2**64 - 1, decimal or 0x…, or random")
    return seed


def _anchor(text: str) -> datetime | None:
    if not text:
        return None
    try:
        anchor = datetime.fromisoformat(text)
    except ValueError:
        anchor = datetime.min
    if anchor.tzinfo is None:
        raise ValueError("an ISO 8601 moment with UTC offset, such as 2026-01-15T12:00:00+00:00")
    return anchor.astimezone(UTC)


def _timeout(text: str) -> float | None:
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:  # noqa: PLR2004 - eleven days
        raise ValueError("a number of seconds above 0 and below 1000000")
    return seconds


def _flag(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError("true, false, 1, 0, yes, no, on, off")
    return words[text.lower()]


def _text(text: str) -> str | None:
    return text.strip() or None


SETTINGS = (
    Setting("lab", _labs, "", "Labs to run, repeatable or comma-separated: e2e, aod, aam, dcl", "NAME", short="--lab"),
    Setting("scale", _one_of(*SCALES), "small", "Size of the data: small, medium, large, planet", "NAME", short="--scale"),
    Setting("seed", _seed, "1", "Seed of all data: a whole number, 0x… or random", "N"),
    Setting("anchor", _anchor, "", "The now of the data, ISO 8601 with offset; a live module gets the start of the run", "ISO"),
    Setting("profile", _one_of(*PROFILES), "typical", "How messy the evidence is: clean, typical, messy", "NAME"),
    Setting("db", _text, "", "Database of run records, a path or a sqlite:/// URL; default .aosfarm/farm.db", "PATH"),
    Setting("tenant", _text, "", "Tenant key for all tests; default is each test's identity", "KEY"),
    Setting("modules", _one_of(*MODES), "embedded", "embedded, or live: then a module without URL is an error", "MODE"),
    Setting("timeout", _timeout, "", "Seconds to wait for a module; default 60, with a live module 300", "SECONDS"),
    Setting("record", _flag, "true", "Whether runs are recorded; --no-farm-record is short for false", "BOOL"),
)


def resolve(
    options: Mapping[str, str | None],
    environ: Mapping[str, str],
    ini: Mapping[str, str],
    *,
    now: datetime,
    draw_seed: Callable[[], int] = lambda: secrets.randbits(63),
) -> Settings:
    """Decide every setting. `options` and `ini` are keyed by `Setting.ini`, `environ` by variable.

    `now` becomes the anchor when a live AOD judges recency; `draw_seed` is asked when the seed is "random". Raises
    ConfigurationError in one line that names the value, its source and the valid values.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        text, source = _find(setting, options, environ, ini)
        try:
            values[setting.name] = setting.parse(text)
        except ValueError as error:
            raise ConfigurationError(f"{setting.name} {text!r} (from {source}) is not valid; valid: {error}") from None
        sources[setting.name] = source
    urls = _urls(environ) if values["modules"] == "live" or sources["modules"] == "default" else {}
    sources |= {f"{name} url": f"env {MODULE_URLS[name]}" for name in urls}
    labs: tuple[str, ...] = values.pop("lab")
    _check_labs(labs, values["scale"], values["modules"], urls, sources)
    if values["seed"] is None:
        values["seed"] = draw_seed()
    if values["anchor"] is None:
        values["anchor"] = now if "aod" in urls else FIXED_ANCHOR
    if values["timeout"] is None:
        values["timeout"] = LIVE_TIMEOUT if urls else EMBEDDED_TIMEOUT
    return Settings(labs=labs, urls=MappingProxyType(urls), sources=MappingProxyType(sources), **values)


def _find(
    setting: Setting, options: Mapping[str, str | None], environ: Mapping[str, str], ini: Mapping[str, str]
) -> tuple[str, str]:
    option = options.get(setting.ini)
    if option is not None:
        return option, f"option {setting.short or setting.option}"
    if setting.env in environ:
        return environ[setting.env], f"env {setting.env}"
    if ini.get(setting.ini):
        return ini[setting.ini], f"ini {setting.ini}"
    return setting.default, "default"


def _urls(environ: Mapping[str, str]) -> dict[str, str]:
    urls = {}
    for name, variable in MODULE_URLS.items():
        url = environ.get(variable, "").strip()
        if not url:
            continue
        try:
            parts = urlsplit(url)
            valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise ConfigurationError(
                f"{name} url {redacted(url)!r} (from env {variable}) is not valid; valid: http://HOST[:PORT] or https://HOST[:PORT]"
            )
        urls[name] = url.rstrip("/")
    return urls


def _check_labs(
    labs: tuple[str, ...], scale: str, modules: str, urls: Mapping[str, str], sources: Mapping[str, str]
) -> None:
    if labs and scale == "planet":
        raise ConfigurationError(
            f"scale 'planet' (from {sources['scale']}) is for data, not for labs; valid with --lab: small, medium, large"
        )
    for name in labs:
        if modules == "live" and name in MODULE_URLS and name not in urls:
            raise ConfigurationError(
                f"modules 'live' (from {sources['modules']}) needs the address of {name}: set {MODULE_URLS[name]}, "
                f"or drop it to use the embedded twin"
            )


def redacted(url: str) -> str:
    """`url` with user name and password replaced by ***."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    _, at, host = authority.rpartition("@")
    return f"{scheme}{separator}***@{host}{slash}{path}" if at else url


def markdown_table() -> str:
    """The table of settings as the README shows it."""
    lines = ["| option | environment | ini | default | meaning |", "|---|---|---|---|---|"]
    for setting in SETTINGS:
        option = f"`{setting.option}={setting.metavar}`" + (f", `{setting.short}`" if setting.short else "")
        default = f"`{setting.default}`" if setting.default else ""
        lines.append(f"| {option} | `{setting.env}` | `{setting.ini}` | {default} | {setting.help} |")
    return "\n".join(lines)
