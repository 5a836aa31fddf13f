"""Every statement that the Farm sends about runs names the tenant, for each of its tables: SQLite has nothing else."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from calls import CALLS, answers
from planted import planted_in_sqlite
from sqlalchemy import Engine, event, select
from surfaces import CASES, arguments_of

from pytest_aosfarm.cli import main
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.tables import farm_runs, metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planted import Planted

TABLES = {table.name for table in metadata.sorted_tables}
NAMED = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|,)\s+(farm_\w+)(?:\s+AS\s+(\w+))?", re.IGNORECASE)
INSERT = re.compile(r"INSERT INTO farm_\w+ \(tenant_id, ")


def rows_of(parameters: Any) -> list[Any]:
    """The values of each row; the results of a batch may go as one text of JSON."""
    rows = parameters if isinstance(parameters, list) else [parameters]
    if len(rows) == 1 and len(rows[0]) == 1 and str(rows[0][0]).startswith("[["):
        rows = json.loads(rows[0][0])
    return rows


def unbound(statement: str, parameters: Any, tenants: set[str]) -> list[str]:
    """The tables in a statement of which it does not say whose rows it means, or it means nobody's."""
    used = {alias or table: table for table, alias in NAMED.findall(statement) if table in TABLES}
    several = len(used) > 1
    forgotten = [
        table
        for alias, table in used.items()
        if not re.search(rf"\b{alias}\.tenant_id = ", statement)
        and (several or not re.search(r"\btenant_id = ", statement))
        and not (INSERT.match(statement) and statement.startswith(f"INSERT INTO {alias} "))
    ]
    if used and not all(tenants & {value for value in row if isinstance(value, str)} for row in rows_of(parameters)):
        forgotten.append("the parameters")
    return forgotten


@contextmanager
def recorded() -> Iterator[list[tuple[str, Any]]]:
    """Every statement that anybody sends through SQLAlchemy meanwhile, with its parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if not statement.lstrip().startswith(("CREATE", "PRAGMA")):
            sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def forgotten(sent: list[tuple[str, Any]], planted: Planted) -> list[str]:
    # What lies about in the spool is of the second one, and recovered as such.
    tenants = {planted.tenant, planted.tenant.replace(planted.words[0], planted.words[1])}
    return [f"{missing}: {sql}" for sql, values in sent if (missing := unbound(sql, values, tenants))]


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planted]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AOSFARM_DB", raising=False)
    (tmp_path / "junit.xml").write_text('<testsuite name="s"><testcase classname="m" name="test_a"/></testsuite>')
    with planted_in_sqlite(tmp_path) as planted:
        yield planted


def test_every_statement_names_the_tenant(planted: Planted, capfd) -> None:
    with recorded() as sent:
        for name in CASES:
            for arguments in arguments_of(name, planted):
                main(arguments)
        with RunStore(Database(Path(planted.writes)), planted.tenant) as store:
            for name in CALLS:
                assert [*answers(store, name)]
    assert forgotten(sent, planted) == []
    used = {table for statement, _ in sent for table, _ in NAMED.findall(statement)}
    assert used >= TABLES
    assert len({statement for statement, _ in sent}) > 60


class Forgetful(RunStore):
    """One that reads runs without saying whose."""

    def select_runs(self) -> Any:
        query = super().select_runs()
        query._where_criteria = ()
        return query


def test_a_statement_that_does_not_is_found(planted: Planted) -> None:
    with recorded() as sent, Forgetful(Database(Path(planted.writes)), planted.tenant) as store:
        store.runs()
        with store.reading() as connection:
            connection.execute(select(farm_runs.c.id))
            connection.exec_driver_sql("UPDATE farm_runs SET pinned = true WHERE tenant_id = ?", ("somebody",))
            connection.exec_driver_sql(
                "SELECT 1 FROM farm_runs JOIN farm_tests ON farm_tests.id = farm_runs.id WHERE farm_runs.tenant_id = ?",
                (planted.tenant,),
            )
    found = [one.partition(":")[0] for one in forgotten(sent, planted)]
    nobodys = "['farm_runs', 'the parameters']"
    assert found == [nobodys, nobodys, "['the parameters']", "['farm_tests']"]
