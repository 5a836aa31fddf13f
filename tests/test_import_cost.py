"""Law 5: a run that does not use the Farm loads almost nothing of it, and nothing from outside.

Looked at in `pytest_unconfigure` of a run in its own process: what is loaded late, in a summary, counts too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

LOOK = """
    import json, sys
    def pytest_unconfigure(config):
        with open("loaded.json", "w") as file:
            json.dump(sorted(sys.modules), file)
"""
SUITE = """
    import pytest
    def test_passes(): pass
    def test_fails(): assert not "this"
    @pytest.mark.parametrize("n", [1, 2])
    def test_several(n): pass
"""
OURS = {
    "pytest_aosfarm",
    "pytest_aosfarm.errors",
    "pytest_aosfarm.settings",
    "pytest_aosfarm.urls",
    *(
        f"pytest_aosfarm.plugin{room}"
        for room in ("", ".chaos", ".fixtures", ".identity", ".keys", ".markers", ".options", ".session", ".watch")
    ),
}
XDIST = ("-p", "xdist", "-n2")


def loaded(pytester, *args: str) -> set[str]:
    """The modules at the end of a run that loads no plugin but those named."""
    (pytester.path / "loaded.json").unlink(missing_ok=True)
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("AOSFARM_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args],
        cwd=pytester.path,
        env=environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    (pytester.path / "out.txt").write_text(done.stdout)
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    return set(json.loads((pytester.path / "loaded.json").read_text()))


@pytest.mark.parametrize("args", [(), pytest.param(XDIST, marks=pytest.mark.slow)], ids=["no-xdist", "n2"])
def test_an_unused_farm_loads_the_plugin_alone(pytester, args) -> None:
    pytester.makeconftest(LOOK)
    pytester.makepyfile(SUITE)
    more = loaded(pytester, "-p", "aosfarm", *args) - loaded(pytester, *args)
    assert {name for name in more if name.startswith("pytest_aosfarm")} == OURS
    others = {name.partition(".")[0] for name in more} - {"pytest_aosfarm"}
    assert others <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("args", [(), pytest.param(XDIST, marks=pytest.mark.slow)], ids=["no-xdist", "n2"])
def test_a_recorded_run_loads_no_library_of_a_database(pytester, args) -> None:
    pytester.makeconftest(LOOK)
    pytester.makepyfile(SUITE)
    for _ in range(2):  # the second run is compared with the first
        more = loaded(pytester, "-p", "aosfarm", "--farm-seed=2", *args)
        assert not {"alembic", "psycopg", "sqlalchemy", "sqlite3", "_sqlite3"} & more
    assert {"pytest_aosfarm.plugin.recorder", "pytest_aosfarm.recording.process"} <= more
    assert "vs #1" in (pytester.path / "out.txt").read_text()


def test_even_a_used_farm_loads_no_client_and_no_twin(pytester) -> None:
    pytester.makeconftest(LOOK)
    pytester.makepyfile(SUITE.replace("test_passes()", "test_passes(tenant)"))
    assert not {"httpx", "fastapi", "pydantic", "uvicorn"} & loaded(pytester, "-p", "aosfarm")
