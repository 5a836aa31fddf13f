"""The commands that list, compare and judge runs, as a user of a shell sees them."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from history_samples import Sampler
from kept_runs import started

from pytest_aosfarm.cli import main
from pytest_aosfarm.recording.events import AttemptFinished
from pytest_aosfarm.recording.store import RunStore

if TYPE_CHECKING:
    from pytest_aosfarm.recording.faults import Fault


@pytest.fixture
def sample(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("AOSFARM_DB", "AOSFARM_TENANT"):
        monkeypatch.delenv(name, raising=False)
    with RunStore(tmp_path / ".aosfarm" / "farm.db", "default", create=True) as store:
        yield Sampler(store)


@pytest.fixture
def ask(capsys):
    def ask(*arguments, code=0):
        assert main(list(arguments)) == code
        said = capsys.readouterr()
        if code:
            assert said.err.startswith("aosfarm: ")
            assert said.err.count("\n") == 1
            return said.err
        return json.loads(said.out) if "--json" in arguments else said.out

    return ask


P, F = "passed", "failed"


def test_runs_are_filtered_and_paged(sample, ask):
    for number in range(1, 6):
        sample.run({"m::a": F if number == 3 else P}, vcs_branch="topic" if number > 3 else "main", lab="aod,dcl")

    def ids(*arguments):
        return [run["id"] for run in ask("runs", "--json", *arguments)]

    assert ids("-n", "2") == [5, 4]
    assert ids("-n", "2", "--before", "4") == [3, 2]
    assert ids("--status", "failed") == [3]
    assert ids("--branch", "topic", "--lab", "dcl") == [5, 4]
    assert ids("--scenario", "s1", "--branch", "main") == [3, 2, 1]
    assert "there are: s1" in ask("runs", "--scenario", "nothing", code=1)
    assert "branch" in ask("runs").splitlines()[0]


def test_a_run_without_a_heartbeat_is_suspect_in_the_list_and_by_the_filter(sample, ask):
    sample.run({"m::a": P}, status="running", finished_at=None)
    sample.run({"m::a": P})
    assert [run["status"] for run in ask("runs", "--json")] == ["passed", "suspect"]
    assert [run["id"] for run in ask("runs", "--json", "--status", "suspect")] == [1]
    assert ask("runs", "--json", "--status", "running") == []
    assert "suspect" in ask("show", "1")


def test_show_lists_the_faults_of_what_went_wrong_and_json_all_of_them(sample, ask):
    fault: Fault = {"at_us": 1_500, "kind": "status\x1b", "status": 503, "method": "GET", "path": "/api/" + "x" * 100}
    late: Fault = {"at_us": 9, "kind": "late", "delay_us": 1_500_000, "delivered": False, "observed": "ReadTimeout"}
    run_id = sample.store.begin_run(started())
    usual: Any = {"attempt": 1, "phase": "call", "started_us": 1_000_000}
    bad = AttemptFinished(nodeid="m.py::bad", identity="m::bad", outcome="failed", **usual)
    fine = AttemptFinished(nodeid="m.py::fine", identity="m::fine", outcome="passed", **usual)
    bad.faults, bad.properties = (late, *[fault] * 6), {"farm.faults": 9, "farm.chaos": "AC1:x"}
    fine.faults, fine.faults_before, fine.properties = (late,), 7, {"farm.faults": 1, "farm.chaos": "storm"}
    sample.store.save(run_id, [bad, fine], {"status": "failed"})
    out = ask("show", str(run_id)).splitlines()
    start = next(n for n, line in enumerate(out) if line.startswith("after"))
    assert out[start].split() == ["after", "fault", "call", "delivered", "seen", "test"]
    assert out[start + 1].split() == ["0.000", "s", "late", "1.5", "s", "no", "ReadTimeout", "m.py::bad"]
    assert out[start + 2].startswith("0.002 s  status  503")
    assert out[start + 2].split()[-3:] == ["-", "-", "m.py::bad"]
    assert out[start + 6].split() == ["and", "4", "faults", "more", "m.py::bad"]
    assert out[start + 7 :] == ["", "m.py::bad: the same faults again with --farm-replay=AC1:x"]
    tests = {test["identity"]: test["faults"] for test in ask("show", str(run_id), "--json")["tests"]}
    assert [fault["number"] for fault in tests["m::bad"]] == [1, 2, 3, 4, 5, 6, 7]
    assert [(fault["number"], fault["at_us"]) for fault in tests["m::fine"]] == [(8, 1_000_009)]
    sample.run({"m::a": F})
    assert "fault" not in ask("show", str(run_id + 1))


def test_show_has_failures_first_and_outputs_on_demand(sample, ask):
    wrong = {"outcome": F, "message": "boom", "output": zlib.compress(b"Traceback\n\x1b[31mred")}
    sample.run({"m::fine": P, "m::bad": [wrong, wrong], "m::skip": "skipped"})
    lines = ask("show", "1").splitlines()
    tests = lines[next(n for n, line in enumerate(lines) if line.startswith("outcome")) + 1 :]
    assert [line.split()[0] for line in tests] == [F, F, P, "skipped"]
    assert "(attempt 2)" in tests[0]
    assert "Traceback" not in "".join(lines)
    out = ask("show", "1", "--output")
    assert "---- m.py::bad (attempt 2): longrepr" in out
    assert "Traceback\n [31mred" in out
    run = ask("show", "1", "--output", "--json")
    assert [test.get("outputs") for test in run["tests"]].count({"longrepr": "Traceback\n\x1b[31mred"}) == 2
    assert run["errors_outside"] == []
    assert "owner_token" not in run
    sample.run({}, passed=3)
    assert "were pruned" in ask("show", "2")


def test_compare_with_another_run_and_with_the_baseline(sample, ask):
    assert "no run 1 " in ask("compare", "1", code=1)
    sample.run({"m::a": P, "m::b": P, "m::slow": {"outcome": P, "call_us": 100_000}}, seed=1)
    assert "first of its kind" in ask("compare", "1", code=1)
    sample.run({"m::a": F, "m::new": P, "m::slow": {"outcome": P, "call_us": 900_000}}, seed=2)
    out = ask("compare", "2")
    first, second, *_ = out.splitlines()
    assert first == "run 2 (failed) beside run 1 (passed, last passed on main)"
    assert second == "1 newly failing, 1 new, 1 removed, 1 slower, worst m.py::slow +0.8 s"
    assert "seed" in out
    assert "it broke" in out
    found = ask("compare", "2", "1", "--json")
    assert (found["run"]["id"], found["base"]["id"], found["chosen"]) == (2, 1, "named")
    assert found["counts"] == {"newly_failing": 1, "new": 1, "removed": 1, "slower": 1}
    assert found["differences"]["seed"] == {"then": 1, "now": 2}
    assert found["changes"]["slower"][0]["usual"] is None
    assert "too few passes known" in out
    assert "no run 7 " in ask("compare", "2", "7", code=1)


def test_long_lists_are_cut_unless_all_are_wanted(sample, ask):
    names = [f"m::t{n}" for n in range(25)]
    sample.run(dict.fromkeys(names, P))
    sample.run(dict.fromkeys(names, F))
    assert "and 5 more; --all names them" in ask("compare", "2", "1")
    assert ask("compare", "2", "1", "--all").count("m.py::t") == 25


def test_a_pinned_run_is_the_baseline(sample, ask):
    for outcome in (F, P, F):
        sample.run({"m::a": outcome})
    assert ask("compare", "3", "--json")["base"]["id"] == 2
    assert ask("pin", "1", "--json") == {"id": 1, "pinned": True}
    assert ask("compare", "3", "--json")["base"]["id"] == 1
    assert "no longer" in ask("pin", "1", "--remove")
    assert ask("compare", "3", "--json")["base"]["id"] == 2
    assert "no run 9 " in ask("pin", "9", code=1)


def test_flaky_and_broken_tests_come_with_their_evidence(sample, ask):
    assert "no test without a branch is broken or flaky" in ask("flaky")
    sample.run({"m::ok": P, "m::retried": [F, P], "m::bad": F})
    sample.run({"m::ok": P, "m::retried": P, "m::bad": F})
    sample.run({"m::ok": P, "m::retried": P, "m::bad": F})
    lines = ask("flaky").splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["broken", "m.py::bad"], ["broken:", "failed"], ["flaky", "m.py::retried"], ["S1:", "run"],
    ]  # fmt: skip
    assert lines[3].endswith("S1: run 1: attempt 1 failed, attempt 2 passed, commit sha1")
    found = ask("flaky", "--json", "-n", "1")
    assert (found["branch"], [test["identity"] for test in found["tests"]]) == ("main", ["m::bad"])
    assert found["tests"][0]["why"] == ["failed in 3 of the last 3 runs: 1, 2, 3, commit sha3"]
    assert ask("flaky", "--json", "--branch", "topic")["tests"] == []


def test_trend_has_figures_without_a_terminal_and_bars_on_one(sample, ask, monkeypatch):
    assert ask("trend") == "no run has ended yet that would be shown here\n"
    for number in range(1, 7):
        slow = {"outcome": P, "call_us": 1_000_000 if number > 3 else 100_000}
        sample.run({"m::a": P, "m::b": F if number == 2 else P, "m::slow": slow}, duration_ms=1000 * number)
    out = ask("trend")
    assert out.startswith("s1 on main, 6 runs\n")
    assert "66.6% 100% 100% 100% 100%" in out
    assert "p50 3.5 s, p95 6.0 s" in out
    assert "m.py::slow     0.100 s     1.000 s" in out
    assert "█" not in out
    (one,) = ask("trend", "--json", "-n", "4", "--scenario", "s1", "--lab", "aod")
    assert [point["run_id"] for point in one["points"]] == [3, 4, 5, 6]
    assert one["slower"] == [{"identity": "m::slow", "nodeid": "m.py::slow", "then_us": 550_000, "now_us": 1_000_000}]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "█▆████" in ask("trend")


def test_the_history_of_one_test(sample, ask):
    for outcome in (P, [F, P], F):
        sample.run({"m::a": outcome, "m::ab": P})
    for name in ("m::a", "m.py::a"):
        found = ask("history", name, "--json")
        assert found["identity"] == "m::a"
        seen = [(one["run_id"], one["outcome"], one["attempt"]) for one in found["results"]]
        assert seen == [(3, F, 1), (2, P, 2), (1, P, 1)]
    assert len(ask("history", "m::a", "-n", "2").splitlines()) == 4
    assert "perhaps m::a, m::ab" in ask("history", "::a", code=1)


def test_a_renamed_test_keeps_its_history(sample, ask):
    sample.run({"m::old": F})
    sample.run({"m::old": P, "m::other": P})
    assert ask("alias", "m::old", "m::new") == "m::old is m::new: 2 results handed over\n"
    assert ask("alias", "m::old", "m::new", "--json") == [{"old": "m::old", "new": "m::new", "results": 0}]
    assert [one["run_id"] for one in ask("history", "m::old", "--json")["results"]] == [2, 1]
    assert "run 2 holds both 'm::new' and 'm::other'" in ask("alias", "m::new", "m::other", code=2)
    assert "no test 'm::nothing'" in ask("alias", "m::nothing", "m::new", code=1)


def test_prune_says_what_would_go_and_what_went(sample, ask):
    for days in (4000, 2):
        sample.run({"m::a": P}, started_at=datetime.now(UTC) - timedelta(days=days))
    assert ask("prune", "--dry-run").splitlines()[-1].split() == ["farm_runs", "1"]
    assert len(ask("runs", "--json")) == 2
    # As many days as no calendar has: nothing is as old.
    assert ask("prune", "--dry-run", "--runs", "999999").splitlines()[-1].split() == ["farm_runs", "0"]
    found = ask("prune", "--json")
    assert (found["dry_run"], found["rows"]["farm_runs"], found["rows"]["farm_run_tests"]) == (False, 1, 1)
    assert ask("prune", "--before", "2000-01-01", "--json")["rows"]["farm_runs"] == 0
    assert [run["id"] for run in ask("runs", "--json")] == [2]


def test_commands_of_one_tenant_show_nothing_of_another(sample, ask, monkeypatch):
    sample.run({"m::secret": F})
    with RunStore(sample.store.where, "you", create=True) as store:
        Sampler(store).run({"m::mine": P})
    monkeypatch.setenv("AOSFARM_TENANT", "you")
    for command in (["runs"], ["show", "1"], ["flaky"], ["trend"], ["history", "m::mine"]):
        assert "secret" not in ask(*command)
    assert "no test 'm::secret' of tenant you" in ask("history", "m::secret", code=1)
    assert ask("show", "1", "--tenant", "default").count("secret") == 1


@pytest.mark.parametrize("arguments", [["prune", "--before", "soon"], ["runs", "--status", "odd"], ["prune", "--runs", "0"]])
def test_wrong_arguments_are_explained(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: aosfarm" in capsys.readouterr().err
