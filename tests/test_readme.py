"""The README says what is so: its table of settings is generated, its examples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_aosfarm.settings import markdown_table

README = Path(__file__).parents[1] / "README.md"


def test_the_table_of_settings_is_the_generated_one():
    between = README.read_text(encoding="utf-8").split("<!-- settings -->")[1].split("<!-- /settings -->")[0]
    assert between.strip() == markdown_table().strip()


@pytest.mark.slow
def test_the_examples_run(pytester):
    modules, data, chaos = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    pytester.makepyfile(test_modules=modules, test_data=data, test_resilience=chaos)
    # Hypothesis would find a loaded machine slow, and its profile is one of a whole process.
    pytester.runpytest_subprocess("--hypothesis-profile=ci").assert_outcomes(passed=6)
