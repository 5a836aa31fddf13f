"""Words planted with other tenants are nowhere in a test run: its fixtures, its lines, its reports, its logs.

On PostgreSQL everybody is a plain role: who records is a member of aosfarm_recorder, who looks of aosfarm_reader alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from planted import planted_in_postgres, planted_in_sqlite, tenant_of

from pytest_aosfarm.cli import main
from pytest_aosfarm.plugin import fixtures
from pytest_aosfarm.recording.location import parse_db
from pytest_aosfarm.recording.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planted import Planted

FIXTURES = [name for name, one in vars(fixtures).items() if type(one).__name__ == "FixtureFunctionDefinition"]
SUITE = f"""
    import json, logging, os, sys
    import pytest

    WORD = os.environ["SAY"]

    @pytest.mark.parametrize("n", range(3))
    def test_says(n, record_property):
        record_property("word", WORD)
        record_property("farm.faults", json.dumps([dict.fromkeys(("kind", "path", "rule", "observed"), WORD)]))
        record_property("farm.chaos", "replay: pytest --farm-replay=AC1:" + WORD)
        print(WORD, file=[sys.stdout, sys.stderr, sys.stdout][n])
        logging.getLogger("x").warning(WORD)
        assert n != int(os.environ["FAILS"]), WORD

    def test_every_fixture({", ".join(FIXTURES)}):
        for one in ({", ".join(FIXTURES)}):
            print(repr(one))
        print(synthetic_assets.services[0], synthetic_business.customers[0], synthetic_events.logs[0])
        print(aod.discover(discovery_snapshot.body(tenant)))
        assert tenant.key, "every test has a tenant"
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def planted(request, pytester: pytest.Pytester) -> Iterator[Planted]:
    pytester.makepyfile(test_suite=SUITE)
    if request.param == "sqlite":
        with planted_in_sqlite(pytester.path) as planted:
            yield planted
    else:
        with planted_in_postgres(request.getfixturevalue("postgres"), pytester.path) as planted:
            yield planted


def run_as(planted: Planted, who: int, fails: int, pytester, monkeypatch, *arguments: str) -> list[str]:
    """A run of this tenant's, and all that it prints and writes outside the database and the spool."""
    word = planted.words[who]
    for name, value in {"SAY": word, "FAILS": str(fails), "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "out.md"}.items():
        monkeypatch.setenv(name, value)
    files = [pytester.path / name for name in ("out.html", "out.xml", "out.md", "out.log")]
    asked = (f"--farm-html={files[0]}", f"--junitxml={files[1]}", f"--log-file={files[3]}", "--log-file-level=DEBUG")
    where = (f"--farm-db={planted.writes}", f"--farm-tenant={tenant_of(word)}")
    result = pytester.runpytest(*where, *asked, "-o", "junit_family=xunit1", "-rA", "-vv", *arguments)
    assert result.parseoutcomes()["failed"] == 1
    seen = [result.stdout.str(), result.stderr.str(), *(file.read_text(encoding="utf-8") for file in files)]
    for file in files:
        file.unlink()
    return seen


def test_no_run_shows_what_another_tenant_has(planted: Planted, pytester, monkeypatch, capfd) -> None:
    # The first run also brings in what the second tenant's dead runs have left behind in the folder.
    first = run_as(planted, 0, 0, pytester, monkeypatch)
    for who in (1, 2):
        run_as(planted, who, 1, pytester, monkeypatch, "-k", "says")
    again = run_as(planted, 0, 2, pytester, monkeypatch, "-k", "says")
    for name, text in zip(["lines", "errors", "html", "xml", "summary", "log"], zip(first, again, strict=True), strict=True):
        assert planted.leaked(*text) == set(), name
        assert name == "errors" or all(planted.words[0] in one for one in text), name
    with RunStore(parse_db(planted.writes, pytester.path), planted.tenant) as store:
        assert [run["status"] for run in store.runs(2)] == ["failed", "failed"]
    capfd.readouterr()
    for command in (["runs"], ["show", "4"], ["compare", "4", "3"], ["history", "test_suite::test_says[0]"], ["flaky"]):
        assert main([*command, "--db", planted.reads, "--tenant", planted.tenant, "--json"]) == 0
        out, err = capfd.readouterr()
        assert json.loads(out)
        assert planted.leaked(out, err) == set()
    assert main(["pin", "4", "--db", planted.reads, "--tenant", planted.tenant]) == (0 if store.dialect == "sqlite" else 2)
    assert ("permission denied" in capfd.readouterr().err) == (store.dialect == "postgresql")
