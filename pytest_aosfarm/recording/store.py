"""The run store of one tenant: what a test run writes, and what was written of one run."""

from __future__ import annotations

import json
import zlib
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import select, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.recording.engine import BUSY_SECONDS, database_clock, errors_of, open_engine, reading, writing
from pytest_aosfarm.recording.events import AttemptFinished, ErrorSeen
from pytest_aosfarm.recording.faults import FIELDS
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.reap import seen_status
from pytest_aosfarm.recording.rows import ResultRows
from pytest_aosfarm.recording.schema import prepare
from pytest_aosfarm.recording.status import LIVE, QUEUED
from pytest_aosfarm.recording.tables import (
    UtcDateTime,
    farm_errors,
    farm_faults,
    farm_run_test_output,
    farm_run_tests,
    farm_runs,
    farm_scenarios,
    farm_tenants,
    farm_test_aliases,
    farm_tests,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Select, Table

    from pytest_aosfarm.recording.events import Event, RunStarted

__all__ = ("RunStore", "as_seen")

Row = dict[str, Any]

_NOW = "database_time"


class RunStore:
    """Reads and writes one tenant's runs. Every method may raise RecordingError.

    Every statement names the tenant; on PostgreSQL a policy holds it to that as well.
    """

    def __init__(
        self, where: Database | Path, tenant: str, *, create: bool = False, busy_seconds: float = BUSY_SECONDS
    ) -> None:
        """Open the store; with `create` make the SQLite file, and its folder, when it is not there yet.

        A file of another program, and a schema that is newer, are refused and left as they are; so is a PostgreSQL
        whose schema is older or not there: a test run never alters it. Raises ConfigurationError without a tenant.
        """
        self.where = Database(where) if isinstance(where, Path) else where
        self.tenant = tenant
        self._aliases: dict[str, int] = {}
        self.engine = open_engine(self.where, tenant, busy_seconds=busy_seconds)
        self.dialect = self.engine.dialect.name
        self._rows = ResultRows(self.dialect, tenant)
        path = self.where.path
        if not create and path is not None and not path.is_file():
            raise RecordingError(f"{path}: no such database; a run with a Farm option makes one")
        try:
            with errors_of(self.where):
                if create and path is not None:
                    path.parent.mkdir(parents=True, exist_ok=True)
                prepare(self.engine, self.where, create=create, busy_seconds=busy_seconds)
        except RecordingError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction of this tenant that commits at the end."""
        return writing(self.engine, self.where)

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction of this tenant that only reads."""
        return reading(self.engine, self.where)

    def upsert(self, table: Table) -> Any:
        """An INSERT of the database at hand, which knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return sqlite.insert(table) if self.dialect == "sqlite" else postgresql.insert(table)

    def begin_run(self, started: RunStarted) -> int:
        """Make the row of a run (status `queued`) unless it is there, and return its number."""
        runs, aliases = farm_runs.c, farm_test_aliases.c
        with self.writing() as connection:
            former = select(aliases.identity, aliases.test_id).where(aliases.tenant_id == self.tenant)
            self._aliases = {row.identity: row.test_id for row in connection.execute(former)}
            ours = select(runs.id).where(runs.tenant_id == self.tenant, runs.uuid == started.uuid)
            found = connection.execute(ours).scalar_one_or_none()
            if found is not None:
                return int(found)
            counter = self.upsert(farm_tenants).values(tenant_id=self.tenant, last_run_id=1)
            counter = counter.on_conflict_do_update(
                index_elements=["tenant_id"], set_={"last_run_id": farm_tenants.c.last_run_id + 1}
            ).returning(farm_tenants.c.last_run_id)
            run_id = int(connection.execute(counter).scalar_one())
            scenario = _scenario(started)
            row = self.upsert(farm_scenarios).values(tenant_id=self.tenant, first_run_id=run_id, **scenario)
            connection.execute(row.on_conflict_do_nothing())
            values = _run_values(started) | {"scenario_id": scenario["id"], "heartbeat_at": database_clock(self.dialect)}
            # Another process may have recovered this very run since the look above: PostgreSQL lets both look.
            insert = self.upsert(farm_runs).values(tenant_id=self.tenant, id=run_id, **values)
            connection.execute(insert.on_conflict_do_nothing(index_elements=["tenant_id", "uuid"]))
            return int(connection.execute(ours).scalar_one())

    def save(self, run_id: int, events: Sequence[Event], columns: Mapping[str, object], *, errors_before: int = 0) -> None:
        """Write events and set columns of the run, in one transaction. Doing it twice changes nothing.

        `errors_before` is how many errors of this run were saved before these events. Raises RecordingError for a run
        that is not there (any more).
        """
        attempts = [event for event in events if isinstance(event, AttemptFinished)]
        errors = [event for event in events if isinstance(event, ErrorSeen)]
        with self.writing() as connection:
            self._rows.write(connection, run_id, attempts, self._aliases)
            for number, error in enumerate(errors, errors_before + 1):
                row = {"number": number, "source": error.source, "message": error.message, "body": error.body}
                insert = self.upsert(farm_errors).values(tenant_id=self.tenant, run_id=run_id, **row)
                connection.execute(insert.on_conflict_do_nothing())
            ours = (farm_runs.c.tenant_id == self.tenant) & (farm_runs.c.id == run_id)
            beat = {"heartbeat_at": database_clock(self.dialect)} if columns.get("status") in LIVE else {}
            if columns and not connection.execute(update(farm_runs).where(ours).values({**beat, **columns})).rowcount:
                raise RecordingError(f"{self.where}: run {run_id} is not there any more")

    def status(self, run_id: int) -> str:
        """The status of a run that exists."""
        runs = farm_runs.c
        with self.reading() as connection:
            found = connection.execute(select(runs.status).where(runs.tenant_id == self.tenant, runs.id == run_id))
            return str(found.scalar_one())

    def runs(self, limit: int | None = None) -> list[Row]:
        """The newest runs first: every column of `farm_runs`, and the name of the scenario. A silent run is `suspect`."""
        with self.reading() as connection:
            found = connection.execute(self.select_runs().order_by(farm_runs.c.id.desc()).limit(limit))
            return [as_seen(row) for row in found.mappings()]

    def run(self, run_id: int) -> Row | None:
        """One run with its `tests`, in the order in which they started; None when there is no such run."""
        one, tests = farm_run_tests.c, farm_tests.c
        with self.reading() as connection:
            found = connection.execute(self.select_runs().where(farm_runs.c.id == run_id)).mappings().one_or_none()
            if found is None:
                return None
            rows = connection.execute(
                select(
                    one.test_id,
                    tests.identity,
                    tests.nodeid,
                    *(column for column in one if column.name not in {"tenant_id", "run_id", "test_id"}),
                )
                .join(farm_tests, (tests.tenant_id == one.tenant_id) & (tests.id == one.test_id))
                .where(one.tenant_id == self.tenant, one.run_id == run_id)
                .order_by(one.started_us, tests.nodeid, one.attempt)
            )
            return {**as_seen(found), "tests": [{**row, "properties": row["properties"] or {}} for row in rows.mappings()]}

    def outputs_of(self, run_id: int, test_id: int, attempt: int) -> dict[str, str]:
        """What is kept of an attempt that went wrong: longrepr, stdout, stderr and log, as far as there was any."""
        one = farm_run_test_output.c
        wanted = select(one.kind, one.body).where(one.tenant_id == self.tenant, one.run_id == run_id)
        with self.reading() as connection:
            found = connection.execute(wanted.where(one.test_id == test_id, one.attempt == attempt).order_by(one.kind))
            return {row.kind: zlib.decompress(row.body).decode() for row in found}

    def errors(self, run_id: int) -> list[Row]:
        """What went wrong outside any test: number, source, message, body."""
        one = farm_errors.c
        wanted = select(one.number, one.source, one.message, one.body)
        with self.reading() as connection:
            found = connection.execute(wanted.where(one.tenant_id == self.tenant, one.run_id == run_id).order_by(one.number))
            return [dict(row) for row in found.mappings()]

    def faults(self, run_id: int) -> dict[tuple[int, int], list[Row]]:
        """Test and attempt -> the faults that were injected there, in their order; `at_us` is from the start of the run."""
        one = farm_faults.c
        wanted = select(one.test_id, one.attempt, one.number, *(one[name] for name in FIELDS))
        wanted = wanted.where(one.tenant_id == self.tenant, one.run_id == run_id).order_by(one.number)
        found: dict[tuple[int, int], list[Row]] = {}
        with self.reading() as connection:
            for row in connection.execute(wanted).mappings():
                fault = dict(row)
                found.setdefault((fault.pop("test_id"), fault.pop("attempt")), []).append(fault)
        return found

    def select_runs(self) -> Select[Any]:
        """A query for all runs, to be narrowed; `as_seen` makes of its rows what `runs` gives."""
        scenarios = farm_scenarios.c
        joined = (scenarios.tenant_id == farm_runs.c.tenant_id) & (scenarios.id == farm_runs.c.scenario_id)
        now = type_coerce(database_clock(self.dialect), UtcDateTime).label(_NOW)
        chosen = select(farm_runs, scenarios.name.label("scenario"), now).outerjoin(farm_scenarios, joined)
        return chosen.where(farm_runs.c.tenant_id == self.tenant)


def as_seen(row: Mapping[Any, Any]) -> Row:
    """A row of `RunStore.select_runs` with the status as it is to be shown."""
    run = {**row}
    return run | {"status": seen_status(run, run.pop(_NOW))}


def _run_values(started: RunStarted) -> Row:
    same = {
        name: getattr(started, name)
        for name in farm_runs.c.keys()  # noqa: SIM118 - a collection of columns, whose iteration gives columns
        if hasattr(started, name) and name not in {"tenant_id", "id"}
    }
    environment = dict(started.environment)
    return same | {
        "lab": ",".join(started.labs) or None,
        "status": QUEUED,
        "grades": {},
        "environment": environment,
        "environment_hash": _digest(environment),
        "arguments": list(started.arguments),
    }


def _scenario(started: RunStarted) -> Row:
    """What the run was asked to do; its id says whether another run was asked the same."""
    asked = {
        "lab": ",".join(started.labs) or None,
        "scale": started.scale,
        "profile": started.profile,
        "chaos": started.chaos,
        "data_tenant": started.data_tenant,
        "selection": dict(started.selection),
    }
    named = [asked["lab"] or "tests", asked["scale"], asked["profile"], asked["chaos"], asked["data_tenant"]]
    return {"id": int(_digest(asked), 16) >> 1, "name": " ".join(str(part) for part in named if part), **asked}


def _digest(value: Row) -> str:
    return blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=8).hexdigest()
