"""`aosfarm db upgrade`: makes and upgrades a run store, says what it did, and shows no password."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest

from pytest_aosfarm.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AOSFARM_DB", raising=False)
    return tmp_path


def test_a_postgresql_gets_its_tables_once(postgres, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    with postgres.database() as url:
        assert main(["runs", "--db", url]) == 2
        assert "aosfarm db upgrade --db URL" in capsys.readouterr().err
        assert main(["db", "upgrade", "--db", url]) == 0
        first = capsys.readouterr().out
        assert "upgraded to schema" in first
        assert "GRANT aosfarm_recorder TO" in first
        monkeypatch.setenv("AOSFARM_DB", url)
        assert main(["db", "upgrade", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["upgraded"] is False
        assert main(["runs", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == []
        with psycopg.connect(url) as connection:
            owners = connection.execute(
                "SELECT count(*), count(*) FILTER (WHERE relrowsecurity AND relforcerowsecurity) FROM pg_class"
                " WHERE relkind = 'r' AND starts_with(relname, 'farm_')"
            ).fetchone()
        assert owners is not None
        assert owners[0] == owners[1] > 5


def test_a_file_that_is_not_there_is_made(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "upgrade", "--db", "new/farm.db"]) == 0
    assert main(["runs", "--db", "new/farm.db", "--json"]) == 0
    assert capsys.readouterr().out.endswith("[]\n")


def test_a_role_without_the_right_is_told_so(empty, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "upgrade", "--db", empty.member]) == 2
    err = capsys.readouterr().err
    assert "permission denied" in err
    assert ":x@" not in err


def test_a_plain_owner_makes_it_and_a_plain_member_records(empty, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "upgrade", "--db", empty.owner]) == 0
    assert main(["runs", "--db", empty.member]) == 2
    assert "permission denied" in capsys.readouterr().err
    empty.run(f"GRANT aosfarm_recorder TO {empty.member_name}")
    assert main(["runs", "--db", empty.member, "--json"]) == 0
