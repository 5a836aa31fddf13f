"""Every setting is decided by one rule, says where it came from, and is refused in one line when it is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.settings import (
    FIXED_ANCHOR,
    LABS,
    MAX_SEED,
    MODULE_URLS,
    PROFILES,
    SCALES,
    SETTINGS,
    Settings,
    environment,
    markdown_table,
    resolve,
)

NOW = datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)
DRAWN = 4711


def settle(options=None, env=None, ini=None) -> Settings:
    given_options = {name: (f"--farm-{name}", text) for name, text in (options or {}).items()}
    return resolve(given_options, env or {}, ini or {}, now=NOW, draw_seed=lambda _: DRAWN)


def refusal(options=None, env=None, ini=None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        settle(options, env, ini)
    assert "\n" not in str(caught.value)
    return str(caught.value)


VALID: dict[str, list[tuple[str, object]]] = {
    "lab": [("aod", ("aod",)), ("aod,dcl", ("aod", "dcl")), ("dcl, aod ,dcl", ("dcl", "aod"))],
    "scale": [(name, name) for name in SCALES],
    "seed": [("0", 0), ("7", 7), ("0x1F", 31), ("007", 7), (str(MAX_SEED), MAX_SEED), ("random", DRAWN)],
    "anchor": [
        ("2025-03-01T10:00:00+02:00", datetime(2025, 3, 1, 8, tzinfo=UTC)),
        ("2025-03-01T10:00Z", datetime(2025, 3, 1, 10, tzinfo=UTC)),
    ],
    "profile": [(name, name) for name in PROFILES],
    "db": [("runs.db", "runs.db"), ("sqlite:///runs.db", "sqlite:///runs.db")],
    "tenant": [("acme", "acme"), (" acme ", "acme")],
    "modules": [("embedded", "embedded")],
    "timeout": [("2.5", 2.5), ("1e3", 1000.0)],
    "record": [("false", False), ("ON", True), ("0", False)],
    "report": [("off", "off"), ("short", "short"), ("full", "full")],
    "gha": [("auto", "auto"), ("off", "off")],
    "html": [("report.html", "report.html")],
    "chaos": [("off", "off"), ("flaky", "flaky"), ("storm.toml", "storm.toml")],
    "chaos_seed": [("0", 0), ("0x1F", 31), ("random", DRAWN)],
    "chaos_time": [("virtual", "virtual"), ("real", "real"), ("forced", "forced")],
    "chaos_hosts": [("*.corp", ("*.corp",)), ("a, b ,", ("a", "b"))],
    "chaos_control": [("false", False), ("on", True)],
    "chaos_shrink": [("true", True), ("0", False)],
    "replay": [("AC1:abc", "AC1:abc")],
}
WRONG = {
    "lab": ["", "aodd", "aod,", "AOD", "aod;dcl"],
    "scale": ["", "huge", "Small", "small,large"],
    "seed": ["", "-1", "1.0", "1_000", "0b1", "0xg", "٣", "RANDOM", str(MAX_SEED + 1)],
    "anchor": ["", "now", "2026-01-15", "2026-01-15T12:00:00", "1999-12-31T00:00:00+00:00", "0001-01-01T00:00:00+14:00"],
    "profile": ["", "dirty"],
    "db": ["", "  "],
    "tenant": ["", " \t", "caf\udce9"],
    "modules": ["", "mock", "Live"],
    "timeout": ["", "0", "-1", "inf", "nan", "soon", "1e7"],
    "record": ["", "maybe", "2"],
    "report": ["", "long", "Off"],
    "gha": ["", "on"],
    "html": ["", " "],
    "chaos": ["", " "],
    "chaos_seed": ["", "-1", "1.0"],
    "chaos_time": ["", "fast", "Real"],
    "chaos_hosts": ["", ",", " , "],
    "chaos_control": ["", "maybe"],
    "chaos_shrink": ["", "2"],
    "replay": ["", " "],
}
ATTRIBUTE = {setting.name: "labs" if setting.name == "lab" else setting.name for setting in SETTINGS}


def test_the_examples_cover_every_setting() -> None:
    assert set(VALID) == set(WRONG) == {setting.name for setting in SETTINGS}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_valid_texts_are_read_from_every_source(setting) -> None:
    for text, value in VALID[setting.name]:
        for where in ({"options": {setting.name: text}}, {"env": {setting.env: text}}, {"ini": {setting.name: text}}):
            assert getattr(settle(**where), ATTRIBUTE[setting.name]) == value, (text, where)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_wrong_texts_are_refused_with_value_source_and_what_is_valid(setting) -> None:
    for text in WRONG[setting.name]:
        for where, source in (
            ({"options": {setting.name: text}}, f"option --farm-{setting.name}"),
            ({"env": {setting.env: text}}, f"env {setting.env}"),
            ({"ini": {setting.name: text}}, f"ini {setting.ini}"),
        ):
            message = refusal(**where)
            assert f"{setting.name} {text!r}" in message
            assert f"(from {source})" in message
            assert "valid: " in message


@pytest.mark.parametrize(("setting", "valid"), [("lab", LABS), ("scale", SCALES), ("profile", PROFILES)])
def test_a_wrong_name_is_told_all_right_ones(setting, valid) -> None:
    assert refusal({setting: "nonsense"}).endswith("valid: " + ", ".join(valid))


@given(st.fixed_dictionaries({}, optional={source: st.sampled_from(SCALES) for source in ("option", "env", "ini")}))
def test_option_beats_env_beats_ini_beats_default(texts) -> None:
    settings = settle(
        {"scale": texts["option"]} if "option" in texts else {},
        {"AOSFARM_SCALE": texts["env"]} if "env" in texts else {},
        {"scale": texts["ini"]} if "ini" in texts else {},
    )
    names = {"option": "option --farm-scale", "env": "env AOSFARM_SCALE", "ini": "ini farm_scale"}
    winner = next((source for source in names if source in texts), None)
    assert settings.scale == (texts[winner] if winner else "small")
    assert settings.sources["scale"] == (names[winner] if winner else "default")


def test_defaults() -> None:
    settings = settle()
    assert (settings.labs, settings.scale, settings.seed, settings.profile) == ((), "small", 1, "typical")
    assert (settings.db, settings.tenant, settings.modules, settings.record) == (None, None, "embedded", True)
    assert settings.anchor == FIXED_ANCHOR
    assert settings.timeout == 60
    assert set(settings.sources.values()) == {"default"}


@given(st.integers(0, MAX_SEED))
def test_a_seed_reads_the_same_in_both_notations(seed) -> None:
    assert settle({"seed": str(seed)}).seed == settle({"seed": hex(seed)}).seed == seed


@given(st.integers(1_000_000_000, 4_000_000_000), st.integers(-23 * 60, 23 * 60))
def test_an_anchor_is_the_same_moment_in_utc(seconds, minutes) -> None:
    moment = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=minutes)))
    anchor = settle({"anchor": moment.isoformat()}).anchor
    assert anchor == moment
    assert anchor.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("where", "in_use"),
    [
        ({}, False),
        ({"ini": {"scale": "large", "lab": "aod"}}, False),
        ({"env": {"AOD_BASE_URL": "http://aod.test"}}, False),
        ({"env": {"AOSFARM_TEST_PG": "postgresql://x"}}, False),
        ({"env": {"AOSFARM_SEED": "2"}}, True),
        ({"options": {"record": "false"}}, True),
    ],
)
def test_an_option_or_a_variable_is_use_and_nothing_else(where, in_use) -> None:
    assert settle(**where).in_use is in_use


def test_an_unknown_variable_of_ours_is_refused() -> None:
    message = refusal(env={"AOSFARM_SCAEL": "large"})
    assert "AOSFARM_SCAEL" in message
    assert "AOSFARM_SCALE" in message


def test_environment_passes_over_what_is_empty_or_not_ours(monkeypatch) -> None:
    for name, text in {
        "AOSFARM_SCALE": "large",
        "AOSFARM_SEED": "",
        "AOD_BASE_URL": "http://aod.test",
        "OTHER": "x",
    }.items():
        monkeypatch.setenv(name, text)
    found = environment()
    assert found["AOSFARM_SCALE"] == "large"
    assert found["AOD_BASE_URL"] == "http://aod.test"
    assert not {"AOSFARM_SEED", "OTHER"} & set(found)


def test_labs_refuse_planet_and_data_does_not() -> None:
    assert settle({"scale": "planet"}).scale == "planet"
    message = refusal({"scale": "planet", "lab": "aod"})
    assert "'planet' (from option --farm-scale)" in message
    assert "valid: small, medium, large" in message


class TestLive:
    """A URL means live; `modules` may forbid or demand it."""

    def test_a_url_makes_its_module_live_and_time_real(self) -> None:
        settings = settle(env={"AOD_BASE_URL": "http://aod.test:8000/"})
        assert settings.url_of("aod") == "http://aod.test:8000"
        assert settings.url_of("dcl") is None
        assert (settings.modules, settings.anchor, settings.timeout) == ("live", NOW, 300)

    def test_another_module_does_not_move_the_anchor(self) -> None:
        assert settle(env={"DCL_BASE_URL": "http://dcl.test"}).anchor == FIXED_ANCHOR

    def test_what_is_given_beats_what_live_suggests(self) -> None:
        settings = settle(
            {"anchor": "2026-01-01T00:00:00Z", "timeout": "5"},
            {"AOD_BASE_URL": "http://aod.test", "AOSFARM_MODULES": "live"},
        )
        assert (settings.anchor, settings.timeout) == (datetime(2026, 1, 1, tzinfo=UTC), 5)

    def test_embedded_passes_over_urls(self) -> None:
        settings = settle({"modules": "embedded"}, {"AOD_BASE_URL": "http://aod.test"})
        assert settings.url_of("aod") is None
        assert (settings.anchor, settings.timeout) == (FIXED_ANCHOR, 60)

    @pytest.mark.parametrize("module", MODULE_URLS)
    def test_live_without_url_is_an_error_that_names_the_variable(self, module) -> None:
        others = {variable: "http://x.test" for name, variable in MODULE_URLS.items() if name != module}
        settings = settle({"modules": "live"}, others)
        with pytest.raises(ConfigurationError, match=f"set {MODULE_URLS[module]}"):
            settings.url_of(module)

    def test_live_lab_without_url_is_refused_at_once(self) -> None:
        assert "set AOD_BASE_URL" in refusal({"modules": "live", "lab": "aod"}, {"DCL_BASE_URL": "http://x.test"})
        assert "set AOD_BASE_URL" in refusal({"modules": "live"})

    @pytest.mark.parametrize(
        "url",
        [
            "aod.test",
            "ftp://aod.test",
            "http://",
            "http://:80",
            "http://h:99999",
            "http://h:0",
            "http://h/?a=1",
            "http://h h",
            "http://[::1",
        ],
    )
    def test_a_wrong_url_is_refused_when_the_farm_is_used(self, url) -> None:
        assert not settle(env={"AOD_BASE_URL": url}).in_use
        with pytest.raises(ConfigurationError):
            settle(env={"AOD_BASE_URL": url}).url_of("aod")
        message = refusal({"seed": "2"}, {"AOD_BASE_URL": url})
        assert f"aod url {url!r} (from env AOD_BASE_URL)" in message
        assert "valid: http://HOST[:PORT]" in message

    def test_an_error_does_not_show_a_password(self) -> None:
        assert "secret" not in refusal({"seed": "2"}, {"AOD_BASE_URL": "ftp://me:secret@aod.test"})


def test_the_table_has_a_row_for_every_setting() -> None:
    rows = markdown_table().splitlines()[2:]
    assert [row.split("`")[1].partition("=")[0] for row in rows] == [setting.option for setting in SETTINGS]
    assert all(setting.env in row and setting.ini in row for setting, row in zip(SETTINGS, rows, strict=True))
