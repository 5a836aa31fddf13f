"""Words nobody could guess, planted in all that other tenants have: no command, call, log or error shows one of them."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from calls import CALLS, INNER, answers, known_calls
from planted import planted_in_postgres, planted_in_sqlite, tenant_of
from sqlalchemy import select
from surfaces import CASES, WITHOUT, arguments_of, commands, options_of

from pytest_aosfarm import tenant_connection
from pytest_aosfarm.cli import main
from pytest_aosfarm.recording.location import parse_db
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.synthetic_tables import VIEWS, synthetic
from pytest_aosfarm.recording.tables import farm_tenants, metadata

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from planted import Planted

Seen = tuple[str, str]

JUNIT = """<testsuites><testsuite name="s" tests="2" failures="1"><testcase classname="m" name="test_a" time="0.1"/>
<testcase classname="m" name="test_b" time="0.1"><failure message="no">where</failure></testcase></testsuite></testsuites>
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands run, without a database of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AOSFARM_DB", raising=False)
    (tmp_path / "junit.xml").write_text(JUNIT)
    return tmp_path


@contextmanager
def planted_in(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Planted]:
    if kind == "sqlite":
        with planted_in_sqlite(folder) as planted:
            yield planted
    else:
        with planted_in_postgres(request.getfixturevalue("postgres"), folder) as planted:
            yield planted


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def planted(request, here: Path) -> Iterator[Planted]:
    with planted_in(request.param, here, request) as planted:
        yield planted


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def resting(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """The same for tests that change nothing."""
    with planted_in(request.param, tmp_path_factory.mktemp("resting"), request) as planted:
        yield planted


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that anybody logs: SQLAlchemy logs every statement, its parameters and every row that comes back."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="sqlalchemy.engine")
    return caplog


def test_every_command_and_option_has_a_case() -> None:
    known = dict(commands())
    assert set(CASES) == set(known)
    used = {(name, word) for name, cases in CASES.items() for case in cases for word in case.split()}
    given = {"--db", "--tenant"}
    options = {(name, tuple(names)) for name, parser in known.items() for names in options_of(parser)}
    unused = {(name, names[-1]) for name, names in options if not used & {(name, one) for one in names}}
    assert {(name, option) for name, option in unused if option not in given} == WITHOUT


def shown(planted: Planted, capfd: pytest.CaptureFixture[str], logged: pytest.LogCaptureFixture) -> Iterator[Seen]:
    """What each command prints and logs."""
    for name in CASES:
        for number, arguments in enumerate(arguments_of(name, planted)):
            logged.clear()
            code = main(arguments)
            # Whoever recovers the runs of a folder writes those of all tenants, and shows none.
            yield f"{name} {number}", f"{code}\n{''.join(capfd.readouterr())}\n{logged.text if name != 'recover' else ''}"


def rows_of_others(planted: Planted) -> set[str]:
    """Every row of the other two."""
    found = set()
    for word in planted.words[1:]:
        with RunStore(parse_db(planted.reads, planted.here), tenant_of(word)) as store, store.reading() as connection:
            for table in metadata.sorted_tables:
                if table is not farm_tenants:  # which counts the runs that are recovered
                    mine = select(table).where(table.c.tenant_id == store.tenant)
                    found |= {f"{table.name} {tuple(row)}" for row in connection.execute(mine)}
    return found


def test_no_command_shows_what_another_tenant_has(planted: Planted, capfd, logged) -> None:
    theirs = rows_of_others(planted)
    before = {path for path in planted.here.rglob("*") if path.is_file()}
    seen = dict(shown(planted, capfd, logged))
    assert {where: words for where, text in seen.items() if (words := planted.leaked(text))} == {}
    assert theirs - rows_of_others(planted) == set()
    made = {path for path in planted.here.rglob("*") if path.is_file()} - before
    assert {"page.html", "hosts.csv"} <= {path.name for path in made}
    assert [path for path in made if path.suffix != ".db" and planted.leaked(path.read_bytes(), path.name)] == []
    # Whatever shows runs shows the tenant's own, so it would have shown others' as well.
    own = {where for where, text in seen.items() if planted.words[0] in text}
    assert own >= {"runs 0", "runs 1", "show 0", "show 1", *(f"export {number}" for number in range(6))}


def test_every_function_that_takes_a_store_has_a_case() -> None:
    assert {*CALLS, *INNER} == known_calls()


def test_no_call_returns_or_says_what_another_tenant_has(planted: Planted, logged) -> None:
    def shows(name: str) -> set[str]:
        logged.clear()
        return planted.leaked(*answers(store, name), logged.text)

    with RunStore(parse_db(planted.writes, planted.here), planted.tenant) as store:
        theirs = rows_of_others(planted)
        assert {name: words for name in CALLS if (words := shows(name))} == {}
    assert rows_of_others(planted) == theirs


def test_a_tenant_that_is_forgotten_is_noticed(resting: Planted, capfd, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite gives what a statement asks for, and these tests see it; PostgreSQL does not give it."""
    right = RunStore.select_runs

    def forgetful(store: RunStore) -> Any:
        query = right(store)
        query._where_criteria = ()
        return query

    monkeypatch.setattr(RunStore, "select_runs", forgetful)
    for arguments in arguments_of("runs", resting):
        main(arguments)
    assert resting.leaked(*capfd.readouterr()) == ({*resting.words[1:]} if resting.is_file else set())


def test_no_command_takes_an_empty_tenant(resting: Planted, capfd) -> None:
    for name in CASES:
        for arguments in arguments_of(name, resting):
            if resting.tenant in arguments:
                assert main(["" if one == resting.tenant else one for one in arguments]) == 2, arguments
                assert capfd.readouterr().out == ""


def test_synthetic_data_is_the_tenants_own(resting: Planted) -> None:
    every = [f"SELECT * FROM {relation}" for relation in (*synthetic.tables, *VIEWS)]
    if resting.is_file:
        with closing(sqlite3.connect(resting.data)) as file:
            seen = [repr(file.execute(query).fetchall()) for query in every]
    else:
        with tenant_connection(resting.reads, resting.tenant) as connection:
            seen = [repr(connection.execute(query.encode()).fetchall()) for query in every]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("UPDATE synthetic_services SET owner = 'x'")
    assert resting.words[0] in "".join(seen)
    assert resting.leaked(*seen) == set()
