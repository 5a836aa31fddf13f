"""A run in words: its counts, how long it took, and its grades as lines of a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.recording.tally import COUNTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_aosfarm.recording.events import Scalar
    from pytest_aosfarm.recording.tally import Grades

__all__ = (
    "GAP", "LABEL", "METRICS", "counts_in_words", "duration_in_words", "fitted", "grade_lines", "names_that_fit",
    "printable", "visible",
)  # fmt: skip

METRICS = ("precision", "recall", "f1")
GAP = "  "
LABEL = max(map(len, METRICS))
"""Characters of the first column of a block of lines."""

MINUTE, HOUR = 60, 3600
FULL_GRADES = 1 + len(METRICS)


def counts_in_words(counts: Mapping[str, int | None]) -> str:
    """What a run counted, in the words of its columns; what is zero is left out."""
    names = (*COUNTS.values(), "flaky", "not_run", "deselected")
    return ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in names if counts[name]) or "nothing ran"


def duration_in_words(seconds: float) -> str:
    """0.12 s, 50.7 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole >= HOUR:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    if whole >= MINUTE:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds:.2f} s"


def names_that_fit(names: Sequence[str], count: int, width: int) -> tuple[list[str], str]:
    """As many names as fit, the first one cut if need be, and the words for those of `count` that are not among them."""
    for shown in range(len(names), 0, -1):
        rest = f" and {count - shown} more" if count > shown else ""
        if shown == 1:
            return [fitted(names[0], max(1, width - len(rest)))], rest
        if len(", ".join(names[:shown])) + len(rest) <= width:
            return [*names[:shown]], rest
    return [], ""


def printable(text: str) -> str:
    """The text on one line of a terminal, or of a log: nothing in it moves a cursor or is a command to GitHub."""
    return visible(text).replace("##[", "## [")


def visible(text: str, *, keep: str = "") -> str:
    """The text with a blank for every character that cannot be seen, but for those to be kept."""
    return "".join(letter if letter.isprintable() or letter in keep else " " for letter in text)


def fitted(text: str, width: int) -> str:
    """The text, cut at `width` characters."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def grade_lines(grades: Grades, *, width: int, room: int = FULL_GRADES) -> list[str]:
    """Precision, recall and F1 of each subject for a single lab; a line of F1 a lab for several, or in less room.

    At most `room` lines, each of at most `width` characters: what does not fit is left out and counted.
    """
    if len(grades) != 1 or room < FULL_GRADES:
        return [line for lab, subjects in grades.items() if (line := _f1_line(lab, subjects)) is not None][: max(0, room)]
    ((lab, subjects),) = grades.items()
    columns = [
        [subject, *(_number(metrics.get(metric)) for metric in METRICS)]
        for subject, metrics in subjects.items()
        if not metrics.keys().isdisjoint(METRICS)
    ]
    if not columns:
        return []
    lines = [line.ljust(max(LABEL, len(lab))) for line in (lab, *METRICS)]
    sizes = [max(map(len, column)) for column in columns]
    free = width - len(lines[0])
    if sum(sizes) + len(GAP) * len(sizes) > free:
        free -= len(f"{GAP}+{len(columns)} more")
    for index, (column, size) in enumerate(zip(columns, sizes, strict=True)):
        free -= len(GAP) + size
        if free < 0:
            lines[0] += f"{GAP}+{len(columns) - index} more"
            break
        lines = [line + GAP + cell.rjust(size) for line, cell in zip(lines, column, strict=True)]
    return lines


def _f1_line(lab: str, subjects: Mapping[str, Mapping[str, Scalar]]) -> str | None:
    f1 = {name: value for name, m in subjects.items() if isinstance(value := m.get("f1"), int | float)}
    if not f1:
        return None
    worst = min(f1, key=f1.__getitem__)
    return f"{lab}: lowest f1 {_number(f1[worst])} ({worst}) of {len(f1)} graded"


def _number(value: Scalar) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "-"
