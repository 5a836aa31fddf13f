"""Options, ini keys and environment: who wins, what the header says, and how a wrong value is refused."""

from __future__ import annotations

import pytest

SHOW = """
    def test_settings(pytestconfig):
        from pytest_aosfarm.plugin.keys import settings_key
        settings = pytestconfig.stash[settings_key]
        print(f"@ labs={','.join(settings.labs)} scale={settings.scale} seed={settings.seed} @")
"""


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch):
    """No variable of the outside reaches the inner run."""
    for name in ("AOSFARM_SCALE", "AOSFARM_SEED", "AOSFARM_LAB", "AOD_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("option", ["--farm-scale=large", "--scale=large"])
def test_the_command_line_wins(pytester, plugin_args, monkeypatch, option):
    monkeypatch.setenv("AOSFARM_SCALE", "medium")
    pytester.makeini("[pytest]\nfarm_scale = small\n")
    pytester.makepyfile(SHOW)
    result = pytester.runpytest(option, "--farm-seed=0x10", "-rP", *plugin_args)
    result.stdout.fnmatch_lines(["aosfarm: lab none (default), scale large (option *scale), seed 16 (option --farm-seed)*"])
    result.stdout.fnmatch_lines(["@ labs= scale=large seed=16 @"])


def test_the_environment_beats_the_ini_file(pytester, plugin_args, monkeypatch):
    monkeypatch.setenv("AOSFARM_SCALE", "medium")
    pytester.makeini("[pytest]\nfarm_scale = large\nfarm_seed = 7\n")
    pytester.makepyfile(SHOW)
    result = pytester.runpytest("-rP", *plugin_args)
    result.stdout.fnmatch_lines(["aosfarm:*scale medium (env AOSFARM_SCALE), seed 7 (ini farm_seed)*"])
    result.stdout.fnmatch_lines(["@ labs= scale=medium seed=7 @"])


@pytest.mark.parametrize("how", ["equals", "space", "addopts", "env-addopts"])
def test_short_options_however_they_are_given(pytester, plugin_args, monkeypatch, how):
    pytester.makepyfile("import pytest\n@pytest.mark.lab('aod')\ndef test_a(): pass\ndef test_b(): pass\n")
    args = {"equals": ["--lab=aod"], "space": ["--lab", "aod"]}.get(how, [])
    if how == "addopts":
        pytester.makeini("[pytest]\naddopts = --lab=aod\n")
    if how == "env-addopts":
        monkeypatch.setenv("PYTEST_ADDOPTS", "--lab=aod")
    pytester.runpytest(*args, *plugin_args).assert_outcomes(passed=1, deselected=0 if plugin_args == ("-n2",) else 1)


def test_several_labs(pytester):
    pytester.makepyfile(SHOW)
    result = pytester.runpytest("--lab=aod,dcl", "--farm-lab=e2e", "--collect-only")
    result.stdout.fnmatch_lines(["aosfarm: lab e2e,aod,dcl (option --lab)*"])


WRONG = [
    ("lab", "aodd", "e2e, aod, aam, dcl"),
    ("scale", "tiny", "small, medium, large, planet"),
    ("seed", "-3", "a whole number from 0 to 2**64 - 1, decimal or 0x…, or random"),
    ("anchor", "2026-01-15", "an ISO 8601 moment with UTC offset, such as 2026-01-15T12:00:00+00:00"),
    ("profile", "dirty", "clean, typical, messy"),
    ("timeout", "0", "a number of seconds above 0 and below 1000000"),
    ("modules", "dead", "embedded, live"),
    ("record", "perhaps", "true, false, 1, 0, yes, no, on, off"),
]


@pytest.mark.parametrize("place", ["option", "env", "ini"])
@pytest.mark.parametrize(("name", "value", "valid"), WRONG)
def test_a_wrong_value_is_one_line_before_any_test(pytester, plugin_args, monkeypatch, place, name, value, valid):
    pytester.makepyfile("def test_never(): open('ran', 'w')")
    args = []
    source = {"option": f"option --farm-{name}", "env": f"env AOSFARM_{name.upper()}", "ini": f"ini farm_{name}"}[place]
    if place == "option":
        args = [f"--farm-{name}={value}"]
        source = source.replace("--farm-", "--") if name in {"lab", "scale"} else source
    elif place == "env":
        monkeypatch.setenv(f"AOSFARM_{name.upper()}", value)
    else:
        pytester.makeini(f"[pytest]\nfarm_{name} = {value}\n")
    result = pytester.runpytest(*args, *plugin_args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    errors = [line for line in result.stderr.lines if line.strip()]
    assert errors == [f"ERROR: aosfarm: {name} {value!r} (from {source}) is not valid; valid: {valid}"]
    assert not (pytester.path / "ran").exists()


@pytest.mark.parametrize("url", ["localhost:5000", "ftp://host", "http://", "http://[::1", "http://host:99999"])
def test_a_wrong_url(pytester, plugin_args, monkeypatch, url):
    monkeypatch.setenv("AOD_BASE_URL", url)
    result = pytester.runpytest("--farm-seed=1", *plugin_args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: aosfarm: aod url '{url.replace('[', '[[]')}' (from env AOD_BASE_URL) is not valid*"])


def test_live_without_a_url(pytester, plugin_args):
    result = pytester.runpytest("--lab=aod", "--farm-modules=live", *plugin_args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: aosfarm: modules 'live' (from option --farm-modules) needs the address of aod: set AOD_BASE_URL*"])


def test_a_planet_is_not_for_labs(pytester, plugin_args):
    result = pytester.runpytest("--lab=aod", "--scale=planet", *plugin_args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: aosfarm: scale 'planet' (from option --scale) is for data, not for labs*"])


def test_an_unreachable_module_is_one_line_before_the_first_test(pytester, plugin_args, monkeypatch):
    monkeypatch.setenv("AOD_BASE_URL", "http://user:secret@127.0.0.1:9")
    pytester.makepyfile("def test_never(): open('ran', 'w')")
    result = pytester.runpytest("--farm-seed=1", *plugin_args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: aosfarm: no AOD at *"])
    assert "secret" not in result.stderr.str()
    assert not (pytester.path / "ran").exists()


def test_a_password_never_reaches_the_header(pytester, monkeypatch):
    monkeypatch.setenv("AAM_BASE_URL", "http://user:secret@localhost:1")
    result = pytester.runpytest("--farm-seed=1", "--collect-only")
    result.stdout.fnmatch_lines(["aosfarm:*aam url http://[*][*][*]@localhost:1 (env AAM_BASE_URL)*"])
    assert "secret" not in result.stdout.str()


def test_a_random_seed_is_drawn_once_and_printed(pytester):
    pytester.makepyfile(SHOW + SHOW.replace("test_settings", "test_again"))
    result = pytester.runpytest("--farm-seed=random", "-rP", "-n2")
    shown = {line for line in result.stdout.lines if line.startswith("@ ")}
    assert len(shown) == 1
    seed = shown.pop().split("seed=")[1].split()[0]
    result.stdout.fnmatch_lines([f"aosfarm:*seed {seed} (option --farm-seed)*"])
