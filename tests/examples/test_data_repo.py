"""examples/data_repo runs as an installed user would run it, and goes red when the code under test is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "data_repo"
WRONG = {
    "test_what_is_owed": ('{"sent", "overdue"}', '{"overdue"}'),
    "test_attacks_are_noticed": ("> failures:", "> 10 * failures:"),
    "test_messy_invoices_are_left_out": ('row["id"] not in seen and ', ""),
}


def run(pytester, *args):
    return pytester.runpytest_subprocess("--rootdir=repo", "-c", "repo/pyproject.toml", *args)


def test_the_data_repo(pytester, plugin_args):
    shutil.copytree(EXAMPLE, pytester.path / "repo")
    run(pytester, "repo", *plugin_args).assert_outcomes(passed=4)


@pytest.mark.slow
@pytest.mark.parametrize("test", WRONG)
def test_it_can_fail(pytester, test):
    shutil.copytree(EXAMPLE, pytester.path / "repo")
    shop = pytester.path / "repo" / "shop.py"
    right, wrong = WRONG[test]
    shop.write_text(shop.read_text().replace(right, wrong))
    run(pytester, f"repo/tests/test_shop.py::{test}").assert_outcomes(failed=1)
