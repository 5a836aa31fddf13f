"""The part of the HTML report that sets the run beside its baseline: what changed, and what else differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_aosfarm.errors import NotFoundError
from pytest_aosfarm.exports.html.markup import Html, el, plain, short
from pytest_aosfarm.exports.html.parts import icon, kind_of, outcome, section, table
from pytest_aosfarm.exports.html.view import seconds
from pytest_aosfarm.history.compare import KINDS, compare_with_baseline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_aosfarm.history.compare import Change, Comparison
    from pytest_aosfarm.recording.store import RunStore

__all__ = ("beside_baseline", "comparison_section")

MOST = 200
"""Changes of one kind that are named; the rest is counted."""

SHOWN_AT_ONCE = ("newly_failing", "fixed", "slower")


def beside_baseline(store: RunStore, run_id: int) -> Comparison | None:
    """The run beside its baseline; None when it has none, or one whose results were pruned."""
    try:
        return compare_with_baseline(store, run_id)
    except NotFoundError:
        return None


def comparison_section(comparison: Comparison | None, cards: Mapping[str, str]) -> Html | None:
    """The section; `cards` is the element id of each failure that the page shows, by nodeid."""
    if comparison is None:
        return None
    kinds: dict[str, list[Change]] = {kind: [] for kind in SHOWN_AT_ONCE}
    for change in comparison.changes:
        kinds.setdefault(change.kind, []).append(change)
    base = comparison.base
    intro = [
        el("span", f"Run {base['id']} "),
        outcome(base["status"]),
        el("span", f" · {plain(comparison.chosen)}"),
        el("span", f" · durations are not compared: {plain(comparison.pace_not_compared)}")
        if comparison.pace_not_compared
        else None,
    ]
    return section(
        "comparison",
        f"Compared with run {base['id']}",
        el(
            "div",
            el("p", intro, class_="pad quiet"),
            [_kind(kind, changes, cards) for kind, changes in kinds.items() if changes],
            _differences(comparison.differences),
            class_="card",
        ),
        small=plain(comparison.headline()),
    )


def _kind(kind: str, changes: list[Change], cards: Mapping[str, str]) -> Html:
    entries = [el("li", _test(change, cards), el("span", _then_and_now(change))) for change in changes[:MOST]]
    more = el("li", f"and {len(changes) - MOST:,} more", class_="quiet") if len(changes) > MOST else None
    return _folded(f"{len(changes):,} {KINDS[kind]}", el("ul", entries, more, class_="changes"), kind)


def _test(change: Change, cards: Mapping[str, str]) -> Html:
    name = el("span", short(change.nodeid), class_="name")
    card = cards.get(change.nodeid)
    return el("a", name, href=f"#{card}", data_testid="changed-test") if card else name


def _then_and_now(change: Change) -> list[Html | str]:
    if change.now == change.then and change.now_us is not None and change.then_us is not None:
        ratio = f" (x {change.now_us / change.then_us:.1f})" if change.then_us else ""
        return [f"{seconds(change.then_us)} → {seconds(change.now_us)}{ratio}"]
    sides = [el("span", icon(kind_of(word)), f" {plain(word)}", class_=f"is-{kind_of(word)}") if word else "—"
             for word in (change.then, change.now)]  # fmt: skip
    return [sides[0], " → ", sides[1]]


def _differences(differences: Mapping[str, tuple[Any, Any]]) -> Html | None:
    if not differences:
        return None
    rows = [[plain(name), _text(then), _text(now)] for name, (then, now) in differences.items()]
    return _folded(f"Settings that differ: {len(rows):,}", table(["setting", "then", "now"], rows), "settings")


def _folded(summary: str, body: Any, kind: str) -> Html:
    opened = kind in SHOWN_AT_ONCE
    testid = f"changes-{kind.replace('_', '-')}"
    head = el("summary", icon("caret"), el("span", summary, class_="strong"), data_testid=testid)
    return el("details", head, el("div", body, class_="body"), class_="test", open=opened)


def _text(value: Any) -> Html:
    return el("span", "—" if value is None else plain(str(value)), class_="mono")
