"""examples/module_repo runs as an installed user would run it: in a directory of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "module_repo"


def test_the_module_repo(pytester, plugin_args):
    shutil.copytree(EXAMPLE, pytester.path / "repo")
    result = pytester.runpytest_subprocess("--rootdir=repo", "-c", "repo/pyproject.toml", "repo", *plugin_args)
    result.assert_outcomes(passed=3)
    assert (pytester.path / "repo" / ".aosfarm" / "farm.db").is_file()
