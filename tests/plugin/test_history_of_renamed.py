"""A test keeps its history through real runs when it is renamed: by farm_id, or by an alias afterwards."""

from __future__ import annotations

import pytest

from pytest_aosfarm.cli import main
from pytest_aosfarm.history.compare import compare
from pytest_aosfarm.history.flaky import unhealthy
from pytest_aosfarm.history.tests import history_of
from pytest_aosfarm.recording.store import RunStore

SUITE = """
    import pytest
    @pytest.mark.farm_id("the-check")
    def test_{marked}(): pass
    def test_{plain}(): {body}
    @pytest.mark.parametrize("n", [1, 2])
    def test_{many}(n): pass
"""


@pytest.fixture
def run(pytester, plugin_args, monkeypatch):
    monkeypatch.delenv("AOSFARM_DB", raising=False)

    def run(**names):
        pytester.makepyfile(test_it=SUITE.format(**names))
        pytester.runpytest("--farm-seed=1", *plugin_args)

    return run


def test_history_survives_renames(pytester, run, capsys):
    before = {"marked": "first", "plain": "old", "many": "each", "body": "assert 0"}
    after = {"marked": "second", "plain": "new", "many": "every", "body": "assert 0"}
    run(**before)
    run(**after)
    database = pytester.path / ".aosfarm" / "farm.db"
    with RunStore(database, "default") as store:
        kept = history_of(store, "the-check")
        assert [(one["run_id"], one["outcome"]) for one in kept.results] == [(2, "passed"), (1, "passed")]
        assert kept.test["nodeid"] == "test_it.py::test_second"
        changes = {(one.kind, one.nodeid.partition("::")[2]) for one in compare(store, 2, 1).changes}
        assert changes >= {("removed", "test_old"), ("new", "test_new"), ("new", "test_every[1]")}
        assert not any("first" in name or "second" in name for _, name in changes)

        for old, new in (("old", "new"), ("each", "every")):
            assert main(["alias", f"test_it::test_{old}", f"test_it::test_{new}", "--db", str(database)]) == 0
        assert {(one.kind, one.identity) for one in compare(store, 2, 1).changes} == {("still_failing", "test_it::test_new")}

        # An old checkout still says the old name, and is told apart from nobody.
        run(**before)
        (broken,) = unhealthy(store, "").tests
        assert (broken["identity"], broken["fails"]) == ("test_it::test_new", 3)
        assert [one["run_id"] for one in history_of(store, "test_it::test_each[2]").results] == [3, 2, 1]
    assert "test_it::test_each[1] is test_it::test_every[1]" in capsys.readouterr().out
