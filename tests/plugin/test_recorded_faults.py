"""Faults that a test's report tells of: rows of its attempt, a line of the terminal, a count in JUnit XML."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from recorded_runs import all_runs, only_run, outcomes, spools, tries

from pytest_aosfarm.cli import main
from pytest_aosfarm.recording.store import RunStore

HELPER = """
    import json, os, pathlib, pytest

    @pytest.fixture
    def injected(request):
        told = request.node.user_properties
        told[:] = [pair for pair in told if pair[0] not in {"farm.faults", "farm.chaos"}]
        def injected(*kinds, **more):
            faults = [{"kind": kind, "path": "/api/runs", "at_us": 10 * n, **more} for n, kind in enumerate(kinds, 1)]
            told.append(("farm.faults", json.dumps(faults)))
            told.append(("farm.chaos", f"AC1:{'x'.join(kinds)}"))
        return injected
"""
SUITE = """
    def test_hit(injected):
        injected("status", "late", "status", status=503, delivered=False, observed="503")
        assert 0

    def test_survives(injected):
        injected("late")

    def test_calm(): pass
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(HELPER)
    pytester.makepyfile(test_it=SUITE)


def faults(pytester: pytest.Pytester, run_id: int = 1) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """Name and attempt of each test that had faults -> these."""
    with RunStore(pytester.path / ".aosfarm/farm.db", "default") as store:
        run = store.run(run_id)
        assert run is not None
        names = {(test["test_id"], test["attempt"]): test["nodeid"].rpartition("::")[2] for test in run["tests"]}
        found = store.faults(run_id)
    return {(names[key], key[1]): rows for key, rows in sorted(found.items(), key=lambda one: names[one[0]])}


def kinds(pytester: pytest.Pytester) -> dict[tuple[str, int], list[str]]:
    return {key: [fault["kind"] for fault in rows] for key, rows in faults(pytester).items()}


def in_junit(pytester: pytest.Pytester) -> dict[str | None, list[tuple[str | None, str | None]]]:
    """What pytest's JUnit XML says of faults and chaos, by test."""
    cases = ET.parse(pytester.path / "junit.xml").getroot().iter("testcase")
    return {
        case.get("name"): [
            (one.get("name"), one.get("value"))
            for one in case.iter("property") if one.get("name") in {"farm.faults", "farm.chaos"}
        ]
        for case in cases
    }  # fmt: skip


JUNIT = {
    "test_hit": [("farm.chaos", "AC1:statusxlatexstatus"), ("farm.faults", "3")],
    "test_survives": [("farm.chaos", "AC1:late"), ("farm.faults", "1")],
    "test_calm": [],
}


# A run without an option is found to use the Farm by what its first test says of faults.
@pytest.mark.parametrize("option", ["--farm-seed=1", "--strict-markers"])
def test_faults_are_rows_a_line_and_a_count(
    pytester: pytest.Pytester, suite: None, plugin_args: tuple[str, ...], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result = pytester.runpytest(option, "--junitxml=junit.xml", *plugin_args)
    result.stdout.fnmatch_lines(["chaos      4 faults in 2 tests (2 late, 2 status)"])
    run = only_run(pytester.path)
    assert outcomes(run) == {"test_hit": "failed", "test_survives": "passed", "test_calm": "passed"}
    assert [test["properties"].get("farm.faults") for test in run["tests"] if test["outcome"] == "failed"] == [3]
    found = faults(pytester)
    assert kinds(pytester) == {("test_hit", 1): ["status", "late", "status"], ("test_survives", 1): ["late"]}
    assert sorted(fault["number"] for rows in found.values() for fault in rows) == [1, 2, 3, 4]
    (test,) = (test for test in run["tests"] if test["outcome"] == "failed")
    assert found["test_hit", 1][0] == {
        "number": found["test_hit", 1][0]["number"], "at_us": test["started_us"] + 10, "kind": "status", "status": 503,
        "path": "/api/runs", "delivered": False, "observed": "503", "module": None, "method": None, "delay_us": None,
        "rule": None,
    }  # fmt: skip
    assert in_junit(pytester) == JUNIT
    assert main(["show", "1", "--db", str(pytester.path / ".aosfarm/farm.db")]) == 0
    shown = capsys.readouterr().out
    assert "test_it.py::test_hit: the same faults again with --farm-replay=AC1:statusxlatexstatus" in shown
    assert shown.count("status 503") == 2


def test_the_count_stands_in_junit_xml_when_nothing_is_recorded(
    pytester: pytest.Pytester, suite: None, plugin_args: tuple[str, ...]
) -> None:
    pytester.runpytest("--no-farm-record", "--junitxml=junit.xml", *plugin_args)
    assert in_junit(pytester) == JUNIT
    assert not (pytester.path / ".aosfarm").exists()


def test_faults_stay_with_their_attempt(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makeconftest(HELPER)
    pytester.makepyfile(
        test_it="""
        import pathlib

        def test_again(injected):
            tries = pathlib.Path(__file__).with_name("tries")
            tries.write_text((tries.read_text() if tries.exists() else "") + "x")
            match tries.read_text():
                case "x": injected("status")
                case "xx": injected("late", "late")
            assert tries.read_text() == "xxx"
        """
    )
    pytester.runpytest("--farm-seed=1", "-p", "pytest_rerunfailures", "--reruns=2", "--junitxml=junit.xml", *plugin_args)
    assert kinds(pytester) == {("test_again", 1): ["status"], ("test_again", 2): ["late", "late"]}
    run = only_run(pytester.path)
    assert [test["properties"].get("farm.faults") for test in run["tests"]] == [1, 2, None]
    assert in_junit(pytester)["test_again"] == []


@pytest.mark.slow
def test_what_a_crashed_worker_had_told_is_kept(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(HELPER)
    pytester.makepyfile(
        test_it="""
        import os

        def test_before(injected): injected("status")

        def test_crash(injected):
            injected("late")
            os._exit(1)
        """
    )
    pytester.runpytest("--farm-seed=1", "-n1")
    assert outcomes(only_run(pytester.path)) == {"test_before": "passed", "test_crash": "crashed"}
    assert kinds(pytester) == {("test_before", 1): ["status"]}


def test_a_spool_brings_them_back_and_twice_is_once(
    pytester: pytest.Pytester, suite: None, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.runpytest("--farm-seed=1", "--farm-db=postgresql://127.0.0.1:1/x")
    (spool,) = spools(pytester.path)
    copy = spool.read_bytes()
    database = str(pytester.path / ".aosfarm/farm.db")
    seen = []
    for _ in range(2):
        spool.write_bytes(copy)
        assert main(["recover", "--db", database]) == 0
        seen.append(faults(pytester))
    assert seen[0] == seen[1]
    assert kinds(pytester) == {("test_hit", 1): ["status", "late", "status"], ("test_survives", 1): ["late"]}
    capsys.readouterr()


def test_a_failure_under_faults_is_held_against_no_test(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.makeconftest(HELPER)
    pytester.makepyfile(
        test_it="""
        # The module never got the request: a failure of chaos all the same.
        def test_under_faults(injected):
            injected("status", delivered=False)
            assert 0

        def test_broken(): assert 0
        """
    )
    for _ in range(3):
        pytester.runpytest("--farm-seed=1")
    capsys.readouterr()
    assert main(["flaky", "--json", "--db", str(pytester.path / ".aosfarm/farm.db")]) == 0
    told = json.loads(capsys.readouterr().out)
    tests = told["tests"] if isinstance(told, dict) else told
    assert [(test["identity"], test["health"]) for test in tests] == [("test_it::test_broken", "broken")]
    assert len(all_runs(pytester.path)) == 3


TEXTS = ("[{", "12", '[1, "x", {"kind": 5, "status": "503"}]')


def test_whatever_the_text_the_test_is_recorded(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    pytester.makepyfile(
        test_it=f"""
        import pytest

        @pytest.mark.parametrize("n", range(3))
        def test_it(n, request):
            request.node.user_properties.append(("farm.faults", {TEXTS!r}[n]))
        """
    )
    result = pytester.runpytest("--farm-seed=1", "--junitxml=junit.xml", *plugin_args)
    assert result.ret == 0
    assert "recording failed" not in result.stdout.str()
    told = {name: row["farm.faults"] for name, ((row,),) in tries(only_run(pytester.path), "properties").items()}
    assert told == {"test_it[0]": "[{", "test_it[1]": "12", "test_it[2]": 3}
    assert in_junit(pytester) == {name: [("farm.faults", str(text))] for name, text in told.items()}
    assert kinds(pytester) == {("test_it[2]", 1): ["unknown"]}


def test_faults_of_chaos_are_recorded_with_each_try_be_they_the_same(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...]
) -> None:
    pytester.makepyfile(
        test_it="""
        import httpx, pytest

        @pytest.mark.chaos("shop", fault="503", route="GET /orders")
        def test_shop(chaos):
            with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
                chaos.allow("shop.test")
                assert chaos.wrap(client, "shop").get("http://shop.test/orders?id=1").status_code == 200
        """
    )
    result = pytester.runpytest(
        "-p", "pytest_rerunfailures", "--reruns=1", "--junitxml=junit.xml", "--farm-chaos-time=virtual", *plugin_args
    )
    result.stdout.fnmatch_lines(["chaos      2 faults in 1 test (2 status)"])
    found = faults(pytester)
    assert kinds(pytester) == {("test_shop", 1): ["status"], ("test_shop", 2): ["status"]}
    columns = ("module", "method", "path", "status", "observed", "delivered")
    assert [rows[0][name] for rows in found.values() for name in columns] == [
        *("shop", "GET", "/orders", 503, "503", False),
        *("shop", "GET", "/orders", 503, "503", False),
    ]
    (first, token), (second, again) = in_junit(pytester)["test_shop"]
    assert (first, second, again) == ("farm.chaos", "farm.faults", "1")
    assert str(token).startswith("AC1:")
    assert [test["properties"]["farm.chaos"] for test in only_run(pytester.path)["tests"]] == [token, token]
