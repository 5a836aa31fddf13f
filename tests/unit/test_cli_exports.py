"""`aosfarm export` and `aosfarm import`: which run, to where, and what is said when there is none."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.cli import main

if TYPE_CHECKING:
    from pathlib import Path

XML = """
<testsuite name="s"><testcase classname="m" name="é"/><testcase classname="m" name="b"><failure/></testcase></testsuite>
""".strip()

MISSING = "No such file or directory; nothing was changed there, name another file"


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("AOSFARM_DB", "AOSFARM_TENANT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "junit.xml").write_text(XML, encoding="utf-8")


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    out, err = capsys.readouterr()
    return out, err


def test_an_import_makes_the_store_that_is_not_there_and_is_done_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("recorded", "was there already"):
        assert main(["import", "junit.xml"]) == 0
        assert said(capsys) == (f"run 1 {verb} in {tmp_path}/.aosfarm/farm.db: failed, 2 tests\n", "")
    assert main(["import", "junit.xml", "--tenant", "acme", "--json"]) == 0
    assert json.loads(said(capsys)[0]) == {"run_id": 1, "status": "failed", "tests": 2, "known": False}


def test_a_damaged_file_is_one_line_and_makes_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.xml").write_text("<testsuite>")
    assert main(["import", "junit.xml", "bad.xml"]) == 2
    assert said(capsys) == ("", "aosfarm: bad.xml: no well-formed XML: no element found: line 1, column 11\n")
    assert not (tmp_path / ".aosfarm").exists()


@pytest.mark.parametrize(
    ("command", "code", "line"),
    [("export --format html", 2, "aosfarm: standard output is closed\n"), ("trend", 0, ""), ("show 1", 0, "")],
)
def test_where_standard_output_is_closed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, code: int, line: str
) -> None:
    main(["import", "junit.xml"])
    said(capsys)
    monkeypatch.setattr(sys, "stdout", None)
    assert main(command.split()) == code
    assert said(capsys) == ("", line)


def test_the_newest_run_is_written_unless_another_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["import", "junit.xml"])
    (tmp_path / "other.xml").write_text("<testsuites/>")
    main(["import", "other.xml"])
    said(capsys)
    for arguments, run in (([], "2"), (["1"], "1")):
        assert main(["export", *arguments, "--format", "jsonl"]) == 0
        assert json.loads(said(capsys)[0].splitlines()[0])["id"] == int(run)


@pytest.mark.parametrize("name", ["ctrf", "junit", "csv", "jsonl", "html"])
def test_a_file_holds_what_standard_output_does_in_utf8(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], name: str
) -> None:
    main(["import", "junit.xml"])
    capfdbinary.readouterr()
    assert main(["export", "--format", name]) == 0
    printed = capfdbinary.readouterr().out
    assert main(["export", "--format", name, "--out", "out.txt", "--json"]) == 0
    assert json.loads(capfdbinary.readouterr().out) == {"run": 1, "format": name, "out": "out.txt"}
    assert (tmp_path / "out.txt").read_bytes() == printed
    assert "é" in printed.decode() or name in {"ctrf", "jsonl", "html"}


def test_what_cannot_be_done_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["import", "junit.xml"])
    said(capsys)
    store = f"{tmp_path}/.aosfarm/farm.db"
    for arguments, code, line in (
        (["7", "--format", "csv"], 1, f"no run 7 in {store}; `aosfarm runs` lists them"),
        (["--format", "csv", "--tenant", "acme"], 1, f"no run in {store}; `aosfarm runs` lists them"),
        (["--format", "csv", "--json"], 2, "--json tells what was written where, so it needs --out FILE"),
        (["--format", "csv", "--out", "no/where.csv"], 2, f"no/where.csv cannot be written: {MISSING}"),
    ):  # fmt: skip
        assert main(["export", *arguments]) == code
        assert said(capsys) == ("", f"aosfarm: {line}\n")
    assert main(["export", "--format", "pdf"]) == 2
    assert "'pdf' is not one of ctrf, junit" in said(capsys)[1]
