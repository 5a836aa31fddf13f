"""Records a run from the JUnit XML of any runner; the same files give the same run, however often they are imported."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO
from uuid import UUID, uuid5

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.exports.junit_parse import Suite, TestCase, parse
from pytest_aosfarm.exports.junit_read import Reading, micros, moment
from pytest_aosfarm.recording.columns import run_columns
from pytest_aosfarm.recording.events import AttemptFinished, RunCollected, RunFinished, RunStarted
from pytest_aosfarm.recording.faults import kept_faults
from pytest_aosfarm.recording.status import LIVE, LOST, Ending, decide
from pytest_aosfarm.recording.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_aosfarm.recording.events import ErrorSeen
    from pytest_aosfarm.recording.secrets import Redactor
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("Imported", "Survey", "record", "survey")

NAMESPACE = UUID("8f4e7c1a-6a57-5f0c-9a3d-2b1f0c7d5e42")
"""Of the run ids that are made from the contents of files."""

BATCH = 500
UNKNOWN = "unknown"
NOWHERE = ""
"""Of the database in an event that is written to no spool."""

ENDED = ("passed", "failed", "error", "interrupted", "incomplete")
SUITES = 100
"""Names of suites that tell the runs of one thing from those of another."""

SHOWN = 3
"""Names of files in the reason."""

TEXTS = ("message", "body", "error_type", "error_location", "raw_outcome", "data_tenant")
"""Of attempts and of errors outside tests."""

MOST, MOST_WORKERS = 2**63 - 1, 2**31 - 1
"""What the columns of the seed and of the workers can hold."""

NO_TESTS = 5
"""pytest's exit code for it."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the files: a run, or `known` when it was there already."""

    run_id: int
    status: str
    tests: int
    known: bool


@dataclass(slots=True)
class Survey:
    """What the files say of the run as a whole; several are one run: Surefire, say, writes one for each class."""

    files: Sequence[Path]
    digests: list[bytes] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    host: str | None = None
    began: datetime | None = None
    ended: datetime | None = None
    written: float = 0.0
    tests: int = 0
    took: int = 0

    def add(self, file: BinaryIO, name: str) -> None:
        """Take one file into account."""
        digest = sha256()
        for one in parse(file, name, digest.update):
            if isinstance(one, TestCase):
                self.tests += 1
                self.took += micros(one.attributes.get("time"))
            else:
                self._suite(one)
        self.digests.append(digest.digest())
        self.written = max(self.written, os.fstat(file.fileno()).st_mtime)

    def _suite(self, suite: Suite) -> None:
        ours = {name: value for name, value in suite.properties.items() if name.startswith("farm.")}
        self.properties = ours | self.properties
        self.names.add(suite.names[0])
        self.host = self.host or suite.attributes.get("hostname")
        began = moment(suite.attributes.get("timestamp"))
        if began is not None:
            ended = began + timedelta(microseconds=micros(suite.attributes.get("time")))
            self.began = min(began, self.began or began)
            self.ended = max(ended, self.ended or ended)

    @property
    def times(self) -> tuple[datetime, datetime]:
        """When the run began and ended, taken from the files' own time when no suite says it."""
        took = timedelta(microseconds=self.took)
        if self.began is None or self.ended is None:
            ended = datetime.fromtimestamp(self.written, UTC)
            return ended - took, ended
        return self.began, self.ended if self.ended > self.began else self.began + took


def survey(files: Sequence[Path]) -> Survey:
    """Read the files a first time, so that nothing is written of files that are damaged. Raises RecordingError."""
    found = Survey(files)
    for path in files:
        with _opened(path) as file:
            found.add(file, str(path))
    return found


def record(found: Survey, store: RunStore, redactor: Redactor) -> Imported:
    """Record the run, without its secrets, unless it is there. Raises RecordingError."""
    began, ended = found.times
    started = _started(found, began, redactor)
    run_id = store.begin_run(started)
    status = store.status(run_id)
    # An import that was cut off looks like a run whose process died.
    if status not in {*LIVE, LOST}:
        return Imported(run_id, status, found.tests, known=True)
    tally = Tally()
    tests = errors = faults = 0
    for batch in _batches(found.files, began):
        for event in batch:
            _hide_secrets(event, redactor)
            if isinstance(event, AttemptFinished):
                # Each file has numbers of its own.
                event.faults_before = faults
                faults += len(event.faults)
                tests += event.replaces is None and event.phase != "collect"
            tally.add(event)
        store.save(run_id, batch, run_columns(started, tally, None), errors_before=errors)
        errors += sum(not isinstance(event, AttemptFinished) for event in batch)
    tally.add(RunCollected(collected=tests, deselected=0))
    exit_code = NO_TESTS if not found.tests else int(tally.bad > 0)
    status = decide(Ending(), exit_code, tally, lost_tests=False)
    said = found.properties.get("farm.status")
    names = [path.name for path in found.files]
    finished = RunFinished(
        finished_at=ended,
        status=said if said in ENDED else status,
        exit_code=exit_code,
        reason=f"imported from {', '.join([*names[:SHOWN], *(['…'] if len(names) > SHOWN else [])])}",
    )
    # XML does not say what was not run.
    store.save(run_id, (), run_columns(started, tally, finished) | {"not_run": 0})
    return Imported(run_id, finished.status, found.tests, known=False)


def _opened(path: Path) -> BinaryIO:
    if not path.is_file():
        raise RecordingError(f"{path}: {'no regular file, and it must be read twice' if path.exists() else 'no such file'}")
    try:
        return path.open("rb")
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror}") from error


def _batches(files: Sequence[Path], began: datetime) -> Iterator[list[AttemptFinished | ErrorSeen]]:
    numbers: Counter[str] = Counter()
    batch: list[AttemptFinished | ErrorSeen] = []
    for path in files:
        with _opened(path) as file:
            for event in Reading(began, numbers).events(parse(file, str(path))):
                batch.append(event)
                if len(batch) == BATCH:
                    yield batch
                    batch = []
    yield batch


def _hide_secrets(event: AttemptFinished | ErrorSeen, redactor: Redactor) -> None:
    for name in TEXTS:
        text = getattr(event, name, None)
        if text is not None:
            setattr(event, name, redactor.redacted(text))
    if isinstance(event, AttemptFinished):
        event.nodeid, event.identity = redactor.name(event.nodeid), redactor.name(event.identity)
        event.properties = redactor.value(dict(event.properties))
        event.faults = kept_faults(event.faults, redactor)
        event.outputs = {kind: redactor.redacted(text) for kind, text in event.outputs.items()}


def _started(found: Survey, began: datetime, redactor: Redactor) -> RunStarted:
    """What the properties of an export, or of a run with --junitxml, say of the run; other runners know no seed."""
    said = {name: redactor.redacted(value) for name, value in found.properties.items()}
    return RunStarted(
        uuid=str(uuid5(NAMESPACE, sha256(b"".join(sorted(found.digests))).hexdigest())),
        started_at=began,
        data_tenant=said.get("farm.data_tenant"),
        labs=tuple(filter(None, said.get("farm.lab", "").split(","))),
        scale=said.get("farm.scale", UNKNOWN),
        seed=_number(said.get("farm.seed", ""), MOST),
        anchor=moment(said.get("farm.anchor")) or began,
        profile=said.get("farm.profile", UNKNOWN),
        chaos=said.get("farm.chaos"),
        database=NOWHERE,
        worker_count=_number(said.get("farm.workers", ""), MOST_WORKERS),
        environment={"imported": "JUnit XML"},
        selection={"suites": [redactor.redacted(name) for name in sorted(found.names)[:SUITES]]},
        vcs_branch=said.get("farm.vcs_branch"),
        vcs_sha=said.get("farm.vcs_sha"),
        ci_url=said.get("farm.ci_url"),
        owner_host=found.host,
    )


def _number(text: str, most: int) -> int:
    """A whole number; 0 for what is none, or more than `most`."""
    number = int(text) if text.isdecimal() and len(text) <= len(str(most)) else 0
    return number if number <= most else 0
