"""docs/chaos.md says what is so: every block of code in it runs."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "chaos.md"


def test_every_block_runs(pytester):
    text = PAGE.read_text(encoding="utf-8")
    first, *more = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (policy,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    fixture, test = first.split("\n\n\n@pytest.mark")
    pytester.makeconftest(fixture)
    pytester.makepyfile(**{f"test_{number}": block for number, block in enumerate(more)})
    pytester.makepyfile(test_first=f"import pytest\n\n@pytest.mark{test}")
    pytester.makefile(".toml", own=policy)
    pytester.runpytest("--farm-chaos=own.toml").assert_outcomes(passed=8)
