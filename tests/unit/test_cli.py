"""The `aosfarm` command as a user of a shell sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from recorded_runs import serve_in_a_thread

from pytest_aosfarm.cli import main
from pytest_aosfarm.recording.events import AttemptFinished, RunFinished, RunStarted
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.writer import RunWriter

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 5, 4, tzinfo=UTC)
KEYS = [
    "id", "status", "exit_code", "lab", "scale", "seed", "scenario", "started_at",
    "collected", "passed", "failed", "errors", "skipped", "xfailed", "xpassed", "crashed",
]  # fmt: skip


def record(root: Path, uuid: str, *, labs: tuple[str, ...] = ("aod",), database: Path | None = None) -> RunWriter:
    database = database or root / ".aosfarm" / "farm.db"
    started = RunStarted(
        uuid=uuid, started_at=START, labs=labs, scale="small", seed=7, anchor=START, profile="clean", data_tenant=None,
        database=str(database), environment={"pytest": "9.2"},
    )  # fmt: skip
    writer = RunWriter(started, rootdir=root, database=Database(database))
    for number, (name, outcome) in enumerate([("t.py::ok", "passed"), ("t.py::bad", "failed")]):
        writer.write(
            AttemptFinished(
                nodeid=name,
                attempt=1,
                identity=name,
                outcome=outcome,
                phase="call",
                worker=None,
                started_us=number * 1_000_000,
                call_us=1_500_000,
                message="first line\n\x1b[31msecond" if outcome == "failed" else None,
                properties={"farm.grade.aod.shadow.f1": 0.875},
            )
        )
    writer.write(RunFinished(finished_at=START, status="failed", exit_code=1))
    writer.close()
    return writer


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AOSFARM_DB", raising=False)
    serve_in_a_thread(monkeypatch)
    return tmp_path


def json_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_runs_come_newest_first_with_at_least_these_keys(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(project, "u-1")
    record(project, "u-2", labs=("aod", "dcl"))
    runs = json_of(capsys, "runs")
    assert [list(run)[: len(KEYS)] for run in runs] == [KEYS, KEYS]
    assert {key: runs[0][key] for key in KEYS} == {
        "id": 2, "status": "failed", "exit_code": 1, "lab": "aod,dcl", "scale": "small", "seed": 7,
        "scenario": "aod,dcl small clean",
        "started_at": "2026-05-04T00:00:00+00:00", "collected": None, "passed": 1, "failed": 1, "errors": 0, "skipped": 0,
        "xfailed": 0, "xpassed": 0, "crashed": 0,
    }  # fmt: skip
    assert [run["id"] for run in json_of(capsys, "runs", "-n", "1")] == [2]


def test_runs_for_a_reader_is_one_aligned_line_each(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(project, "u-1")
    assert main(["runs"]) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split()[:4] == ["id", "status", "exit_code", "lab"]
    assert line.split()[:4] == ["1", "failed", "1", "aod"]
    assert heading.index("status") == line.index("failed")


def test_show_adds_tests_and_grades(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(project, "u-1")
    run = json_of(capsys, "show", "1")
    assert run["grades"] == {"aod": {"shadow": {"f1": 0.875}}}
    assert [(test["nodeid"], test["outcome"], test["call_us"]) for test in run["tests"]] == [
        ("t.py::ok", "passed", 1_500_000),
        ("t.py::bad", "failed", 1_500_000),
    ]
    assert run["environment"] == {"pytest": "9.2"}

    assert main(["show", "1"]) == 0
    out = capsys.readouterr().out
    assert "0.875" in out
    assert "\x1b" not in out
    (bad,) = (line for line in out.splitlines() if "t.py::bad" in line)
    assert bad.split()[:3] == ["failed", "1.500", "t.py::bad"]
    assert "first line" in bad


def test_a_run_that_is_not_there(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(project, "u-1")
    assert main(["show", "99"]) == 1
    caught = capsys.readouterr()
    assert caught.out == ""
    assert "no run 99" in caught.err
    assert caught.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["runs"], ["runs", "--json"], ["show", "1"], ["runs", "--db", "nothing.db"]])
def test_without_a_database_one_line_and_exit_2(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert caught.err.startswith("aosfarm: ")
    assert caught.err.count("\n") == 1
    assert list(project.iterdir()) == []


def test_the_database_is_named_or_in_the_environment_or_nearest_upwards(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def uuid(*arguments: str) -> object:
        return json_of(capsys, "show", "1", *arguments)["uuid"]

    record(project, "nearest")
    record(project, "named", database=project / "named.db")
    record(project, "environment", database=project / "environment.db")
    below = project / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert uuid() == "nearest"
    monkeypatch.setenv("AOSFARM_DB", "sqlite:///../../environment.db")
    assert uuid() == "environment"
    assert uuid("--db", "../../named.db") == "named"


def test_another_kind_of_database_is_refused_without_its_password(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--db", "mysql://me:secret@host/db"]) == 2
    err = capsys.readouterr().err
    assert "'mysql'" in err
    assert "secret" not in err


def test_recover_says_what_became_of_each_spool(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert json_of(capsys, "recover") == []
    (project / "farm.db").mkdir()
    record(project, "u-1", database=project / "farm.db")

    assert main(["recover"]) == 1
    assert "u-1.jsonl: left where it is" in capsys.readouterr().out

    (one,) = json_of(capsys, "recover", "--db", "other.db")
    assert one.items() >= {"id": 1, "status": "failed", "tests": 2, "left": None}.items()
    assert main(["recover"]) == 0
    assert capsys.readouterr().out == "nothing to recover\n"
    assert len(json_of(capsys, "runs", "--db", "other.db")) == 1


def test_the_ways_to_break_a_twin_are_listed_and_a_wrong_name_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twin", "aod", "--defects"]) == 0
    assert "flag-everything" in capsys.readouterr().out
    assert main(["twin", "nobody", "--defects"]) == 2
    assert main(["twin", "aod", "--defect", "no-such"]) == 2
    caught = capsys.readouterr()
    assert [line.split(":")[0] for line in caught.err.splitlines()] == ["aosfarm", "aosfarm"]


@pytest.mark.parametrize("arguments", [["show", "0"], ["show", "x"], ["runs", "-n", "-1"], ["nothing"], []])
def test_wrong_arguments_are_explained(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: aosfarm" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["show", "runs -n", "trend -n", "prune --runs", "reap --after"])
def test_a_number_that_no_database_takes_is_a_wrong_argument(
    project: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "99999999999999999999"])
    assert ended.value.code == 2
    assert "is not a whole number above 0 and below 1000000000" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("aosfarm 0.")


def test_a_reader_that_goes_away_is_no_error(project: Path) -> None:
    for number in range(3):
        record(project, f"u-{number}")
    command = [sys.executable, "-c", "from pytest_aosfarm.cli import main; raise SystemExit(main(['runs']))"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(30) == 0


def test_the_command_loads_neither_pytest_nor_the_plugin() -> None:
    code = (
        "import sys\nfrom pytest_aosfarm.cli import main\nmain(['runs', '--db', 'nothing.db'])\n"
        "sys.exit(','.join(m for m in sys.modules if m.split('.')[0] in ('pytest', '_pytest', 'httpx')"
        " or m.startswith('pytest_aosfarm.plugin')) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
