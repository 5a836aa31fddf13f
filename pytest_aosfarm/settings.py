"""One table of settings, and the one rule that decides each: command line, else environment, else ini file, else default."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.urls import redacted, without_user_info

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = (
    "LABS",
    "MODULE_URLS",
    "PROFILES",
    "SCALES",
    "SETTINGS",
    "Setting",
    "Settings",
    "all_variables",
    "environment",
    "markdown_table",
    "resolve",
)

LABS = ("e2e", "aod", "aam", "dcl")
SCALES = ("small", "medium", "large", "planet")
PROFILES = ("clean", "typical", "messy")
MODES = ("embedded", "live")
MODULE_URLS: Mapping[str, str] = MappingProxyType(
    {name: f"{name.upper()}_BASE_URL" for name in ("aod", "aam", "dcl", "finops", "revops")}
)
"""The environment variable that holds the address of each live module."""

ENV_PREFIX = "AOSFARM_"
TEST_ENV_PREFIX = "AOSFARM_TEST_"
"""Variables of the Farm's own tests; no settings, and no use of the Farm."""

FIXED_ANCHOR = datetime(2026, 1, 15, 12, tzinfo=UTC)
"""The "now" of the data unless a live module judges recency: equal runs show equal data."""

ANCHOR_YEARS = range(2000, 2101)
"""Wide enough for any use, and far enough from the ends of the calendar to count years from it."""

MAX_SEED = (1 << 63) - 1
"""What every database holds in a signed 64-bit column."""

EMBEDDED_TIMEOUT, LIVE_TIMEOUT, MAX_TIMEOUT = 60.0, 300.0, 1e6


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: `--farm-NAME` on the command line, `AOSFARM_NAME` in the environment, `farm_NAME` in an ini file.

    `parse` turns the text into a value and raises ValueError saying which texts are valid. An empty `default` means
    that the default depends on other settings, or that there is none. A `switch` is an option without a value, and
    the text that it stands for.
    """

    name: str
    parse: Callable[[str], Any]
    default: str
    help: str
    metavar: str
    short: str | None = None
    switch: tuple[str, str] | None = None
    repeatable: bool = False

    @property
    def option(self) -> str:
        """The command-line option that is always there."""
        return self.switch[0] if self.switch else f"--farm-{self.name.replace('_', '-')}"

    @property
    def env(self) -> str:
        """The environment variable."""
        return f"{ENV_PREFIX}{self.name.upper()}"

    @property
    def ini(self) -> str:
        """The key in an ini file, and the name under which the command line keeps the value."""
        return f"farm_{self.name}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its value; `sources` says of each where the value came from.

    `urls` are the addresses of live modules as the environment gives them, `url_of` checks them. They and `db` may hold
    passwords, and are not shown.
    """

    labs: tuple[str, ...]
    scale: str
    seed: int
    anchor: datetime
    profile: str
    db: str | None = field(repr=False)
    tenant: str | None
    modules: str
    timeout: float
    record: bool
    html: str | None
    report: str
    gha: str
    chaos: str
    chaos_seed: int
    chaos_time: str
    chaos_hosts: tuple[str, ...]
    chaos_control: bool
    chaos_shrink: bool
    replay: str | None
    urls: Mapping[str, str] = field(repr=False)
    sources: Mapping[str, str]

    @property
    def in_use(self) -> bool:
        """Whether the Farm was asked for, by one of its options or variables. An ini key or a URL alone is not use."""
        return any(map(self.is_asked_for, self.sources))

    def is_asked_for(self, name: str) -> bool:
        """Whether an option or variable says it, of this run."""
        return self.sources[name].startswith(("option ", f"env {ENV_PREFIX}"))

    def url_of(self, module: str) -> str | None:
        """The address of the live instance of `module`, or None if it is embedded.

        Raises ConfigurationError for an address that is none, and for a missing one when `modules` was set to live.
        """
        if module in self.urls:
            return _checked_url(module, self.urls[module])
        if self.modules == "live" and self.sources["modules"] != "default":
            raise ConfigurationError(
                f"modules 'live' (from {self.sources['modules']}) needs the address of {module}: "
                f"set {MODULE_URLS[module]}, or drop it to use the embedded twin"
            )
        return None


def _one_of(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in names:
            raise ValueError(", ".join(names))
        return text

    return parse


def _labs(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_one_of(*LABS)(name.strip()) for name in text.split(",")))


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(filter(None, map(str.strip, text.split(","))))
    if not hosts:
        raise ValueError("host names, * for anything, such as *.staging.example.com; several with commas")
    return hosts


def _seed(text: str) -> int | None:
    """The seed, or None for one to be drawn."""
    if text == "random":
        return None
    hexadecimal, decimal = re.fullmatch(r"0x[0-9a-fA-F]+", text), re.fullmatch(r"[0-9]+", text)
    seed = int(text, 16 if hexadecimal else 10) if hexadecimal or decimal else -1
    if not 0 <= seed <= MAX_SEED:
        raise ValueError("a whole number from 0 to 2**63 - 1, decimal or 0x…, or random")
    return seed


def _anchor(text: str) -> datetime:
    try:
        anchor = datetime.fromisoformat(text)
    except ValueError:
        anchor = None
    if anchor is None or anchor.tzinfo is None or anchor.year not in ANCHOR_YEARS:
        raise ValueError("an ISO 8601 moment of the years 2000 to 2100 with its offset, such as 2026-01-15T12:00:00+00:00")
    return anchor.astimezone(UTC)


def _timeout(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    # A comparison with "nan" is false.
    if not 0 < seconds <= MAX_TIMEOUT:
        raise ValueError(f"a number of seconds above 0 and up to {MAX_TIMEOUT:.0f}")
    return seconds


def _flag(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError(", ".join(words))
    return words[text.lower()]


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("a text with at least one visible character")
    return text.strip()


def _key(text: str) -> str:
    # What the shell gives that is not UTF-8 cannot be hashed into data.
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("a text with at least one visible character, in UTF-8")
    return _text(text)


SETTINGS = (
    Setting(
        "lab", _labs, "", "Labs to run, repeatable or comma-separated: e2e, aod, aam, dcl", "NAME", "--lab", repeatable=True
    ),
    Setting("scale", _one_of(*SCALES), "small", "Size of the data: small, medium, large, planet", "NAME", "--scale"),
    Setting("seed", _seed, "1", "Seed of all data: a whole number, 0x… or random", "N"),
    Setting(
        "anchor", _anchor, "", "The now of the data; default 2026-01-15T12:00:00+00:00, with a live AOD the start", "ISO"
    ),
    Setting("profile", _one_of(*PROFILES), "typical", "How messy the evidence is: clean, typical, messy", "NAME"),
    Setting("db", _text, "", "Where runs are recorded: a path or postgresql://…; default .aosfarm/farm.db", "DB"),
    Setting("tenant", _key, "", "Tenant key for all tests and the record; default each test's identity", "KEY"),
    Setting(
        "modules", _one_of(*MODES), "", "embedded, or live (a missing URL is an error); default whatever has a URL", "MODE"
    ),
    Setting("timeout", _timeout, "", "Seconds to wait for a module; default 60, with a live module 300", "SECONDS"),
    Setting("record", _flag, "true", "Record nothing of this run", "BOOL", switch=("--no-farm-record", "false")),
    Setting("report", _one_of("off", "short", "full"), "full", "Lines at a recorded run's end: off, short, full", "SIZE"),
    Setting("gha", _one_of("auto", "off"), "auto", "Summary and annotations in GitHub Actions: auto, off", "WHEN"),
    Setting("chaos", _text, "off", "Faults for all tests: off, a preset's name, or a policy as a TOML file", "POLICY"),
    Setting("chaos_seed", _seed, "", "Seed of all faults: a whole number, 0x… or random; default the seed of the data", "N"),
    Setting(
        "chaos_time", _one_of("virtual", "real", "forced"), "virtual",
        "Time that injected delays take: virtual, real, forced (virtual over any socket)", "TIME",
    ),
    Setting("chaos_hosts", _hosts, "", "Hosts that tests with chaos may call beside the local ones, as globs", "GLOBS"),
    Setting("chaos_control", _flag, "true", "Run a red test with faults again with and without them", "BOOL"),
    Setting(
        "chaos_shrink", _flag, "false", "Find the fewest faults that turn a red test red", "BOOL",
        switch=("--farm-chaos-shrink", "true"),
    ),
    Setting("replay", _text, "", "Give a test the very faults of this token, which a red test prints", "TOKEN"),
    Setting("html", _text, "", "Write the recorded run as one HTML file when it has ended", "FILE"),
)


def all_variables() -> dict[str, str]:
    """Every environment variable, for what must look at all of them: secrets that must not be recorded."""
    return dict(os.environ)


def environment() -> dict[str, str]:
    """The environment variables that are the Farm's business and not empty."""
    ours = {*MODULE_URLS.values()}
    return {name: text for name, text in os.environ.items() if text and (name in ours or name.startswith(ENV_PREFIX))}


def resolve(
    options: Mapping[str, tuple[str, str]],
    env: Mapping[str, str],
    ini: Mapping[str, str],
    *,
    now: datetime,
    draw_seed: Callable[[str], int],
) -> Settings:
    """Decide every setting. `options` holds (option as typed, text) and `ini` a text by setting name, `env` by variable.

    `now` becomes the anchor when a live AOD judges recency; `draw_seed` is asked, by its name, for a seed that is "random".
    Raises ConfigurationError in one line that names the value, its source and the valid values.
    """
    _check_names(env)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        text, source = _find(setting, options, env, ini)
        sources[setting.name] = source
        try:
            values[setting.name] = setting.parse(text) if text or source != "default" else None
        except ValueError as error:
            shown = without_user_info(text)
            raise ConfigurationError(f"{setting.name} {shown!r} (from {source}) is not valid; valid: {error}") from None
    urls = {name: env[variable].strip() for name, variable in MODULE_URLS.items() if env.get(variable, "").strip()}
    if values["modules"] == "embedded":
        urls = {}
    for name in ("seed", "chaos_seed"):
        if sources[name] != "default" and values[name] is None:
            values[name] = draw_seed(name)
    defaults = {
        "lab": (),
        "anchor": now.astimezone(UTC) if "aod" in urls else FIXED_ANCHOR,
        "modules": "live" if urls else "embedded",
        "timeout": LIVE_TIMEOUT if urls else EMBEDDED_TIMEOUT,
        "chaos_seed": values["seed"],
        "chaos_hosts": (),
    }
    values |= {name: value for name, value in defaults.items() if values[name] is None}
    settings = Settings(labs=values.pop("lab"), urls=MappingProxyType(urls), sources=MappingProxyType(sources), **values)
    _check_together(settings)
    return settings


def _find(
    setting: Setting, options: Mapping[str, tuple[str, str]], env: Mapping[str, str], ini: Mapping[str, str]
) -> tuple[str, str]:
    if setting.name in options:
        option, text = options[setting.name]
        return text, f"option {option}"
    if setting.env in env:
        return env[setting.env], f"env {setting.env}"
    if setting.name in ini:
        return ini[setting.name], f"ini {setting.ini}"
    return setting.default, "default"


def _check_names(env: Mapping[str, str]) -> None:
    known = [setting.env for setting in SETTINGS]
    for name in env:
        if name.startswith(ENV_PREFIX) and not name.startswith(TEST_ENV_PREFIX) and name not in known:
            raise ConfigurationError(f"env {name} is no setting; valid: {', '.join(known)}")


def _check_together(settings: Settings) -> None:
    """What no setting can know alone. A bad address is nobody's concern in a run that does not use the Farm."""
    if settings.labs and settings.scale == "planet":
        raise ConfigurationError(
            f"scale 'planet' (from {settings.sources['scale']}) is for data, not for labs; valid: small, medium, large"
        )
    if settings.html and not settings.record and settings.is_asked_for("html"):
        raise ConfigurationError(
            f"html {settings.html!r} (from {settings.sources['html']}) is written from the record of the run, and "
            f"record is false (from {settings.sources['record']}): leave one of them out"
        )
    if settings.in_use:
        needed = [*settings.urls, *(lab for lab in settings.labs if lab in MODULE_URLS)]
        for module in needed or (["aod"] if settings.modules == "live" else []):
            settings.url_of(module)


def _checked_url(module: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment or re.search(r"\s", url):
        raise ConfigurationError(
            f"{module} url {redacted(url)!r} (from env {MODULE_URLS[module]}) is not valid; "
            f"valid: http://HOST[:PORT] or https://HOST[:PORT]"
        )
    return url.rstrip("/")


def markdown_table() -> str:
    """The table of settings as the README shows it."""
    lines = ["| option | environment | ini | default | meaning |", "|---|---|---|---|---|"]
    for setting in SETTINGS:
        option = setting.option if setting.switch else f"{setting.option}={setting.metavar}"
        names = f"`{option}`" + (f", `{setting.short}`" if setting.short else "")
        default = f"`{setting.default}`" if setting.default else ""
        lines.append(f"| {names} | `{setting.env}` | `{setting.ini}` | {default} | {setting.help} |")
    return "\n".join(lines)
