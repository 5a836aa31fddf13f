"""A run whose process is gone is suspect at once and lost when it is certain; who lives or has ended stays as it is."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from pytest_aosfarm.cli import main
from pytest_aosfarm.recording import reap as reaping
from pytest_aosfarm.recording.engine import database_clock
from pytest_aosfarm.recording.events import RunStarted
from pytest_aosfarm.recording.owner import Owner, this_process
from pytest_aosfarm.recording.reap import reap
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.tables import farm_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_aosfarm.recording.location import Database

START = datetime(2026, 5, 4, tzinfo=UTC)
HERE = this_process()
DEAD = replace(HERE, started=1)
ELSEWHERE = replace(HERE, host="elsewhere")


@pytest.fixture
def store(where: Database) -> Iterator[RunStore]:
    with RunStore(where, "default", create=True) as store:
        yield store


def begin(store: RunStore, owner: Owner, *, silent: float = 0, uuid: str = "u") -> int:
    """A running run of this owner, with its last heartbeat so many seconds ago."""
    owned: dict[str, Any] = {f"owner_{name}": value for name, value in asdict(owner).items()}
    started = RunStarted(
        uuid=uuid, started_at=START, data_tenant=None, labs=(), scale="small", seed=1, anchor=START, profile="clean",
        database="", **owned,
    )  # fmt: skip
    run_id = store.begin_run(started)
    store.save(run_id, [], {"status": "running"})
    with store.writing() as connection:
        heard = database_clock(store.dialect, ago=silent)
        connection.execute(update(farm_runs).where(farm_runs.c.id == run_id).values(heartbeat_at=heard))
    return run_id


def shown(store: RunStore, run_id: int) -> tuple[str, str | None]:
    run = store.run(run_id)
    assert run is not None
    assert run["status"] == next(one["status"] for one in store.runs() if one["id"] == run_id)
    return run["status"], run["status_reason"]


def test_silence_makes_a_run_suspect_and_then_lost_and_a_dead_owner_at_once(store: RunStore) -> None:
    cases = [
        (HERE, 0, "running", "running"),
        (ELSEWHERE, 10, "running", "running"),
        (ELSEWHERE, 20, "suspect", "suspect"),
        (HERE, 50, "suspect", "suspect"),
        (ELSEWHERE, 70, "suspect", "lost"),
        (DEAD, 0, "suspect", "lost"),
    ]
    ids = [begin(store, owner, silent=silent, uuid=f"u-{n}") for n, (owner, silent, *_) in enumerate(cases)]
    assert [shown(store, one) for one in ids] == [(before, None) for *_, before, _ in cases]
    assert {store.status(one) for one in ids} == {"running"}

    lost = reap(store)

    assert [(one.id, one.uuid, one.reason) for one in lost] == [
        (ids[4], "u-4", "it gave no sign of life for 60 s"),
        (ids[5], "u-5", "its process died"),
    ]
    reasons = {one.id: one.reason for one in lost}
    assert [shown(store, one) for one in ids] == [
        (after, reasons.get(one)) for one, (*_, after) in zip(ids, cases, strict=True)
    ]
    assert reap(store) == []


def test_the_owner_comes_back_from_lost_and_what_has_ended_is_final(store: RunStore) -> None:
    run_id = begin(store, ELSEWHERE, silent=70)
    reap(store)
    store.save(run_id, [], {"status": "running", "status_reason": None})
    assert shown(store, run_id) == ("running", None)
    store.save(run_id, [], {"status": "passed"})
    with store.writing() as connection:
        connection.execute(update(farm_runs).values(heartbeat_at=database_clock(store.dialect, ago=999)))
    assert reap(store) == []
    assert shown(store, run_id) == ("passed", None)


def test_who_ends_or_beats_while_being_reaped_is_not_lost(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner in (ELSEWHERE, DEAD):
        for meanwhile in ({"status": "passed"}, {"status": "running", "owner_token": "another"}):
            run_id = begin(store, owner, silent=70, uuid=f"{owner.host} {meanwhile['status']}")

            def looks_dead(_: object, run_id: int = run_id, owner: Owner = owner, news: Any = meanwhile) -> bool:
                store.save(run_id, [], news)
                return owner is DEAD

            monkeypatch.setattr(reaping, "_is_dead", looks_dead)
            assert reap(store) == []
            assert store.status(run_id) == meanwhile["status"]
            store.save(run_id, [], {"status": "passed"})


def test_a_tenant_reaps_its_own_runs_alone(store: RunStore, where: Database) -> None:
    ours = begin(store, DEAD)
    with RunStore(where, "other", create=True) as other:
        theirs = begin(other, DEAD, uuid="v")
        assert [one.uuid for one in reap(store)] == ["u"]
        assert (store.status(ours), other.status(theirs)) == ("lost", "running")


def test_aosfarm_reap_says_what_it_did(store: RunStore, where: Database, capsys: pytest.CaptureFixture[str]) -> None:
    begin(store, DEAD, uuid="dead")
    begin(store, ELSEWHERE, silent=10, uuid="silent")
    db = where.url or str(where.path)
    assert main(["reap", "--db", db]) == 0
    assert capsys.readouterr().out == "run 1: lost, its process died\n"
    assert main(["reap", "--db", db, "--after", "5", "--json"]) == 0
    assert '"uuid": "silent"' in capsys.readouterr().out
    assert main(["reap", "--db", db]) == 0
    assert capsys.readouterr().out == "nothing to reap\n"
    assert main(["reap", "--db", db, "--tenant", "nobody"]) == 0
