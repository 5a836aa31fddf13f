"""Options, ini keys and environment: who wins, what the header says, and how a wrong value is refused."""

from __future__ import annotations

import os
from textwrap import dedent

import pytest

SHOW = """
    def test_settings(pytestconfig):
        from pytest_aosfarm.plugin.keys import run_key, settings_key
        settings, run = pytestconfig.stash[settings_key], pytestconfig.stash[run_key]
        print(f"@ labs={','.join(settings.labs)} scale={settings.scale} seed={settings.seed} db={settings.db}"
              f" record={settings.record} @")
        print(f"# {run.uuid} {run.started_at.isoformat()} {settings.seed} {settings.anchor.isoformat()} #")
"""


@pytest.mark.parametrize("option", ["--farm-scale", "--scale"])
def test_the_command_line_wins(pytester, plugin_args, monkeypatch, option):
    monkeypatch.setenv("AOSFARM_SCALE", "medium")
    pytester.makeini("[pytest]\nfarm_scale = small\n")
    pytester.makepyfile(SHOW)
    result = pytester.runpytest(f"{option}=large", "--farm-seed=0x10", "-rP", *plugin_args)
    result.stdout.fnmatch_lines(
        [f"aosfarm: lab=none (default), scale=large (option {option}), seed=16 (option --farm-seed)*"]
    )
    result.stdout.fnmatch_lines(["@ labs= scale=large seed=16 db=None record=True @"])


def test_the_environment_beats_the_ini_file(pytester, plugin_args, monkeypatch):
    monkeypatch.setenv("AOSFARM_SCALE", "medium")
    pytester.makeini("[pytest]\nfarm_scale = large\nfarm_seed = 7\n")
    pytester.makepyfile(SHOW)
    result = pytester.runpytest("-rP", *plugin_args)
    result.stdout.fnmatch_lines(["aosfarm:*scale=medium (env AOSFARM_SCALE), seed=7 (ini farm_seed)*"])
    result.stdout.fnmatch_lines(["@ labs= scale=medium seed=7 db=None record=True @"])


def test_a_toml_file_may_hold_a_list_and_a_bool(pytester, plugin_args):
    pytester.makepyprojecttoml(
        '[tool.pytest]\nfarm_lab = ["aod", "dcl"]\nfarm_record = false\nfarm_seed = "0x10"\nfarm_db = "runs.db"\n'
    )
    pytester.makepyfile("import pytest\npytestmark = pytest.mark.lab('dcl')\n" + dedent(SHOW))
    result = pytester.runpytest("-rP", *plugin_args)
    result.stdout.fnmatch_lines(["@ labs=aod,dcl scale=small seed=16 db=runs.db record=False @"])


def test_a_toml_value_of_the_wrong_type_is_one_line(pytester, plugin_args):
    pytester.makepyprojecttoml("[tool.pytest]\nfarm_seed = 7\n")
    result = pytester.runpytest(*plugin_args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *farm_seed*expects a string, got int: 7"])


@pytest.mark.parametrize("how", ["equals", "space", "addopts", "env-addopts"])
def test_short_options_however_they_are_given(pytester, plugin_args, monkeypatch, how):
    pytester.makepyfile("import pytest\n@pytest.mark.lab('aod')\ndef test_a(): pass\ndef test_b(): pass\n")
    args = {"equals": ["--lab=aod", "--scale=medium"], "space": ["--lab", "aod", "--scale", "medium"]}.get(how, [])
    if how == "addopts":
        pytester.makeini("[pytest]\naddopts = --lab=aod --scale=medium\n")
    if how == "env-addopts":
        monkeypatch.setenv("PYTEST_ADDOPTS", f"{os.environ['PYTEST_ADDOPTS']} --lab=aod --scale=medium")
    result = pytester.runpytest(*args, *plugin_args)
    result.assert_outcomes(passed=1, deselected=0 if plugin_args == ("-n2",) else 1)
    result.stdout.fnmatch_lines(["aosfarm: lab=aod (option --lab), scale=medium (option --scale)*"])


@pytest.mark.parametrize(
    "args", [["--lab=aod,dcl", "--farm-lab=e2e"], ["--lab=aod", "--lab=dcl,e2e"], ["--farm-lab=aod", "--lab=dcl,aod,e2e"]]
)
def test_labs_add_up(pytester, args):
    pytester.makepyfile(SHOW)
    result = pytester.runpytest("--collect-only", *args)
    result.stdout.fnmatch_lines([f"aosfarm: lab=aod,dcl,e2e (option {args[-1].partition('=')[0]})*"])


def test_of_two_scales_the_last_wins(pytester):
    pytester.makeini("[pytest]\naddopts = --farm-scale=medium\n")
    result = pytester.runpytest("--scale=large", "--collect-only")
    result.stdout.fnmatch_lines(["aosfarm:*scale=large (option --scale)*"])


def test_nothing_is_recorded_when_asked(pytester, plugin_args):
    pytester.makepyfile(SHOW)
    result = pytester.runpytest("--no-farm-record", "-rP", *plugin_args)
    result.stdout.fnmatch_lines(["aosfarm:*record=no (option --no-farm-record)*", "@ *record=False @"])
    assert not (pytester.path / ".aosfarm").exists()


WRONG = [
    ("lab", "aodd", "e2e, aod, aam, dcl"),
    ("scale", "tiny", "small, medium, large, planet"),
    ("seed", "-3", "a whole number from 0 to 2**63 - 1, decimal or 0x…, or random"),
    (
        "anchor",
        "2026-01-15",
        "an ISO 8601 moment of the years 2000 to 2100 with its offset, such as 2026-01-15T12:00:00+00:00",
    ),
]


@pytest.mark.parametrize("place", ["option", "env", "ini"])
@pytest.mark.parametrize(("name", "value", "valid"), WRONG, ids=[name for name, *_ in WRONG])
def test_a_wrong_value_is_one_line_before_any_test(pytester, plugin_args, monkeypatch, place, name, value, valid):
    pytester.makepyfile("def test_never(): open('ran', 'w')")
    source = {"option": f"option --farm-{name}", "env": f"env AOSFARM_{name.upper()}", "ini": f"ini farm_{name}"}[place]
    if place == "env":
        monkeypatch.setenv(f"AOSFARM_{name.upper()}", value)
    if place == "ini":
        pytester.makeini(f"[pytest]\nfarm_{name} = {value}\n")
    result = pytester.runpytest(*([f"--farm-{name}={value}"] if place == "option" else []), *plugin_args)
    assert _errors(result) == [f"ERROR: aosfarm: {name} {value!r} (from {source}) is not valid; valid: {valid}"]
    assert not (pytester.path / "ran").exists()
    assert not (pytester.path / ".aosfarm").exists()


@pytest.mark.parametrize("args", [("--scale=tiny",), ("--scale", "tiny")])
def test_a_wrong_value_of_a_short_option_names_that_option(pytester, plugin_args, args):
    (error,) = _errors(pytester.runpytest(*args, *plugin_args))
    assert "scale 'tiny' (from option --scale)" in error


def test_an_unknown_variable_of_ours_is_refused(pytester, plugin_args, monkeypatch):
    monkeypatch.setenv("AOSFARM_SCAEL", "large")
    (error,) = _errors(pytester.runpytest(*plugin_args))
    assert error.startswith("ERROR: aosfarm: env AOSFARM_SCAEL is no setting; valid: AOSFARM_LAB, AOSFARM_SCALE,")


def test_a_planet_is_not_for_labs(pytester, plugin_args):
    (error,) = _errors(pytester.runpytest("--lab=aod", "--scale=planet", *plugin_args))
    assert error.startswith("ERROR: aosfarm: scale 'planet' (from option --scale) is for data, not for labs")


def test_a_database_that_will_not_do_is_refused(pytester, plugin_args):
    (error,) = _errors(pytester.runpytest("--farm-db=mysql://me:secret@db/x", *plugin_args))
    assert "mysql" in error
    assert "secret" not in error


def test_what_is_drawn_is_drawn_once(pytester, plugin_args):
    pytester.makepyfile(dedent(SHOW) + dedent(SHOW).replace("test_settings", "test_again"))
    result = pytester.runpytest("--farm-seed=random", "-rP", *plugin_args)
    result.assert_outcomes(passed=2)
    lines = [line for line in result.stdout.lines if line.startswith("# ")]
    assert len(lines) == 2
    assert len(set(lines)) == 1
    seed = lines[0].split()[3]
    result.stdout.fnmatch_lines([f"aosfarm:*seed={seed} (option --farm-seed)*"])


def test_two_runs_draw_two_seeds(pytester):
    pytester.makepyfile(SHOW)
    seen = {
        next(line for line in pytester.runpytest("--farm-seed=random", "-rP").stdout.lines if line.startswith("# "))
        for _ in range(2)
    }
    assert len({line.split()[1] for line in seen}) == len({line.split()[3] for line in seen}) == 2


def _errors(result) -> list[str]:
    """The lines on standard error of a run that was refused."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    return [line for line in result.stderr.lines if line.strip()]
