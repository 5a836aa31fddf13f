"""docs/tables.md, reference.md and the tables of chaos.md are what `python -m tools.…` writes: see each test's id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.recording.tables import metadata
from pytest_aosfarm.settings import SETTINGS
from tools import chaos_tables, reference, table_reference
from tools.column_meanings import MEANINGS

if TYPE_CHECKING:
    from types import ModuleType


@pytest.mark.parametrize("tool", [chaos_tables, reference, table_reference], ids=lambda tool: tool.__name__)
def test_the_page_is_the_generated_one(tool: ModuleType) -> None:
    assert tool.PATH.read_text(encoding="utf-8") == tool.page(), f"renew it: python -m {tool.__name__}"


def test_tables_has_every_table_and_column() -> None:
    text = table_reference.page()
    for section in ("## invoices\n", "## auth_events\n", "## source_conflicts\n", "| `balance` | whole number |"):
        assert section in text


def test_reference_has_everything_that_has_a_name() -> None:
    text = reference.page()
    names = [name for setting in SETTINGS for name in (setting.option, setting.env, setting.ini)]
    names += ["AOD_BASE_URL", "GITHUB_ACTIONS", "| `farm` | session |", "`farm_id(name)`", "`farm.identity`", "| 143 |"]
    names += ["`incomplete`", "### aosfarm data load", "`--defect NAME`", "| `attempt_finished` |", *metadata.tables]
    assert [name for name in names if name not in text] == []


def test_every_column_has_a_meaning_and_every_meaning_a_column() -> None:
    columns = {(table.name, column.name) for table in metadata.tables.values() for column in table.columns}
    assert [(table, column) for table, column in columns if not reference.meaning(table, column)] == []
    known = {f"{table}.{column}" for table, column in columns} | {column for _, column in columns}
    assert set(MEANINGS) <= known
