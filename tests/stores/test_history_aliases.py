"""Renamed tests: the history of a former identity becomes that of the present one, on both stores."""

from __future__ import annotations

import pytest
from history_samples import Sampler
from sqlalchemy import select

from pytest_aosfarm.errors import ConfigurationError, NotFoundError
from pytest_aosfarm.history.aliases import alias, settle
from pytest_aosfarm.history.flaky import unhealthy
from pytest_aosfarm.history.stats import refresh
from pytest_aosfarm.history.tests import history_of
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.recording.tables import farm_run_test_output, farm_test_stats, farm_tests, identity_id

P, F = "passed", "failed"


def runs_of(store, name):
    return [one["run_id"] for one in history_of(store, name).results]


def identities(store):
    with store.reading() as connection:
        mine = farm_tests.c.tenant_id == store.tenant
        return set(connection.execute(select(farm_tests.c.identity).where(mine)).scalars())


def test_the_history_is_handed_over_with_outputs_and_judged_as_one(store, sample):
    sample.run({"m::old": {"outcome": F, "output": b"x"}, "m::rest": P})
    sample.run({"m::old": F})
    refresh(store)
    assert alias(store, "m::old", "m::new") == [("m::old", "m::new", 2)]
    assert identities(store) == {"m::new", "m::rest"}
    assert runs_of(store, "m::new") == runs_of(store, "m::old") == [2, 1]
    sample.run({"m::new": F})
    assert runs_of(store, "m::old") == [3, 2, 1]
    (broken,) = unhealthy(store).tests
    assert (broken["identity"], broken["fails"]) == ("m::new", 3)
    assert history_of(store, "m::new").test["first_run_id"] == 1
    with store.reading() as connection:
        outputs = select(farm_run_test_output.c.test_id).where(farm_run_test_output.c.tenant_id == store.tenant)
        assert connection.execute(outputs).scalars().all() == [identity_id("m::new")]


def test_it_may_be_done_after_the_new_name_ran(store, sample):
    for outcome in (F, F):
        sample.run({"m::old": outcome})
    sample.run({"m::new": F})
    assert unhealthy(store).tests == []
    assert alias(store, "m::old", "m::new") == [("m::old", "m::new", 2)]
    with store.reading() as connection:
        one = farm_test_stats.c
        mine = one.tenant_id == store.tenant
        found = connection.execute(select(one.test_id, one.health, one.fails).where(mine)).all()
    assert [tuple(row) for row in found] == [(identity_id("m::new"), "broken", 3)]
    assert history_of(store, "m::new").test["first_run_id"] == 1


def test_what_is_recorded_under_the_old_name_later_follows(store, sample):
    sample.run({"m::old": P})
    alias(store, "m::old", "m::new")
    # By somebody who began before: whoever begins now knows the alias.
    sample.run({"m::old": P})
    assert alias(store, "m::old", "m::new") == [("m::old", "m::new", 1)]
    assert alias(store, "m::old", "m::new") == [("m::old", "m::new", 0)]
    assert runs_of(store, "m::new") == [2, 1]


def test_whoever_reads_puts_late_results_in_their_place(store, sample):
    sample.run({"m::old": F})
    alias(store, "m::old", "m::new")
    sample.run({"m::old": F})
    sample.run({"m::old": F})
    assert [(one["identity"], one["fails"]) for one in unhealthy(store).tests] == [("m::new", 3)]
    assert runs_of(store, "m::old") == [3, 2, 1]
    assert settle(store) == []
    # Unless a run has both: then somebody has given the former name to another test.
    sample.run({"m::old": P, "m::new": F})
    assert settle(store) == []
    assert runs_of(store, "m::new") == [4, 3, 2, 1]
    assert runs_of(store, "m::old") == [4]


def test_names_chain_and_come_back(store, sample):
    sample.run({"m::a": P})
    alias(store, "m::a", "m::b")
    sample.run({"m::b": P})
    alias(store, "m::b", "m::c")
    sample.run({"m::c": P})
    assert runs_of(store, "m::a") == runs_of(store, "m::b") == runs_of(store, "m::c") == [3, 2, 1]
    assert identities(store) == {"m::c"}
    # Another test takes a name that is a former one: its history joins the present name's.
    sample.run({"m::x": P})
    assert alias(store, "m::x", "m::a") == [("m::x", "m::c", 1)]
    assert runs_of(store, "m::c") == [4, 3, 2, 1]
    assert alias(store, "m::c", "m::a") == [("m::c", "m::a", 4)]
    assert identities(store) == {"m::a"}
    assert runs_of(store, "m::b") == runs_of(store, "m::c") == runs_of(store, "m::a") == [4, 3, 2, 1]


def test_parameters_come_along(store, sample):
    sample.run({"m::old[1]": P, "m::old[a-b]": F, "m::older": P})
    assert alias(store, "m::old", "n::new") == [("m::old[1]", "n::new[1]", 1), ("m::old[a-b]", "n::new[a-b]", 1)]
    assert identities(store) == {"n::new[1]", "n::new[a-b]", "m::older"}


def test_two_tests_stay_two_and_nothing_has_changed(store, sample):
    sample.run({"m::old": P})
    sample.run({"m::old": P, "m::new": P})
    with pytest.raises(ConfigurationError, match="run 2 holds both 'm::old' and 'm::new'"):
        alias(store, "m::old", "m::new")
    assert runs_of(store, "m::old") == [2, 1]
    assert runs_of(store, "m::new") == [2]


def test_an_unknown_name_and_a_name_of_another_are_refused(store, sample):
    sample.run({"m::a": P, "m::z": P})
    with pytest.raises(NotFoundError, match="no test 'm::nothing'"):
        alias(store, "m::nothing", "m::new")
    with pytest.raises(ConfigurationError, match="its own name"):
        alias(store, "m::a", "m::a")
    alias(store, "m::a", "m::b")
    with pytest.raises(ConfigurationError, match=r"'m::a' is a former name of 'm::b'.*aosfarm alias m::b m::c"):
        alias(store, "m::a", "m::c")
    assert identities(store) == {"m::b", "m::z"}


def test_another_tenants_test_of_the_same_name_keeps_its_own(store, sample):
    sample.run({"m::a": P})
    with RunStore(store.where, "you") as other:
        Sampler(other).run({"m::a": F})
        alias(store, "m::a", "m::b")
        assert runs_of(other, "m::a") == [1]
        with pytest.raises(NotFoundError):
            alias(other, "m::b", "m::c")
