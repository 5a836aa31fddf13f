"""docs/tables.md is what `python -m tools.table_reference` writes."""

from __future__ import annotations

from tools.table_reference import PATH, page


def test_the_page_is_the_generated_one() -> None:
    assert PATH.read_text(encoding="utf-8") == page(), "renew it: python -m tools.table_reference"


def test_it_has_every_table_and_column() -> None:
    text = page()
    for section in ("## invoices\n", "## auth_events\n", "## source_conflicts\n", "| `balance` | whole number |"):
        assert section in text
