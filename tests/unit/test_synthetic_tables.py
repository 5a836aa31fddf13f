"""The tables that synthetic data is loaded into are those that the engine computes."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import UniqueConstraint
from synthetic_data import dataset

from pytest_aosfarm.recording.synthetic_ddl import column_types, references
from pytest_aosfarm.recording.synthetic_tables import PREFIX, VIEWS, definition, synthetic

TABLES = dataset().tables
CATALOGUED = {"timestamptz": "timestamp with time zone"}


def test_every_table_has_a_place():
    assert {PREFIX + name for name in TABLES} == set(synthetic.tables)


@pytest.mark.parametrize("name", TABLES)
def test_columns_types_and_keys_agree(name):
    table, defined = TABLES[name], definition(name)
    types = {column: CATALOGUED.get(kind.sql, kind.sql) for column, kind in table.kinds.items()}
    assert list(column_types(defined).items()) == [("tenant_id", "text"), *types.items()]
    nullable = {column.name for column in defined.columns if column.nullable}
    assert nullable == {column for column, kind in table.kinds.items() if kind.null}
    assert defined.primary_key.columns.keys() == ["tenant_id", table.unique[0]]
    unique = [key.columns.keys() for key in defined.constraints if isinstance(key, UniqueConstraint)]
    assert sorted(unique) == sorted(["tenant_id", column] for column in table.unique[1:])
    stored = {column: PREFIX + other for column, other in table.references.items() if other in TABLES}
    assert references(defined) == stored


def test_views_hold_every_table_of_their_group():
    assert set(VIEWS["synthetic_assets"].values()) == {"applications", "services", "databases", "hosts"}
    assert set(VIEWS["synthetic_events"].values()) == {"logs", "network_flows", "auth_events"}


KEYS = """
from datetime import UTC, datetime
from pytest_aosfarm.sinks.loading import Load
from pytest_aosfarm.synthetic.dataset import Dataset
load = Load.of(Dataset("acme", seed=1, scale="small", anchor=datetime(2026, 1, 15, tzinfo=UTC)), "a")
print([load.key_of(name) for name in load.tables])
"""


def test_another_process_knows_a_load_again():
    found = {
        subprocess.run([sys.executable, "-c", KEYS], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
