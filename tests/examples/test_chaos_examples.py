"""examples/chaos runs as an installed user would run it; what is wrong in it on purpose turns red, and is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "chaos"


def run(pytester, *args):
    shutil.copytree(EXAMPLE, pytester.path / "repo")
    return pytester.runpytest_subprocess("--rootdir=repo", "-c", "repo/pyproject.toml", "repo", *args)


def test_the_examples(pytester, plugin_args):
    result = run(pytester, *plugin_args)

    result.assert_outcomes(passed=11, xfailed=3)
    result.stdout.fnmatch_lines(
        [
            "*test_double_charge::test_without_a_key*: unsafe-retry: bank POST /charge: sent again after ReadTimeout*",
            "*test_retry::test_an_order_is_sent_again_without_a_key: unsafe-retry: shop POST /orders: sent again*",
            "bank * 1/2 * 1/2",
        ]
    )
    assert sum("unsafe-retry" in line for line in result.outlines) == 2


@pytest.mark.slow
def test_what_is_wrong_is_red(pytester, plugin_args):
    result = run(pytester, "--runxfail", "-k", "without_a_key or is_not_nothing", *plugin_args)

    assert result.parseoutcomes()["failed"] == 3
    blamed = [line for line in result.outlines if line.endswith("fails again with the same ones: chaos is to blame")]
    assert len(blamed) == 3
    assert sum(line.startswith("replay: pytest ") for line in result.outlines) == 3
