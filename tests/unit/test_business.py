"""The business tables hang together: checked with SQL over the rows, which knows nothing of how they are made."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_examples import examples
from table_forms import by_block, one_by_one, without_zones

from pytest_aosfarm.synthetic.business import Business
from pytest_aosfarm.synthetic.scale import SCALES

ANCHOR = datetime(2026, 1, 15, 12, tzinfo=UTC)
TABLES = ("customers", "subscriptions", "invoices", "transactions")
ANCHORS = [ANCHOR, datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)]


@cache
def business(scale: str = "medium", seed: int = 1, anchor: datetime = ANCHOR, tenant: str = "acme") -> Business:
    return Business(SCALES[scale], seed, tenant, anchor)


@cache
def database(seed: int, anchor: datetime) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name in TABLES:
        connection.register("arrow_rows", without_zones(getattr(business(seed=seed, anchor=anchor), name)))
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM arrow_rows")
    connection.execute("CREATE TABLE clock AS SELECT CAST(? AS TIMESTAMP) AS anchor", [anchor.replace(tzinfo=None)])
    return connection


NEVER = {
    "a subscription of nobody": "SELECT 1 FROM subscriptions s ANTI JOIN customers c ON s.customer_id = c.id",
    "an invoice of no subscription": "SELECT 1 FROM invoices i ANTI JOIN subscriptions s ON i.subscription_id = s.id",
    "an invoice to somebody else": """
        SELECT 1 FROM invoices i JOIN subscriptions s ON i.subscription_id = s.id WHERE i.customer_id <> s.customer_id""",
    "a transaction about no invoice": "SELECT 1 FROM transactions t ANTI JOIN invoices i ON t.invoice_id = i.id",
    "a transaction of somebody else": """
        SELECT 1 FROM transactions t JOIN invoices i ON t.invoice_id = i.id
        WHERE (t.customer_id, t.currency) <> (i.customer_id, i.currency)""",
    "a subscription before its customer": """
        SELECT 1 FROM subscriptions s JOIN customers c ON s.customer_id = c.id WHERE s.start_date <= c.created_at""",
    "an invoice before its subscription": """
        SELECT 1 FROM invoices i JOIN subscriptions s ON i.subscription_id = s.id WHERE i.issued_at < s.start_date""",
    "a transaction before its invoice": """
        SELECT 1 FROM transactions t JOIN invoices i ON t.invoice_id = i.id WHERE t.timestamp < i.issued_at""",
    "something after the anchor": """
        SELECT 1 FROM transactions, clock WHERE timestamp > anchor UNION ALL
        SELECT 1 FROM invoices, clock WHERE greatest(issued_at, coalesce(paid_at, issued_at)) > anchor UNION ALL
        SELECT 1 FROM subscriptions, clock WHERE greatest(start_date, end_date, paused_at, changed_at) > anchor UNION ALL
        SELECT 1 FROM customers, clock WHERE created_at > anchor""",
    "a customer without a subscription": "SELECT 1 FROM customers c ANTI JOIN subscriptions s ON s.customer_id = c.id",
    "a subscription without an invoice": "SELECT 1 FROM subscriptions s ANTI JOIN invoices i ON i.subscription_id = s.id",
    "a balance that does not add up": """
        SELECT 1 FROM (
            SELECT i.id, any_value(i.status) AS status, any_value(i.balance) AS balance, any_value(i.total)
              - coalesce(sum(t.amount) FILTER (t.status = 'completed' AND t.type IN ('payment', 'credit')), 0)
              + coalesce(sum(t.amount) FILTER (t.status = 'completed' AND t.type IN ('refund', 'debit')), 0) AS owed
            FROM invoices i LEFT JOIN transactions t ON t.invoice_id = i.id GROUP BY i.id)
        WHERE balance <> CASE WHEN status IN ('draft', 'void') THEN 0 ELSE owed END""",
    "money moved for a draft or a void invoice": """
        SELECT 1 FROM invoices i JOIN transactions t ON t.invoice_id = i.id WHERE i.status IN ('draft', 'void')""",
    "a paid invoice with a balance, or an unpaid one without": """
        SELECT 1 FROM invoices WHERE (status = 'paid') <> (paid_at IS NOT NULL)
          OR (status IN ('sent', 'overdue')) <> (balance > 0)""",
    "an overdue invoice that is not due, or a sent one that was": """
        SELECT 1 FROM invoices, clock WHERE status IN ('sent', 'overdue') AND (status = 'overdue') <> (due_at < anchor)""",
    "a payment date that is no payment's": """
        SELECT 1 FROM invoices i ANTI JOIN transactions t
        ON t.invoice_id = i.id AND t.timestamp = i.paid_at AND t.type = 'payment' AND t.status = 'completed'
        WHERE i.paid_at IS NOT NULL""",
    "a total that is not amount and tax": "SELECT 1 FROM invoices WHERE total <> amount + tax OR amount <= 0 OR tax < 0",
    "a transaction of nothing": "SELECT 1 FROM transactions WHERE amount <= 0",
    "an amount other than the month's price": """
        SELECT 1 FROM invoices i JOIN subscriptions s ON i.subscription_id = s.id
        WHERE i.amount <> s.billing_months * CASE WHEN i.issued_at < s.changed_at THEN s.initial_mrr ELSE s.mrr END""",
    "a change of price that changes nothing": """
        SELECT 1 FROM subscriptions WHERE (changed_at IS NOT NULL) <> (mrr <> initial_mrr)""",
    "periods that do not follow each other": """
        SELECT 1 FROM (SELECT period_end, lead(period_start) OVER (PARTITION BY subscription_id ORDER BY period_start)
                       AS next FROM invoices) WHERE period_end <> next""",
    "a subscription that is not billed to its end": """
        SELECT 1 FROM (SELECT s.status, s.start_date, s.end_date, s.paused_at, min(i.period_start) AS first,
                              max(i.period_end) AS last
                       FROM subscriptions s JOIN invoices i ON i.subscription_id = s.id GROUP BY ALL), clock
        WHERE first <> start_date OR last <> coalesce(end_date, paused_at, last)
          OR (status = 'active') <> (last > anchor) OR (status = 'cancelled') <> (end_date IS NOT NULL)
          OR (status = 'paused') <> (paused_at IS NOT NULL)""",
    "a failure without a reason, or a reason without a failure": """
        SELECT 1 FROM transactions WHERE (status = 'failed') <> (failure_reason IS NOT NULL)""",
    "an active subscription of a churned customer": """
        SELECT 1 FROM subscriptions s JOIN customers c ON s.customer_id = c.id
        WHERE (c.status = 'churned' AND s.status <> 'cancelled') OR (c.status = 'inactive' AND s.status <> 'paused')""",
    "one organization in two places": """
        SELECT 1 FROM customers GROUP BY organization_id
        HAVING count(DISTINCT (organization_name, country, industry)) > 1""",
    "an id twice": " UNION ALL ".join(f"SELECT 1 FROM {name} GROUP BY id HAVING count(*) > 1" for name in TABLES),
    "an e-mail address or an invoice number twice": """
        SELECT 1 FROM customers GROUP BY email HAVING count(*) > 1 UNION ALL
        SELECT 1 FROM invoices GROUP BY number HAVING count(*) > 1""",
}
BROKEN = {
    "a subscription of nobody": "UPDATE subscriptions SET customer_id = 'x' WHERE rowid = 5",
    "a balance that does not add up": "UPDATE transactions SET amount = amount + 1 WHERE rowid BETWEEN 7 AND 9",
    "a transaction before its invoice": "UPDATE transactions SET timestamp = '2001-01-01' WHERE rowid = 3",
    "periods that do not follow each other": "DELETE FROM invoices WHERE rowid BETWEEN 10 AND 14",
    "an id twice": "INSERT INTO customers SELECT * FROM customers LIMIT 1",
}


@pytest.mark.parametrize("anchor", ANCHORS, ids=str)
@pytest.mark.parametrize("wrong", NEVER)
def test_there_is_never(wrong, anchor):
    assert database(1 + ANCHORS.index(anchor), anchor).execute(NEVER[wrong]).fetchall() == []


@pytest.mark.parametrize("wrong", BROKEN)
def test_the_check_can_fail(wrong):
    connection = database(1, ANCHOR)
    connection.execute("BEGIN")
    try:
        connection.execute(BROKEN[wrong])
        assert connection.execute(NEVER[wrong]).fetchall() != []
    finally:
        connection.execute("ROLLBACK")


def test_what_goes_together_goes_together():
    share = database(1, ANCHOR).execute("""
        SELECT size, avg(CASE WHEN tier = 'enterprise' THEN 1 ELSE 0 END) AS share FROM customers
        WHERE status <> 'churned' GROUP BY size""").fetchall()
    by_size = dict(share)
    assert by_size["small"] < 0.05 < by_size["medium"] + 0.05 < by_size["large"] < by_size["enterprise"]
    seat = "SELECT plan, median(mrr / seats) FROM subscriptions GROUP BY plan"
    prices = dict(database(1, ANCHOR).execute(seat).fetchall())
    assert prices["starter"] < prices["team"] < prices["business"] < prices["scale"]
    counts = "SELECT country, count(DISTINCT currency) FROM customers GROUP BY country"
    currencies = database(1, ANCHOR).execute(counts).fetchall()
    assert {count for _, count in currencies} == {1}
    assert len(currencies) == 20


def test_every_kind_of_transaction_and_status_occurs():
    kinds = database(1, ANCHOR).execute("SELECT DISTINCT type, status FROM transactions").fetchall()
    assert set(kinds) == {
        ("payment", "completed"), ("payment", "failed"), ("payment", "pending"),
        ("refund", "completed"), ("credit", "completed"), ("debit", "completed"),
    }  # fmt: skip
    statuses = database(1, ANCHOR).execute("SELECT DISTINCT status FROM invoices").fetchall()
    assert {status for (status,) in statuses} == {"draft", "sent", "paid", "overdue", "void"}


@pytest.mark.parametrize("name", TABLES[:-1])
def test_children_are_those_that_name_the_parent(name):
    table = getattr(business("small"), name)
    child = table.child_rows(0)[0]
    field = {"customers": "customer_id", "subscriptions": "subscription_id", "invoices": "invoice_id"}[name]
    by_parent: dict[str, list[dict]] = {}
    for row in child:
        by_parent.setdefault(row[field], []).append(row)
    for i, parent in enumerate(table):
        mine = table.children(i)
        assert sorted(row["id"] for row in mine) == sorted(row["id"] for row in by_parent.get(parent["id"], []))
    moments = {"subscriptions": "issued_at", "invoices": "timestamp"}.get(name)
    if moments:
        some = table.children(3)
        assert some == sorted(some, key=lambda row: row[moments])


def test_nothing_belongs_to_a_transaction():
    with pytest.raises(LookupError, match="nothing belongs to a row of transactions"):
        business("small").transactions.children(0)


@settings(max_examples=examples(20), deadline=None)
@given(st.sampled_from(TABLES), st.sampled_from(["small", "planet"]), st.integers(0), st.integers(1, 80), st.integers(0, 9))
def test_a_row_and_a_block_are_equal(name, scale, start, count, seed):
    table = getattr(business(scale, seed), name)
    start %= len(table) - count
    rows = range(start, start + count)
    assert by_block(table, rows) == one_by_one(table, rows)


def test_the_last_row_of_a_planet():
    for name in TABLES:
        table = getattr(business("planet"), name)
        assert table[-1] == table.row(len(table) - 1)
    transactions = business("planet").transactions
    assert len(transactions) == 150_000_000
    with pytest.raises(IndexError, match="rows 0 to 149999999, not 150000000"):
        transactions[150_000_000]


def test_tenants_and_seeds_share_nothing():
    tables = [business("small", seed, tenant=tenant) for tenant, seed in (("acme", 1), ("zeta", 1), ("acme", 2))]
    for name in TABLES:
        ids = [{row["id"] for row in getattr(one, name)} for one in tables]
        assert len(ids[0] | ids[1] | ids[2]) == sum(map(len, ids))
