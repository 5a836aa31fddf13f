"""The parts of the HTML report about the run as a whole: header, counts, grades, comparison, workers, environment."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as percent_encoded

from pytest_aosfarm.exports.html.commands import again
from pytest_aosfarm.exports.html.markup import Html, el, plain
from pytest_aosfarm.exports.html.parts import copyable, kind_of, outcome, section, table
from pytest_aosfarm.exports.html.view import seconds
from pytest_aosfarm.exports.words import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_aosfarm.exports.html.markup import Content
    from pytest_aosfarm.exports.html.view import View

__all__ = ("counts", "environment", "grades", "header", "lanes", "title")

SHA_LENGTH = 10
ALWAYS_COUNTED = ("passed", "failed", "error", "skipped")
NOTED = ("uuid", "exit_code", "profile", "anchor", "chaos", "data_tenant", "dist", "rootdir", "owner_host", "ci_provider")


def title(view: View) -> str:
    """What the browser's tab says."""
    return plain(f"{str(view.run['status']).capitalize()}: run {view.run['id']}, {_name(view.run) or 'AOS-Farm'}")


def header(view: View) -> Html:
    """Verdict, number and everything that one needs to run it again."""
    run = view.run
    reason = run["status_reason"]
    return el(
        "section",
        el(
            "div",
            el("p", outcome(run["status"]), class_=f"verdict is-{kind_of(run['status'])}", data_testid="verdict"),
            el("h1", f"Run {run['id']}", el("small", plain(_name(run)))),
            class_="title",
        ),
        el("p", plain(reason), class_="reason") if reason else None,
        el("dl", [el("div", el("dt", name), el("dd", value)) for name, value in _facts(view) if value], class_="facts"),
        el("div", copyable("Run it again", again(run), "copy-command"), class_="command"),
        id="top",
        class_=f"card pad head is-{kind_of(run['status'])}",
    )


def counts(view: View) -> Html:
    """How many tests there were of each outcome, each a link to those tests, under a bar of their shares."""
    run = view.run
    tiles = [_tile(word, count) for word, count in view.counts.items() if count or word in ALWAYS_COUNTED]
    if view.flaky:
        tiles.append(el("a", el("b", len(view.flaky)), outcome("flaky"), href="#flaky", data_testid="count-flaky"))
    aside = [name for name in ("not_run", "deselected") if run[name]]
    tiles += [el("div", el("b", run[name]), el("span", name.replace("_", " "))) for name in aside]
    return el("section", _shares(view.counts), el("div", tiles, class_="tiles"), aria_label="Counts")


def _tile(word: str, count: int) -> Html:
    inner = el("b", count), outcome(word)
    if not count:
        return el("div", inner, class_="none")
    address = f"#outcome={percent_encoded(plain(word))}"
    return el("a", inner, href=address, data_testid=f"count-{kind_of(word)}")


def _shares(counts: Mapping[str, int]) -> Html:
    """A bar with a part for each outcome."""
    total = max(1, sum(counts.values()))
    ends = accumulate(100 * count / total for count in counts.values())
    bars = [
        el("rect", x=f"{end - 100 * count / total:.3f}%", width=f"{100 * count / total:.3f}%", height="8",
           class_=f"is-{kind_of(word)}")
        for (word, count), end in zip(counts.items(), ends, strict=True)
        if count
    ]  # fmt: skip
    return el("svg", bars, class_="share", role="img", aria_label="shares of the outcomes")


def grades(view: View) -> Html | None:
    """Precision, recall and F1, and any other metric, of each graded subject."""
    found: Mapping[str, Mapping[str, Mapping[str, Any]]] = view.run["grades"] or {}
    graded = {name for subjects in found.values() for values in subjects.values() for name in values}
    used = [*(name for name in METRICS if name in graded), *sorted(graded - {*METRICS})]
    rows = [
        [lab, plain(subject), *(_number(values.get(metric)) for metric in used)]
        for lab, subjects in found.items()
        for subject, values in subjects.items()
    ]
    heading = ["lab", "subject", *map(plain, used)]
    return section("grades", "Grades", table(heading, rows, range(2, len(heading)))) if rows else None


def lanes(view: View) -> Html | None:
    """What each worker did, in figures; the timeline above them is drawn by the script."""
    if not view.lanes:
        return None
    start, end = min(lane.first for lane in view.lanes), max(lane.last for lane in view.lanes)
    span = max(1, end - start)
    rows: list[list[Content]] = [
        [
            plain(lane.worker), lane.attempts, seconds(lane.busy), f"{100 * lane.busy / span:.0f} %",
            seconds(lane.first - start), seconds(lane.gap), seconds(end - lane.last),
        ]
        for lane in view.lanes
    ]  # fmt: skip
    heading = ["worker", "tests", "busy", "of the time", "began after", "longest gap", "idle at the end"]
    busy = sum(lane.busy for lane in view.lanes) / (span * len(view.lanes))
    workers = "1 worker" if len(view.lanes) == 1 else f"{len(view.lanes):,} workers"
    small = f"{workers}, busy {100 * busy:.0f} % of {seconds(span)}"
    figures = el(
        "details",
        el("summary", "Workers in figures", data_testid="lane-figures"),
        table(heading, rows, range(1, len(heading))),
        class_="more",
    )
    return section("timeline", "Timeline by worker", el("div", id="lanes", class_="card lanes"), figures, small=small)


def environment(view: View) -> Html:
    """Versions, platform, and whatever else the run noted about where it ran."""
    run = view.run
    rows = [(name.replace("_", " "), _text(run[name])) for name in NOTED if run[name] is not None]
    rows += [(name, value) for name, value in _flat(run["environment"] or {})]
    inner = table([], [[plain(name), el("span", plain(value), class_="mono")] for name, value in rows])
    return section("environment", "Environment", inner)


def _facts(view: View) -> Iterator[tuple[str, str | Html | None]]:
    run = view.run
    sha, branch, url = run["vcs_sha"], run["vcs_branch"], run["ci_url"]
    yield "Lab", run["lab"]
    yield "Scale", run["scale"]
    yield "Seed", str(run["seed"])
    yield "Branch", plain(branch) if branch else None
    yield "Commit", sha and el("code", sha[:SHA_LENGTH] + (" + changes" if run["vcs_dirty"] else ""))
    yield "Change", plain(str(run["vcs_change"])) if run["vcs_change"] else None
    yield "Started", _text(run["started_at"])
    yield "Duration", seconds(view.report.duration_us)
    yield "Workers", str(run["worker_count"] or max(1, len(view.lanes)))
    if url and url.startswith(("http://", "https://")):
        yield "CI", el("a", run["ci_provider"] or "job", href=url, rel="noreferrer", data_testid="ci-link")


def _name(run: Mapping[str, Any]) -> str:
    return str(run.get("scenario") or ", ".join(str(run[key]) for key in ("lab", "scale") if run[key]))


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name} ")
        elif value is not None:
            yield f"{above}{name}", _text(value)


def _text(value: Any) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else str(value)


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else plain(str(value))
