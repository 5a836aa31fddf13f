"""A tenant's key names its data; its ids belong to one run."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aosfarm.tenants import Tenant

visible = st.text(min_size=1).filter(lambda text: text.strip())
run_uuids = st.uuids().map(str)


@given(run_uuids, visible)
def test_the_same_run_and_key_give_the_same_tenant(run, key) -> None:
    assert Tenant.of_run(run, key) == Tenant.of_run(run, key)
    assert Tenant.of_run(run, key).id == str(uuid.uuid5(uuid.UUID(run), key))


@given(run_uuids, st.lists(visible, min_size=2, max_size=2, unique=True))
def test_two_keys_are_two_tenants(run, keys) -> None:
    first, second = (Tenant.of_run(run, key) for key in keys)
    assert first.id != second.id


@given(st.lists(st.uuids(version=4), min_size=2, max_size=2, unique=True), visible)
def test_two_runs_share_the_key_and_nothing_else(runs, key) -> None:
    first, second = (Tenant.of_run(str(run), key) for run in runs)
    assert first.key == second.key == key
    assert first.id != second.id


@given(run_uuids, visible)
def test_an_entity_id_is_a_plain_word(run, key) -> None:
    assert re.fullmatch(r"[a-z0-9-]{1,57}", Tenant.of_run(run, key).entity_id)


@pytest.mark.parametrize("key", ["", " ", "\n\t"])
def test_no_key_no_tenant(key) -> None:
    with pytest.raises(ValueError, match="needs a key"):
        Tenant.of_run(str(uuid.uuid4()), key)
