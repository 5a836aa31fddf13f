"""The lab's own grade: every deliberately broken AOD twin must turn it red, the healthy one must not.

By default one defect for each file of the lab is tried; `-m slow` tries the others.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.twins.serve import defects
from tools.mutant_table import PATH, run_lab, table

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from concurrent.futures import Future

DEFECTS = tuple(defects("aod"))
GRADED = "labs/aod/test_verdicts.py::test_every_verdict_is_right"
KILLERS = {
    "accept-bad-input": "labs/aod/test_bad_input.py::test_ground_truth_is_refused_at_any_depth",
    "feeds-disagree": "labs/aod/test_agreement.py::test_classifications",
    "hide-rejections": "labs/aod/test_agreement.py::test_rejections_are_complete",
    "ignore-offset": "labs/aod/test_agreement.py::test_rejections_come_in_pages",
    "order-dependent": "labs/aod/test_invariance.py::test_the_order_of_records",
    "recency-by-wall-clock": "labs/aod/test_invariance.py::test_a_snapshot_made_120_days_ago",
    "serve-newest-run": "labs/aod/test_isolation.py::test_each_tenant_sees_its_own_runs",
    "serve-other-tenant": "labs/aod/test_isolation.py::test_each_tenant_sees_its_own_runs",
    "unknown-run-200": "labs/aod/test_contract.py::test_an_unknown_run_is_not_found",
    "unstable-repeat": "labs/aod/test_invariance.py::test_the_same_snapshot_twice",
}
"""Where a defect is expected to show; elsewhere the graded test is."""

QUICK = {*{test.partition("::")[0]: defect for defect, test in KILLERS.items()}.values(), "lose-every-tenth-asset"}
"""One for each file of the lab; the last is the graded test's."""


@pytest.fixture(scope="module")
def run_on(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[subprocess.CompletedProcess[str]]]]:
    """Defect -> what the test that is expected to show it said of it; all that were selected are run two at a time."""
    names = {item.name for item in request.session.items}
    selected = [defect for defect in DEFECTS if f"{test_a_broken_module_is_caught.__name__}[{defect}]" in names]
    with ThreadPoolExecutor(2) as pool:
        yield {defect: pool.submit(run_lab, defect, "-x", KILLERS.get(defect, GRADED)) for defect in selected}


def test_there_are_enough_defects():
    assert len(DEFECTS) >= 12
    assert set(DEFECTS) >= QUICK


def test_a_healthy_module_is_not_accused():
    """By any test that a broken one is caught by; by the whole lab in the last test of this file."""
    run = run_lab(None, *sorted({*KILLERS.values(), GRADED}))
    assert run.returncode == 0, run.stdout[-3000:]


@pytest.mark.parametrize(
    "defect", [pytest.param(defect, marks=() if defect in QUICK else pytest.mark.slow) for defect in DEFECTS]
)
def test_a_broken_module_is_caught(run_on, defect):
    run = run_on[defect].result()
    assert run.returncode == 1, run.stdout[-3000:] + run.stderr[-500:]
    assert "1 failed" in run.stdout


def caught_by(page: str) -> dict[str, int]:
    """Defect -> how many tests of the lab fail with it, read from a page that `tools.mutant_table` wrote."""
    return {defect: int(count) for defect, count in re.findall(r"^\| ([a-z0-9-]+) \| .* \| (\d+): ", page, re.MULTILINE)}


def test_the_docs_list_every_defect_and_who_catches_it():
    assert caught_by(PATH.read_text(encoding="utf-8")).keys() == set(DEFECTS)


@pytest.mark.slow
def test_the_whole_lab_against_every_defect():
    page = table()
    caught = caught_by(page)
    assert caught.keys() == set(DEFECTS)
    assert min(caught.values()) >= 1
    assert PATH.read_text(encoding="utf-8") == page, "run `python -m tools.mutant_table`"
