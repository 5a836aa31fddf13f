"""A run as one HTML file that opens from disk, needs no network, and shows the essentials without JavaScript."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from pytest_aosfarm.exports.html import failures, sections
from pytest_aosfarm.exports.html.comparison import comparison_section
from pytest_aosfarm.exports.html.markup import Html, data_block, el
from pytest_aosfarm.exports.html.parts import icon
from pytest_aosfarm.exports.html.rows import rows_of
from pytest_aosfarm.exports.html.view import View

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from pytest_aosfarm.exports.report import Report
    from pytest_aosfarm.history.compare import Comparison

__all__ = ("write_html",)

SCRIPTS = ("core.js", "details.js", "list.js", "timeline.js", "page.js")
NEEDS_SCRIPT = "The list of all tests, its search and the timeline need JavaScript."


def write_html(report: Report, out: TextIO, comparison: Comparison | None = None) -> None:
    """Write the report to a text stream, which must be UTF-8; `comparison` sets the run beside its baseline."""
    out.writelines(_pieces(View(report), comparison))


def _pieces(view: View, comparison: Comparison | None) -> Iterator[str]:
    style, script = _asset("report.css"), "".join(map(_asset, SCRIPTS))
    allowed = f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    yield Html('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n')
    yield el("meta", http_equiv="Content-Security-Policy", content=policy)
    yield el("meta", name="viewport", content="width=device-width, initial-scale=1")
    yield el("meta", name="referrer", content="no-referrer")
    yield el("title", sections.title(view))
    yield el("style", Html(style))
    yield Html("\n</head>\n<body>\n")
    yield Html(_asset("icons.svg"))
    cards = failures.cards_of(view)
    by_nodeid = {case.final["nodeid"]: cards[id(case.final)] for case in view.failures if id(case.final) in cards}
    parts = {
        "Grades": sections.grades(view),
        "Comparison": comparison_section(comparison, by_nodeid),
        "Failures": Html("".join(failures.failures(view, cards))),
        "Errors": failures.errors(view),
        "Flaky": failures.flaky(view),
        "Timeline": sections.lanes(view),
    }
    links = [name for name, part in parts.items() if part]
    yield _bar(view, [*links, "Tests", "Environment"])
    yield Html("<main>")
    yield sections.header(view)
    yield sections.counts(view)
    yield from (part for part in parts.values() if part)
    yield el(
        "section",
        el("h2", "Tests", el("small", id="shown"), id="tests-heading"),
        el("div", el("noscript", el("p", NEEDS_SCRIPT, class_="pad")), id="list", class_="card list"),
        id="tests",
        aria_labelledby="tests-heading",
    )
    yield sections.environment(view)
    yield Html("</main>\n")
    yield el("script", data_block(rows_of(view, cards)), type="application/json", id="rows")
    yield el("script", Html(script))
    yield Html("\n</body>\n</html>\n")


def _bar(view: View, links: list[str]) -> Html:
    numbers = {
        "Failures": sum(len(group.cases) for group in view.groups),
        "Errors": len(view.report.errors),
        "Flaky": len(view.flaky),
        "Tests": len(view.cases),
    }
    entries = [
        el(
            "a",
            name,
            el("i", numbers[name]) if name in numbers else None,
            href=f"#{name.lower()}",
            data_testid=f"nav-{name.lower()}",
        )
        for name in links
    ]
    return el(
        "header",
        el("a", "Skip to the tests", href="#tests", class_="skip", data_testid="skip"),
        el("strong", el("b", "AOS-Farm"), f" Run {view.run['id']}"),
        el("nav", entries, aria_label="sections"),
        el("button", icon("theme"), el("span"), type="button", id="theme", hidden=True, data_testid="theme"),
        class_="bar",
    )


@cache
def _asset(name: str) -> str:
    return (files("pytest_aosfarm.exports.html") / "files" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
