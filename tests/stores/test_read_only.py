"""Where the run store may only be read: what reads works, what writes says why not, and figures say what they lack."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.cli import main
from pytest_aosfarm.errors import ReadOnlyError
from pytest_aosfarm.history.runs import pin
from pytest_aosfarm.history.stats import refresh, unjudged
from pytest_aosfarm.recording.engine import errors_of
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.store import RunStore

if TYPE_CHECKING:
    from pathlib import Path

A = "a"


def test_a_reader_is_told_what_the_statistics_leave_out(kept, capsys: pytest.CaptureFixture[str]) -> None:
    with RunStore(Database(url=kept.other), A) as reader:
        assert (refresh(reader), unjudged(reader)) == (0, 2)
        with pytest.raises(ReadOnlyError, match="permission denied"):
            pin(reader, 1, pinned=True)
    for who, left in ((kept.other, "2 runs are not in the figures"), (kept.member, ""), (kept.other, "")):
        for command in ("flaky", "trend"):
            assert main([command, "--db", who, "--tenant", A]) == 0
            err = capsys.readouterr().err
            assert left in err
            assert bool(err) == bool(left)


def test_a_file_that_may_only_be_read_is_told_from_one_that_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "farm.db"
    RunStore(path, A, create=True).close()
    with (
        closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as file,
        pytest.raises(ReadOnlyError, match="readonly"),
        errors_of(Database(path)),
    ):
        file.execute("DELETE FROM farm_runs")
