"""Records: a model for each table whose fields say what its columns hold, and which give the row back."""

from __future__ import annotations

import subprocess
import sys
import types
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import AwareDatetime, ValidationError

from pytest_aosfarm import Dataset, records
from pytest_aosfarm.synthetic.columns import Boolean, Constant, Id, IPv4, Kind, Number, Of, Timestamp, WordLists, Words
from pytest_aosfarm.synthetic.dataset import ANCHOR
from pytest_aosfarm.synthetic.kin import customer_family

DATA = Dataset("acme", seed=1, scale="small", anchor=ANCHOR)
TABLES = list(DATA.tables)
FEW = 20
"""So many words at most make an enumeration, unless they are texts of software."""
PLAIN = {Number: int, Boolean: bool, Timestamp: AwareDatetime, IPv4: IPv4Address, WordLists: list[str]}


def own(kind: Kind) -> Kind:
    return own(kind.source.kinds[kind.column]) if isinstance(kind, Of) else kind


def without_null(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) in {Union, types.UnionType}:
        (inner,) = (part for part in get_args(hint) if part is not type(None))
        return inner, True
    return hint, False


def taken_apart(hint: Any) -> tuple[Any, list[str]]:
    """The type behind the annotations, and the patterns it must match."""
    if hint == AwareDatetime:
        return hint, []
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        rules = [rule for note in notes for rule in getattr(note, "metadata", [])]
        return inner, [rule.pattern for rule in rules if getattr(rule, "pattern", None)]
    return hint, []


@pytest.mark.parametrize("name", TABLES)
def test_the_fields_are_the_columns(name):
    table, model = DATA.table(name), records.RECORDS[name]
    assert tuple(model.model_fields) == table.columns
    hints = get_type_hints(model, include_extras=True)
    for column, kind in table.kinds.items():
        hint, null = without_null(hints[column])
        assert null == kind.null, column
        plain, patterns = taken_apart(hint)
        match own(kind):
            case Words(words=words) if len(set(words)) <= FEW and column != "user_agent":
                assert (get_origin(plain), list(get_args(plain))) == (Literal, list(dict.fromkeys(words))), column
            case Constant():
                assert get_args(plain) == (table[0][column],), column
            case Id(prefix=prefix):
                assert (plain, patterns) == (str, [f"^{prefix}[0-9a-f]{{16}}$"]), column
            case one:
                assert plain == PLAIN.get(type(one), str), column
                assert bool(patterns) == all("@" in str(row[column]) for row in table[:5]), column


@pytest.mark.parametrize("name", TABLES)
def test_a_record_gives_its_row_back(name):
    table = DATA.table(name)
    some = range(min(len(table), 300))
    assert [one.model_dump(mode="json") for one in table.records(some)] == table[: len(some)]
    assert list(table.record(0).model_dump(mode="json")) == list(table.columns)
    assert table.record(-1) == records.RECORDS[name].model_validate(table[len(table) - 1])


def test_values_are_typed():
    host, invoice = DATA.assets.hosts.record(0), DATA.business.invoices.record(0)
    assert isinstance(host.ip_address, IPv4Address)
    assert host.ip_address.is_private
    assert isinstance(invoice.issued_at, datetime)
    assert invoice.issued_at.tzinfo is UTC
    assert invoice.due_at - invoice.issued_at in {timedelta(days=days) for days in (14, 30, 45, 60)}
    assert isinstance(DATA.assets.applications.record(0).tech_stack, list)


def test_records_do_not_change():
    customer = DATA.business.customers.record(0)
    with pytest.raises(ValidationError, match="frozen"):
        customer.name = "Somebody Else"
    assert hash(customer) == hash(DATA.business.customers.record(0))
    assert customer.model_copy(update={"tier": "free"}) != customer.model_copy(update={"tier": "basic"})


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("amount", "350400"), ("amount", 3504.5), ("status", "Paid"), ("issued_at", "2026-13-45T00:00:00Z"),
        ("issued_at", "2026-01-15T12:00:00"), ("paid_at", 5), ("customer_id", "subscription-9fb875d0d45d851c"), ("id", None),
        ("more", 1),
    ],
)  # fmt: skip
def test_a_wrong_row_is_refused(field, wrong):
    with pytest.raises(ValidationError, match=field):
        records.Invoice.model_validate({**DATA.business.invoices[0], field: wrong})


def test_an_address_is_no_number():
    with pytest.raises(ValidationError, match="ip_address"):
        records.Host.model_validate({**DATA.assets.hosts[0], "ip_address": 5})


def test_a_moment_may_be_written_with_any_offset():
    row = DATA.business.invoices[0]
    paris = datetime.fromisoformat(row["issued_at"]).astimezone(timezone(timedelta(hours=1))).isoformat()
    assert records.Invoice.model_validate({**row, "issued_at": paris}).model_dump(mode="json") == row


def test_a_family_is_a_customer_and_all_its_rows():
    customers = DATA.business.customers
    for i in (0, -1):
        found = customer_family(customers, i)
        family = records.CustomerFamily.model_validate(found)
        assert family.model_dump(mode="json") == found
        assert found["customer"] == customers[i]
        assert found["subscriptions"] == customers.children(i % len(customers))
        mine = [row for row in DATA.business.invoices if row["customer_id"] == family.customer.id]
        assert sorted(row["id"] for row in mine) == sorted(invoice.id for invoice in family.invoices)
        moved = [row for row in DATA.business.transactions if row["customer_id"] == family.customer.id]
        assert sorted(row["id"] for row in moved) == sorted(one.id for one in family.transactions)


def test_a_table_without_a_model_says_so():
    with pytest.raises(LookupError, match="the rows of organizations have no model; those of applications, "):
        DATA.business.organizations.record(0)
    with pytest.raises(IndexError, match="rows 0 to 199, not 200"):
        DATA.business.customers.record(200)


def test_pydantic_is_loaded_by_the_first_record():
    code = (
        "import sys; from datetime import datetime, UTC; from pytest_aosfarm import Dataset, Messy, Table;"
        "data = Dataset('a', seed=0, scale='small', anchor=datetime(2026, 1, 15, tzinfo=UTC)); data.business.customers[0];"
        "late = {'pydantic', 'hypothesis', 'faker', 'numpy'}; print(late & set(sys.modules));"
        "data.business.customers.record(0); print(late & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["set()", "{'pydantic'}"]
