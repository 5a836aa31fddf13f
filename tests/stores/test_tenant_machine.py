"""Three tenants in one store, their steps mixed at random, against a model: each has what it wrote, and nothing else."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from kept_runs import started
from sqlalchemy import delete, select, text, update

from pytest_aosfarm.errors import ConfigurationError, NotFoundError, RecordingError
from pytest_aosfarm.history.aliases import alias
from pytest_aosfarm.history.compare import compare
from pytest_aosfarm.history.flaky import unhealthy
from pytest_aosfarm.history.prune import Retention, prune
from pytest_aosfarm.history.runs import pin
from pytest_aosfarm.history.tests import history_of
from pytest_aosfarm.history.trend import trends
from pytest_aosfarm.recording.events import AttemptFinished, ErrorSeen
from pytest_aosfarm.recording.location import Database
from pytest_aosfarm.recording.schema import upgrade
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.tables import farm_runs, farm_tests, identity_id

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = count()
"""Every example has tenants of its own in the same database: what the others left is noise, as in real life."""

WHO, OTHER = st.integers(0, 2), st.integers(1, 2)
NUMBER = st.integers(1, 3)
"""Of a run; often of one that only another tenant has."""

IDENTITY = st.sampled_from(["m::test_a", "m::test_b", "m::test_é"])
ATTEMPT = st.integers(1, 2)
OUTCOME = st.sampled_from(["passed", "failed", "error", "skipped"])


@dataclass
class Run:
    """What a tenant has recorded of a run."""

    uuid: str
    status: str = "queued"
    attempts: dict[tuple[str, int], str] = field(default_factory=dict)
    outputs: dict[tuple[str, int], str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    pinned: bool = False


class UndoneError(Exception):
    """Why a transaction is rolled back."""


class Tenants(RuleBasedStateMachine):
    """The steps; a subclass says where, and which store."""

    where: Database
    store: type[RunStore]

    def __init__(self) -> None:
        super().__init__()
        number = next(EXAMPLES)
        self.names = [f"a-{number}", f"b's-{number}", f"c\\c-{number}"]
        self.stores = [self.store(self.where, name, create=True) for name in self.names]
        self.runs: list[dict[int, Run]] = [{}, {}, {}]
        self.last = [0, 0, 0]
        self.renamed = [0, 0, 0]

    def teardown(self) -> None:
        for who in range(3):
            self.look(who)
            self.stores[who].close()

    @initialize(second=WHO)
    def begin_all(self, second: int) -> None:
        """The same run and test of all, and a run of one alone."""
        for who in range(3):
            self.begin(who, "u-1")
            self.save(who, 1, "m::test_a", 1, "failed", "")
        self.begin(second, "u-2")

    @rule(who=WHO, uuid=st.sampled_from(["u-1", "u-2", "u-3"]))
    def begin(self, who: int, uuid: str) -> None:
        runs = self.runs[who]
        known = [number for number, run in runs.items() if run.uuid == uuid]
        number = known[0] if known else self.last[who] + 1
        assert self.stores[who].begin_run(started(uuid)) == number
        self.last[who] = max(self.last[who], number)
        runs.setdefault(number, Run(uuid))

    @rule(who=WHO, number=NUMBER, identity=IDENTITY, attempt=ATTEMPT, outcome=OUTCOME, word=st.text(max_size=5))
    def save(self, who: int, number: int, identity: str, attempt: int, outcome: str, word: str) -> None:
        message = f"{self.names[who]} {word.replace(chr(0), '')}"
        bad = outcome in {"failed", "error"}
        event = AttemptFinished(
            nodeid=identity, identity=identity, attempt=attempt, outcome=outcome, phase="call", started_us=0,
            message=message, outputs={"longrepr": message} if bad else {},
        )  # fmt: skip
        run = self.runs[who].get(number)
        if run is None:
            with pytest.raises(RecordingError):
                self.stores[who].save(number, [event], {"status": "running"})
            return
        self.stores[who].save(number, [event], {"status": outcome})
        run.status = outcome
        run.attempts[identity, attempt] = message
        if bad:
            run.outputs[identity, attempt] = message

    @rule(who=WHO, number=NUMBER)
    def fail_outside_tests(self, who: int, number: int) -> None:
        run = self.runs[who].get(number)
        if run is not None:
            message = f"{self.names[who]} {len(run.errors)}"
            error = ErrorSeen(source="internal", message=message)
            self.stores[who].save(number, [error], {}, errors_before=len(run.errors))
            run.errors.append(message)

    @rule(who=WHO, number=NUMBER, how=st.sampled_from(["rollback", "error", "savepoint", "lost connection"]))
    def change(self, who: int, number: int, how: str) -> None:
        """Change a run and take it back, all of it or all but what came after a savepoint."""
        store, run = self.stores[who], self.runs[who].get(number)
        ours = (farm_runs.c.tenant_id == store.tenant) & (farm_runs.c.id == number)
        with suppress(UndoneError, RecordingError), store.writing() as connection:
            changed = connection.execute(update(farm_runs).where(ours).values(status=how)).rowcount
            assert changed == (run is not None)
            if how == "savepoint":
                with suppress(UndoneError), connection.begin_nested():
                    connection.execute(delete(farm_runs).where(farm_runs.c.tenant_id == store.tenant))
                    raise UndoneError
                if run is not None:
                    run.status = how
                return
            if how == "rollback":
                raise UndoneError
            driver = connection.connection.driver_connection
            if how == "lost connection" and store.dialect == "postgresql" and driver is not None:
                driver.close()
            connection.execute(text("INSERT INTO farm_tenants (tenant_id, last_run_id) VALUES ('', 1)"))

    @precondition(lambda self: self.where.path is None)
    @rule(who=WHO, by=OTHER)
    def reach_over(self, who: int, by: int) -> None:
        """Only PostgreSQL holds SQL that is not ours to the tenant."""
        other = self.names[(who + by) % 3]
        with self.stores[who].writing() as connection:
            theirs = farm_runs.c.tenant_id == other
            assert connection.execute(update(farm_runs).where(theirs).values(status="stolen")).rowcount == 0
            assert connection.execute(delete(farm_runs).where(theirs)).rowcount == 0
            seen = connection.execute(select(farm_runs.c.tenant_id).distinct()).scalars().all()
            assert {*seen} <= {self.names[who]}
        row = {"tenant_id": other, "id": 1, "identity": "x", "nodeid": "x", "first_run_id": 1}
        with pytest.raises(RecordingError, match="row-level security"), self.stores[who].writing() as connection:
            connection.execute(farm_tests.insert().values(row))

    @rule(who=WHO, by=OTHER)
    def read_together(self, who: int, by: int) -> None:
        """Two tenants' transactions at once."""
        other = (who + by) % 3
        with self.stores[who].reading() as mine, self.stores[other].reading() as theirs:
            for connection, one in ((mine, who), (theirs, other), (mine, who)):
                wanted = select(farm_runs.c.id).where(farm_runs.c.tenant_id == self.names[one]).order_by(farm_runs.c.id)
                assert [*connection.execute(wanted).scalars()] == sorted(self.runs[one])

    @rule(who=WHO, number=NUMBER)
    def rename(self, who: int, number: int) -> None:
        """Every tenant gives the same tests the same new names, each when it comes to it."""
        if number in self.runs[who]:
            old, new = f"m::old_{self.renamed[who]}", f"m::new_{self.renamed[who]}"
            self.renamed[who] += 1
            self.save(who, number, old, 1, "failed", "")
            assert alias(self.stores[who], old, new) == [(old, new, 1)]
            run = self.runs[who][number]
            for kept in (run.attempts, run.outputs):
                kept[new, 1] = kept.pop((old, 1))

    @rule(who=WHO, number=NUMBER)
    def pin(self, who: int, number: int) -> None:
        run = self.runs[who].get(number)
        if run is None:
            with pytest.raises(NotFoundError):
                pin(self.stores[who], number, pinned=True)
        else:
            run.pinned = not run.pinned
            pin(self.stores[who], number, pinned=run.pinned)

    @rule(who=WHO)
    def prune(self, who: int) -> None:
        """Everything goes that is not pinned, live or a baseline: of this tenant."""
        prune(self.stores[who], Retention(before=datetime.now(UTC)))
        left = {run["id"] for run in self.stores[who].runs()}
        runs = self.runs[who]
        assert {number for number, run in runs.items() if run.pinned or run.status == "queued"} <= left <= {*runs}
        self.runs[who] = {number: run for number, run in runs.items() if number in left}

    @rule(who=WHO, number=NUMBER, base=NUMBER, identity=IDENTITY)
    def judge(self, who: int, number: int, base: int, identity: str) -> None:
        store, runs = self.stores[who], self.runs[who]
        every = ((at, key, message) for at, run in runs.items() for key, message in run.attempts.items())
        known = {(at, attempt): message for at, (name, attempt), message in every if name == identity}
        with suppress(NotFoundError):
            found = history_of(store, identity)
            assert {(one["run_id"], one["attempt"]): one["message"] for one in found.results} == known
        said = [repr(unhealthy(store)), repr(trends(store))]
        with suppress(NotFoundError, ConfigurationError):
            said.append(repr(compare(store, number, base)))
            assert {number, base} <= {*runs}
        others = {name for name in self.names if name != self.names[who]}
        assert not [one for one in others if repr(one)[1:-1] in "".join(said)]

    @rule(who=WHO)
    def reopen(self, who: int) -> None:
        self.stores[who].close()
        self.stores[who] = self.store(self.where, self.names[who])

    @rule(who=WHO)
    def look(self, who: int) -> None:
        store, runs = self.stores[who], self.runs[who]
        seen = {run["id"]: (run["tenant_id"], run["uuid"], run["status"], run["pinned"]) for run in store.runs()}
        assert seen == {number: (self.names[who], run.uuid, run.status, run.pinned) for number, run in runs.items()}
        for number in range(1, 5):
            found, run = store.run(number), runs.get(number, Run(""))
            assert (found is not None) == (number in runs)
            tests = {(one["identity"], one["attempt"]): one["message"] for one in (found or {"tests": []})["tests"]}
            assert tests == run.attempts
            for identity, attempt in (("m::test_a", 1), ("m::test_b", 1), *run.outputs):
                kept = run.outputs.get((identity, attempt))
                assert store.outputs_of(number, identity_id(identity), attempt) == ({"longrepr": kept} if kept else {})
            assert [one["message"] for one in store.errors(number)] == run.errors


@contextmanager
def place(kind: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    if kind == "sqlite":
        yield Database(request.getfixturevalue("tmp_path") / "farm.db")
        return
    with request.getfixturevalue("postgres").database() as url:
        upgrade(Database(url=url))
        yield Database(url=url)


def run(where: Database, examples: int, store: type[RunStore] = RunStore) -> None:
    machine = type("Machine", (Tenants,), {"where": where, "store": store})
    given = settings(
        max_examples=examples, stateful_step_count=30, deadline=None, database=None, derandomize=examples < 10,
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False, phases=[Phase.generate],
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=given)


@pytest.mark.parametrize("examples", [3, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def test_whatever_they_do_tenants_do_not_meet(kind: str, examples: int, request: pytest.FixtureRequest) -> None:
    with place(kind, request) as where:
        run(where, examples)


class Forgetful(RunStore):
    """One that reads runs without saying whose."""

    def select_runs(self) -> Any:
        query = super().select_runs()
        query._where_criteria = ()
        return query


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def test_a_forgotten_tenant_shows_in_sqlite_and_not_in_postgresql(kind: str, request: pytest.FixtureRequest) -> None:
    with place(kind, request) as where:
        if kind == "sqlite":
            with pytest.raises((AssertionError, RecordingError)):
                run(where, 3, Forgetful)
        else:
            run(where, 1, Forgetful)
