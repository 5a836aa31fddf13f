"""The attempts of a run as columns of numbers: what the report's list of tests and its timeline are drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_aosfarm.exports.html.markup import plain, short
from pytest_aosfarm.exports.html.view import file_of, word_of, worker_of
from pytest_aosfarm.recording.events import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_aosfarm.exports.html.view import View
    from pytest_aosfarm.exports.report import Row

__all__ = ("rows_of",)

NOTES_BUDGET = 1_500_000
"""Characters of messages and properties in all, so that a large run stays a file that a browser opens at once."""

PHASES = ("setup", "call", "teardown")


class _Numbers:
    """Gives every different text a number."""

    def __init__(self, known: tuple[str, ...] = ()) -> None:
        self.texts = {text: number for number, text in enumerate(known)}

    def of(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))


def rows_of(view: View, cards: Mapping[int, str]) -> dict[str, Any]:
    """Parallel lists with an entry for each attempt; the attempts of a test follow one another, the deciding one last.

    Files, workers and outcomes are numbers into `files`, `workers` and `outcomes`, times microseconds since the run's
    start. `earlier` names the attempts that did not decide, `notes` holds what only few have: message, location,
    properties and the like. `cards` is the element id of what the page itself says of a test, by the `id` of its row.
    """
    files, outcomes = _Numbers(), _Numbers(OUTCOMES)
    workers = _Numbers(tuple(plain(lane.worker) for lane in view.lanes))
    columns: dict[str, list[Any]] = {name: [] for name in ("file", "name", "outcome", "worker", "start", *PHASES)}
    earlier: list[int] = []
    notes: dict[int, dict[str, Any]] = {}
    room = NOTES_BUDGET
    for case in view.cases:
        for row in (*case.earlier, case.final):
            index = len(columns["file"])
            file = file_of(row)
            columns["file"].append(files.of(short(file)))
            columns["name"].append(short(_name(row, file)))
            columns["outcome"].append(outcomes.of(plain(word_of(row))))
            columns["worker"].append(workers.of(plain(worker_of(row))))
            columns["start"].append(row["started_us"])
            for phase in PHASES:
                columns[phase].append(row[f"{phase}_us"])
            if row is not case.final:
                earlier.append(index)
            note = _note(row, cards)
            size = sum(len(str(value)) for value in note.values())
            if size > room:
                note = {key: note[key] for key in ("card", "phase") if key in note} | {"cut": True}
            else:
                room -= size
            if note:
                notes[index] = note
    return {
        "files": list(files.texts),
        "workers": list(workers.texts),
        "outcomes": list(outcomes.texts),
        **columns,
        "earlier": earlier,
        "notes": notes,
    }


def _name(row: Row, file: str) -> str:
    name: str = row["nodeid"][len(file) :].removeprefix("::")
    return f"{name} [{row['variant']}]" if row["variant"] else name


def _note(row: Row, cards: Mapping[int, str]) -> dict[str, Any]:
    note = {
        "card": cards.get(id(row)),
        "phase": None if row["phase"] == "call" else row["phase"],
        "cause": None if row["cause"] == "first" else row["cause"],
        "type": row["error_type"],
        "where": row["error_location"],
        "tenant": row["data_tenant"],
    }
    found: dict[str, Any] = {key: plain(value) for key, value in note.items() if value}
    if row["message"] and "card" not in found:
        found["message"] = plain(row["message"])
    if row["properties"]:
        found["properties"] = [[short(key), short(value)] for key, value in row["properties"].items()]
    return found
