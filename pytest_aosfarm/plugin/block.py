"""What the terminal says of a run that has ended, line by line."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from pytest_aosfarm.exports.words import GAP, LABEL, fitted, grade_lines, names_that_fit, printable
from pytest_aosfarm.plugin.ended import NO_CHANGE
from pytest_aosfarm.recording.location import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_aosfarm.plugin.ended import EndedRun

__all__ = ("Block", "Line", "short_path")

COLOURS = {"passed": "green", "failed": "red", "error": "red"}

Line = tuple[str, dict[str, bool]]
"""A text, and how it is marked up."""


class Block:
    """The lines about one run, each at most `width` characters but for the verdict and where the run is: all of it counts.

    `start` is where pytest was started, `link` makes a text a hyperlink to an address.
    """

    def __init__(self, ended: EndedRun, *, width: int, start: Path, link: Callable[[str, str], str]) -> None:
        self._ended = ended
        self._width = width
        self._start = start
        self._link = link

    @property
    def is_short(self) -> bool:
        """Whether two lines say it all."""
        ended = self._ended
        more = ended.grades or ended.highlights.flaky or ended.writer.recovered or ended.faults
        return ended.status == "passed" and not more

    def two_lines(self) -> list[Line]:
        """The verdict, and where the run is."""
        status, changes = self._ended.status, self._ended.changes
        words = [f"AOS-Farm: {self._ended.counts}" if status == "passed" else f"AOS-Farm: {status}, {self._ended.counts}"]
        if changes is not None and changes[1] != NO_CHANGE:
            words.append(f"vs {changes[0]}: {changes[1]}")
        return [("; ".join(words), self._colour), *self._recorded()]

    def full(self, room: int) -> list[Line]:
        """At most `room` lines: what finds no room is left out from the end, then the grades are shortened."""
        recorded = self._recorded()
        room -= 1 + len(recorded)
        grades = grade_lines(self._ended.grades, width=self._width, room=room)
        more = [*self._more()][: max(0, room - len(grades))]
        verdict = _labelled(self._ended.status, self._ended.counts)
        return [*((line, {}) for line in grades), (verdict, self._colour), *more, *recorded]

    @property
    def _colour(self) -> dict[str, bool]:
        return {COLOURS.get(self._ended.status, "yellow"): True}

    def _more(self) -> Iterator[Line]:
        if self._ended.writer.recovered:
            died = ", ".join(f"{run.id} ({run.status})" for run in self._ended.writer.recovered)
            yield fitted(f"recovered what earlier runs had left behind: {died}", self._width), {}
        if self._ended.faults is not None:
            yield fitted(_labelled("chaos", self._ended.faults), self._width), {}
        if self._ended.changes is not None:
            yield fitted(_labelled(f"vs {self._ended.changes[0]}", self._ended.changes[1]), self._width), {}
        names = [*map(printable, self._ended.highlights.flaky)]
        if names:
            room = self._width - LABEL - len(GAP)
            shown, rest = names_that_fit(names, max(len(names), self._ended.writer.tally.flaky), room)
            linked = [self._link(name, self._ended.address(name)) for name in shown]
            yield _labelled("flaky", ", ".join(linked) + rest), {}

    def _recorded(self) -> list[Line]:
        """Where the run is, and how it is shown; nothing when it is not there, which a warning says."""
        writer = self._ended.writer
        if writer.database_problem is not None:
            return []
        path, shown = writer.database.path, str(writer.database)
        options = ""
        if path is not None:
            shown = short_path(path, self._start)
        if path is None or path.parts[-2:] != (".aosfarm", "farm.db"):
            options += f" --db {shlex.quote(shown)}"
        if writer.started.tenant != DEFAULT_TENANT:
            options += f" --tenant {shlex.quote(writer.started.tenant)}"
        linked = shown if path is None else self._link(shown, path.absolute().as_uri())
        return [(f"run {writer.run_id} recorded in {linked} (aosfarm show {writer.run_id}{options})", {})]


def _labelled(label: str, text: str) -> str:
    return f"{label:<{LABEL}}{GAP}{text}"


def short_path(path: Path, start: Path) -> str:
    """The path from `start`, when that is shorter."""
    return min(os.path.relpath(path, start), str(path), key=len)
