"""`aosfarm doctor` as a user of a shell sees it."""

from __future__ import annotations

import json

import psycopg
import pytest
from synthetic_data import dataset

from pytest_aosfarm.cli import main
from pytest_aosfarm.recording.isolation import READER
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.schema import REVISIONS, upgrade
from pytest_aosfarm.sinks import postgres as sink
from pytest_aosfarm.sinks.loading import Load


@pytest.fixture(scope="module")
def url(postgres):
    with postgres.database() as url:
        sink.load(url, Load.of(dataset(), "a", ["databases"]))
        yield url


def doctor(capsys, url, *arguments):
    """Exit code, standard output and standard error."""
    code = main(["doctor", "--db", url, *arguments])
    return code, *capsys.readouterr()


def test_all_is_well(url, capsys):
    assert doctor(capsys, url, "--role", READER) == (
        0, f"all well: 11 synthetic tables with 1 partitions, no run store, role {READER}\n", "",
    )  # fmt: skip
    code, out, _ = doctor(capsys, url, "--role", READER, "--json")
    assert code == 0
    found = json.loads(out)
    assert found.pop("database").startswith("postgresql://")
    assert found == {
        "role": READER, "synthetic_tables": 11, "partitions": 1, "run_tables": 0, "schema": None, "findings": [],
    }  # fmt: skip


def test_a_run_store_alone_is_examined_and_nothing_else_is_missed(postgres, capsys):
    with postgres.database() as url:
        upgrade(Database(url=url))
        text = f"all well: no synthetic data, a run store of 10 tables, schema {REVISIONS[-1]}, role {READER}\n"
        assert doctor(capsys, url, "--role", READER) == (0, text, "")


def test_a_finding_says_where_what_and_what_to_do(url, capsys):
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE synthetic_hosts NO FORCE ROW LEVEL SECURITY")
    code, out, _ = doctor(capsys, url, "--role", READER)
    assert code == 1
    assert "synthetic_hosts  its owner is not bound  ALTER TABLE synthetic_hosts FORCE ROW LEVEL SECURITY\n1 found: " in out
    code, out, _ = doctor(capsys, url, "--role", READER, "--json")
    (finding,) = json.loads(out)["findings"]
    assert (code, finding["at"]) == (1, "synthetic_hosts")
    with psycopg.connect(url) as connection:
        connection.execute(finding["do"].encode())
    assert doctor(capsys, url, "--role", READER)[0] == 0


def test_an_empty_database_is_not_well(postgres, capsys):
    with postgres.database() as url:
        code, out, _ = doctor(capsys, url, "--role", READER)
    assert code == 1
    assert "neither a run store nor synthetic data" in out
    assert "aosfarm db upgrade --db URL" in out


@pytest.mark.parametrize(
    ("db", "text"),
    [
        ("postgresql://me:s3cret@127.0.0.1:1/x", "no connection to PostgreSQL at 127.0.0.1, database x"),
        ("none.db", "no such file"),
        ("postgresql://[", "the PostgreSQL URL cannot be read"),
    ],
)
def test_where_it_cannot_look(capsys, db, text):
    code, out, err = doctor(capsys, db)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert text in err
    assert "s3cret" not in err


def test_a_role_that_is_not_there(url, capsys):
    text = "aosfarm: --role nobody's: the server has no role of this name\n"
    assert doctor(capsys, url, "--role", "nobody's") == (2, "", text)
