"""What GitHub shows of a run: a summary in Markdown for the page of a job, and annotations in its log.

Names and messages come from tests, and so from anybody: in Markdown every character that could mean something is an
entity, in a workflow command everything that could end it is escaped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from pytest_aosfarm.exports.words import METRICS, fitted, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_aosfarm.exports.highlights import Failure
    from pytest_aosfarm.recording.tally import Grades

__all__ = ("LIMIT", "RunView", "error_commands", "summary")

LIMIT = 900 * 1024
"""Bytes of a summary. GitHub takes 1 MiB of all summaries of a step, and shows nothing of more."""

FAILURES = 20
ANNOTATIONS = 10
"""GitHub shows so many errors of a step."""

ROWS = 50
MESSAGE = 300
SIGNS = {"passed": "✅", "failed": "❌", "error": "❌"}
CUT = "\n<!-- cut: GitHub takes no more -->\n"

_MEANS_SOMETHING = re.compile(r"[^\w /,;=+-]|_")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class RunView:
    """What is shown of a run.

    `faults` says what chaos injected, `against` with which run it was compared; `newly_failing` holds (node id, message).
    """

    title: str
    status: str
    reason: str | None
    counts: str
    facts: Mapping[str, str]
    grades: Grades
    failures: Sequence[Failure]
    failed: int
    flaky: Sequence[str]
    flaky_count: int
    faults: str | None = None
    against: str | None = None
    newly_failing: Sequence[tuple[str, str | None]] = ()


def summary(run: RunView, limit: int = LIMIT) -> str:
    """The summary in at most `limit` bytes of UTF-8, cut between its parts; empty when not even its heading fits."""
    room = limit - len(CUT)
    parts: list[str] = []
    for part in _parts(run):
        room -= len(part.encode())
        if room < 0:
            return "".join(parts) + CUT if parts else ""
        parts.append(part)
    return "".join(parts)


def error_commands(failures: Sequence[Failure], place: Callable[[str], str]) -> Iterator[str]:
    """A workflow command for each of the first failures; `place` turns a path from the root directory into the repo's."""
    for failure in failures[:ANNOTATIONS]:
        path, _, line = (failure.location or failure.nodeid.partition("::")[0]).rpartition(":")
        if not path or not line.isdecimal():
            path, line = path + line, "1"
        title = f"{failure.outcome}: {failure.nodeid}"
        properties = {"file": place(path), "line": line, "title": fitted(title, MESSAGE)}
        told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        yield f"::error {told}::{_data(fitted(failure.message or failure.outcome, 2 * MESSAGE))}"


def _parts(run: RunView) -> Iterator[str]:
    yield f"## {SIGNS.get(run.status, '⚠️')} {_text(run.title)}: {_text(run.status)}\n\n"
    yield f"{_text(run.counts)}{f' ({_text(run.reason)})' if run.reason else ''}\n\n"
    yield " · ".join(f"{_text(name)} {_code(value)}" for name, value in run.facts.items()) + "\n\n"
    yield from _grades(run.grades)
    if run.faults is not None:
        yield f"**{_text(f'Chaos: {run.faults}')}**\n\n"
    if run.against is not None:
        yield f"**Compared with {_text(run.against)}**\n\n"
    if run.newly_failing:
        yield _row("newly failing", "message") + _row("---", "---")
        for name, message in run.newly_failing[:ROWS]:
            yield _row(_code(name), _code(fitted(message, MESSAGE)) if message else "")
        yield _more(len(run.newly_failing) - ROWS)
    if run.failures:
        yield f"**{run.failed} failed**\n\n"
        yield from map(_details, run.failures[:FAILURES])
        yield _more(run.failed - min(FAILURES, len(run.failures)))
    if run.flaky:
        yield f"**{run.flaky_count} flaky**\n\n"
        yield from (f"- {_code(name)}\n" for name in run.flaky[:ROWS])
        yield _more(run.flaky_count - min(ROWS, len(run.flaky)))


def _grades(grades: Grades) -> Iterator[str]:
    for lab, subjects in grades.items():
        yield _row(_text(lab), *METRICS) + _row("---", *("---:" for _ in METRICS))
        for subject, metrics in subjects.items():
            numbers = [metrics.get(metric) for metric in METRICS]
            yield _row(_text(subject), *(f"{one:.3f}" if isinstance(one, int | float) else "-" for one in numbers))
        yield "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _more(count: int) -> str:
    return f"\nand {count} more\n\n" if count > 0 else "\n"


def _details(failure: Failure) -> str:
    # Inside <pre> nothing is Markdown, and an element ends at </pre> alone.
    trace = escape(_UNSEEN.sub("", failure.trace or failure.message or failure.outcome))
    return (
        f"<details><summary>{_code(failure.nodeid)} {_text(failure.outcome)}</summary>\n\n"
        f"<pre>\n{trace}\n</pre>\n\n</details>\n\n"
    )


def _text(text: str) -> str:
    """One line that is nothing but text, in a paragraph, a cell of a table or an element."""
    line = " ".join(_UNSEEN.sub(" ", text).split())
    return _MEANS_SOMETHING.sub(lambda found: f"&#{ord(found[0])};", line)


def _code(text: str) -> str:
    # Where GitHub looks for neither mentions nor emoji.
    return f"<code>{_text(text)}</code>"


def _data(text: str) -> str:
    # The command is a line of the job's log, which is shown on terminals too.
    return visible(text, keep="\r\n").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
