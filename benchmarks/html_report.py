"""What the HTML report of 10,000 tests costs, and whether a real browser shows it as it should."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.browser import Browser, Look
from benchmarks.goals import at_most
from benchmarks.run_reports import large_report
from pytest_aosfarm.exports.html import write_html

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.goals import Goal
    from pytest_aosfarm.exports.report import Report

ROUNDS = 5
DESKTOP, PHONE = Look(1280, 900), Look(390, 844, phone=True)

PAINTED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
"""Milliseconds since navigation began, once the next frame is on the screen."""

NAMELESS = """[...document.querySelectorAll('a, button, summary, input, select, canvas')]
  .filter(one => !one.dataset.testid).map(one => one.outerHTML.slice(0, 80))"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
ROWS = "document.querySelectorAll('[data-testid=test-row]').length"
DRAWN = """(() => { const it = document.querySelector('canvas'), pixels = it.getContext('2d')
  .getImageData(0, 0, it.width, it.height).data; return new Set(new Uint32Array(pixels.buffer)).size; })()"""
HOSTILE = (
    "</script><img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>\u2028\ud800\x1b[31m"
)


def main() -> int:
    """Measure and check; the exit code is 1 when anything is not as it should be, or there is no browser."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=10_000)
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER", help="keep pictures of the report")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = large_report(arguments.tests, 200)
        path, hostile = Path(folder, "report.html"), Path(folder, "hostile.html")
        started = time.perf_counter()
        _write(report, path)
        written = time.perf_counter() - started
        _write(_hostile(report), hostile)
        goals = [
            at_most("size of the file, MB", path.stat().st_size / 1e6, 6),
            at_most("seconds to write it", written, 5),
            *_speed(path),
        ]
        wrong = [*_wrong(path, arguments.tests), *_wrong_of_hostile(hostile)]
        if arguments.screenshots:
            arguments.screenshots.mkdir(parents=True, exist_ok=True)
            _pictures(path, arguments.screenshots)
    for goal in goals:
        print(goal)
    for problem in wrong:
        print(f"WRONG: {problem}")
    return int(bool(wrong) or not all(goal.reached for goal in goals))


def _write(report: Report, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as out:
        write_html(report, out)


def _hostile(report: Report) -> Report:
    """The same run, with a text that wants to be a script wherever a text can stand."""
    rows = [
        row | {"nodeid": f"{row['nodeid']}{HOSTILE}", "message": HOSTILE, "properties": {HOSTILE: HOSTILE}}
        for row in report.tests[:500]
    ]
    texts = dict.fromkeys(("longrepr", "stdout", "stderr", "log"), HOSTILE)
    run: dict[str, Any] = {**report.run, "vcs_branch": HOSTILE, "arguments": [HOSTILE], "ci_url": f"javascript:{HOSTILE}"}
    return replace(report, run=run, tests=rows, outputs_of=lambda _row: texts)


def _speed(path: Path) -> Iterator[Goal]:
    """Each round in a browser just started; the worst of them counts for opening."""
    opened, filtered, zoomed = [], [], []
    for _ in range(ROUNDS):
        with Browser() as browser:
            browser.look(DESKTOP)
            browser.open(path.as_uri())
            opened.append(browser.run(PAINTED))
            if not browser.run(
                "document.documentElement.dataset.ready === 'true' && document.querySelector('.file') !== null"
            ):
                raise SystemExit("the list of tests was not drawn when the page had loaded")
            filtered.append(_taken(browser, "document.querySelector('[data-testid=filter-passed]').click()"))
            zoomed.append(_taken(browser, "document.querySelector('[data-testid=timeline-zoom-in]').click()"))
    yield at_most("seconds from navigation to the first rows, painted, worst", max(opened) / 1e3, 2)
    yield at_most("milliseconds to filter", statistics.median(filtered), 200)
    yield at_most("milliseconds to zoom the timeline", statistics.median(zoomed), 100)


def _taken(browser: Browser, act: str) -> float:
    """Milliseconds from an act until its effect is painted."""
    taken: float = browser.run(
        f"(async () => {{ const from = performance.now(); {act}; return await {PAINTED} - from; }})()"
    )
    return taken


def _wrong(path: Path, tests: int) -> Iterator[str]:
    address = path.as_uri()
    with Browser() as browser:
        browser.look(DESKTOP)
        yield from _wrong_of_list(browser, address)
        yield from _wrong_of_keys(browser, address)
        browser.look(PHONE)
        browser.open(address)
        if browser.run(SIDEWAYS) > 0:
            yield "a phone has to scroll sideways"
        browser.look(DESKTOP._replace(script=False))
        browser.open(address)
        browser.look(DESKTOP)  # what is asked now is asked by us; the page's own script has not run
        said = browser.run("document.body.innerText")
        essentials = ("failed", "Failures", "AssertionError", "need JavaScript")
        yield from (f"without a script the page lacks {word!r}" for word in essentials if word not in said)
        yield from (f"asked for {one}" for one in browser.requests if not one.startswith((address, "about:")))
        yield from (f"the console says {one}" for one in browser.problems)
        print(f"{tests:,} tests in {browser.ask('Browser.getVersion')['product']}")


def _wrong_of_list(browser: Browser, address: str) -> Iterator[str]:
    browser.open(address)
    browser.click("[data-testid=filter-failed]")
    if "#outcome=failed" not in browser.run("location.href"):
        yield "the filter is not in the address"
    if browser.run("[...document.querySelectorAll('.row .outcome')].some(one => one.textContent !== 'failed')"):
        yield "the filter shows other outcomes"
    browser.click("[data-testid=test-row]")
    if browser.run("document.querySelector('#results .body') === null"):
        yield "a row does not open"
    browser.open(f"{address}#outcome=skipped&sort=slow")
    if browser.run(ROWS) == 0 or browser.run("document.querySelector('[data-testid=sort]').value") != "slow":
        yield "the address does not bring back what was shown"
    if browser.run(DRAWN) < 4:  # noqa: PLR2004 - background, lane, outcome, idle
        yield "the timeline is not drawn"
    yield from (f"no test id: {one}" for one in browser.run(NAMELESS))


def _wrong_of_keys(browser: Browser, address: str) -> Iterator[str]:
    browser.open(address)
    browser.press("/", "/")
    for letter in "zombie":
        browser.press(letter, letter)
    browser.run("new Promise(done => setTimeout(done, 300))")
    if "q=zombie" not in browser.run("location.href"):
        yield "a slash and a word do not search"
    browser.run("document.querySelector('canvas').focus()")
    for key in ("ArrowRight", "ArrowDown", "+"):
        browser.press(key, "+" if key == "+" else "")
    if browser.run("document.querySelector('[data-testid=timeline-show]') === null"):
        yield "arrow keys pick no test of the timeline"
    browser.press("Enter", "\r")
    browser.run(PAINTED)
    if browser.run("location.hash") in {"", "#q=zombie"}:
        yield "Enter does not lead from the timeline to the test"
    before = browser.run("getComputedStyle(document.body).backgroundColor")
    for _ in range(2):
        browser.click("[data-testid=theme]")
    if browser.run("getComputedStyle(document.body).backgroundColor") == before:
        yield "the theme does not change"


def _wrong_of_hostile(path: Path) -> Iterator[str]:
    with Browser() as browser:
        browser.look(DESKTOP)
        browser.open(f"{path.as_uri()}#sort=slow")
        browser.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        browser.run("[...document.querySelectorAll('[data-testid=test-row]')].slice(0, 50).forEach(one => one.click())")
        browser.run(PAINTED)
        if browser.run("document.title === 'taken' || document.images.length > 0 || document.scripts.length !== 2"):
            yield "a text of a test became markup"
        if browser.run("[...document.links].some(one => one.protocol === 'javascript:')"):
            yield "a link runs a script"
        if not browser.run("document.querySelector('#results .name').textContent.includes('</script><img')"):
            yield "a hostile name is not shown as it is"
        yield from (f"hostile: the console says {one}" for one in browser.problems)
        yield from (f"hostile: asked for {one}" for one in browser.requests if not one.startswith(path.as_uri()))


def _pictures(path: Path, folder: Path) -> None:
    with Browser() as browser:
        for name, look in {"light": DESKTOP, "dark": DESKTOP._replace(dark=True), "phone": PHONE}.items():
            browser.look(look)
            for part in ("top", "failures", "timeline", "tests"):
                browser.open(f"{path.as_uri()}#{part}")
                browser.run(PAINTED)
                browser.screenshot(folder / f"{name}-{part}.png")


if __name__ == "__main__":
    sys.exit(main())
