"""The parts of the HTML report about what went wrong: failures in groups, errors outside tests, flaky tests."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pytest_aosfarm.exports.html.commands import command_of, replay_of
from pytest_aosfarm.exports.html.faults import faults
from pytest_aosfarm.exports.html.markup import Html, coloured, el, plain, short
from pytest_aosfarm.exports.html.parts import copyable, icon, outcome, section
from pytest_aosfarm.exports.html.view import seconds, word_of, worker_of
from pytest_aosfarm.exports.report import duration_us

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_aosfarm.exports.html.markup import Content
    from pytest_aosfarm.exports.html.view import Group, View
    from pytest_aosfarm.exports.report import Case, Row

__all__ = ("cards_of", "errors", "failures", "flaky")

MOST_CARDS = 500
"""Failures that the page shows with what they left; a run with more has one cause, and the list names every test."""

OUTPUT_BUDGET, LEAST_OUTPUT = 2_500_000, 2_000
"""Characters of output in all, and what an output is cut to at most, however many failures share them."""

FIRST_CARD = "failure-1"
FEW = 5

KINDS = {"longrepr": "Traceback", "stdout": "Captured stdout", "stderr": "Captured stderr", "log": "Captured log"}


def cards_of(view: View) -> dict[int, str]:
    """The element id of each failure that the page shows, by the `id` of its row."""
    return {id(case.final): f"failure-{number}" for number, case in enumerate(islice(view.failures, MOST_CARDS), start=1)}


def failures(view: View, cards: Mapping[int, str]) -> Iterator[Html]:
    """The section of failures, group by group, piece by piece."""
    total = sum(len(group.cases) for group in view.groups)
    if not total:
        return
    yield Html('<section id="failures" aria-labelledby="failures-heading">')
    kinds = f"{_many(total, 'test')}, {_many(len(view.groups), 'kind')}"
    yield el("h2", "Failures", el("small", kinds), id="failures-heading")
    share = max(LEAST_OUTPUT, OUTPUT_BUDGET // total)
    for group in view.groups:
        shown = [case for case in group.cases if id(case.final) in cards]
        if shown:
            yield _group(group, [_card(view, case, cards[id(case.final)], share) for case in shown])
    if total > len(cards):
        yield el("p", f"{total - len(cards):,} more failures are in the list of tests.", class_="quiet")
    yield Html("</section>")


def errors(view: View) -> Html | None:
    """What went wrong outside tests."""
    found = view.report.errors
    share = max(LEAST_OUTPUT, OUTPUT_BUDGET // 4 // max(1, len(found)))
    items = [
        _folded(
            [
                outcome("error"),
                el("span", plain(error["message"] or ""), class_="name"),
                el("span", error["source"], class_="tag"),
            ],
            el("pre", coloured(_cut(error["body"], share)), tabindex="0") if error["body"] else None,
            testid="outside-error",
            opened=len(found) == 1,
        )
        for error in found[:MOST_CARDS]
    ]
    if not items:
        return None
    return section("errors", "Errors outside tests", el("div", items, class_="card"), small=f"{len(found):,}")


def flaky(view: View) -> Html | None:
    """The tests that passed in the end, with what they did before."""
    items = [
        _folded(
            [
                outcome("flaky"),
                el("span", short(case.final["nodeid"]), class_="name"),
                el("span", f"{word_of(case.final)} at attempt {len(case.earlier) + 1}", class_="quiet"),
            ],
            [
                _attempts(case),
                [_message(row) for row in case.earlier],
                _outputs(view, case.earlier[0], LEAST_OUTPUT),
                [faults(view.report, row) for row in case.earlier],
            ],
            testid="flaky-test",
        )
        for case in view.flaky[:MOST_CARDS]
    ]
    if not items:
        return None
    return section("flaky", "Flaky tests", el("div", items, class_="card"), small=f"{len(view.flaky):,} passed in the end")


def _group(group: Group, cards: list[Html]) -> Html:
    first = group.cases[0].final
    where = first["error_location"]
    return el(
        "article",
        el(
            "header",
            outcome(first["outcome"]),
            el("h3", plain(group.name)),
            el("span", plain(where), class_="mono quiet") if where else None,
            el("span", f"{len(group.cases):,} tests", class_="tag") if len(group.cases) > 1 else None,
        ),
        cards[:FEW],
        el(
            "details",
            el("summary", f"Show {len(cards) - FEW:,} more tests that failed in this way", data_testid="rest-of-group"),
            cards[FEW:],
            class_="rest",
        )
        if len(cards) > FEW
        else None,
        class_=f"card group is-{first['outcome']}",
    )


def _card(view: View, case: Case, card: str, share: int) -> Html:
    row = case.final
    return _folded(
        [
            el("span", short(row["nodeid"]), class_="name"),
            el("span", f"attempt {row['attempt']}", class_="tag") if case.earlier else None,
            el("span", seconds(duration_us(row)), class_="quiet"),
        ],
        [
            _message(row),
            _meta(row),
            _attempts(case) if case.earlier else None,
            _outputs(view, row, share),
            faults(view.report, row),
            copyable("Run this test alone", command_of(view.run, row["nodeid"]), "copy-test"),
            copyable("With the same faults", replay_of(view.run, row), "copy-replay"),
            _properties(row),
        ],
        testid="failure",
        card=card,
        opened=card == FIRST_CARD,
    )


def _folded(summary: Content, body: Content, *, testid: str, card: str | None = None, opened: bool = False) -> Html:
    if body is None:
        return el("p", summary, class_="test")
    head = el("summary", icon("caret"), summary, data_testid=testid)
    return el("details", head, el("div", body, class_="body"), id=card, class_="test", open=opened)


def _message(row: Row) -> Html | None:
    message = row["message"]
    return el("div", el("span", coloured(message)), class_=f"message is-{row['outcome']}") if message else None


def _meta(row: Row) -> Html:
    facts = {
        "at": row["error_location"],
        "in": row["phase"],
        "on": worker_of(row),
        "started after": seconds(row["started_us"]),
        "variant": row["variant"],
        "data of": row["data_tenant"],
    }
    times = " + ".join(f"{phase} {seconds(row[f'{phase}_us'])}" for phase in ("setup", "call", "teardown"))
    return el(
        "p",
        [el("span", f"{name} ", el("code", plain(value))) for name, value in facts.items() if value],
        el("span", times),
        class_="meta",
    )


def _attempts(case: Case) -> Html:
    return el(
        "ol",
        [
            el("li", outcome(word_of(row)), f" {seconds(duration_us(row))} on {worker_of(row)}")
            for row in (*case.earlier, case.final)
        ],
        class_="attempts",
        aria_label="attempts",
    )


def _outputs(view: View, row: Row, share: int) -> Iterator[Html]:
    texts = view.report.outputs_of(row)
    for kind, title in KINDS.items():
        if not texts.get(kind):
            continue
        text = el("pre", coloured(_cut(texts[kind].strip("\n"), share)), tabindex="0", aria_label=title)
        if kind == "longrepr":
            yield text
        else:
            yield el("details", el("summary", title, data_testid=f"output-{kind}"), text, class_="more")


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _cut(text: str, share: int) -> str:
    """The beginning and the end of a text that is too long; errors stand at the end."""
    if len(text) <= share:
        return text
    head, tail = share // 4, share - share // 4
    return f"{text[:head]}\n\n… {len(text) - share:,} characters left out here …\n\n{text[-tail:]}"


def _properties(row: Row) -> Html | None:
    if not row["properties"]:
        return None
    return el(
        "details",
        el("summary", "Properties", data_testid="properties"),
        el(
            "table",
            [
                el("tr", el("th", short(key), scope="row"), el("td", short(value)))
                for key, value in row["properties"].items()
            ],
            class_="properties",
        ),
        class_="more",
    )
