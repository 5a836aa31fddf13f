"""Every metric is the sum of the rows: computed a second time with SQL, from the rows alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import duckdb
import numpy as np
import pytest
from table_forms import without_zones

from pytest_aosfarm.synthetic.business import Business
from pytest_aosfarm.synthetic.quarters import QuarterlySums
from pytest_aosfarm.synthetic.rows import NULL
from pytest_aosfarm.synthetic.scale import SCALES

ANCHORS = [
    datetime(2026, 1, 15, 12, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
]
EVERY = pytest.mark.parametrize(
    ("scale", "anchor"),
    [
        *(("small", anchor) for anchor in ANCHORS),
        ("medium", ANCHORS[0]), *(pytest.param("medium", anchor, marks=pytest.mark.slow) for anchor in ANCHORS[1:]),
    ],
    ids=str,
)
TABLES = ("customers", "subscriptions", "invoices", "transactions")


@cache
def business(scale: str, anchor: datetime) -> Business:
    return Business(SCALES[scale], 5, "acme", anchor)


@cache
def database(scale: str, anchor: datetime) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name in TABLES:
        connection.register("arrow_rows", without_zones(getattr(business(scale, anchor), name)))
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM arrow_rows")
    connection.execute("CREATE TABLE clock AS SELECT CAST(? AS TIMESTAMP) AS anchor", [anchor.replace(tzinfo=None)])
    connection.execute("""
        CREATE TABLE quarters AS SELECT year(start) || '-Q' || quarter(start) AS quarter, start + INTERVAL 3 MONTH AS finish
        FROM (SELECT unnest(generate_series(date_trunc('quarter', (SELECT min(issued_at) FROM invoices)),
                                            date_trunc('quarter', anchor), INTERVAL 3 MONTH)) AS start FROM clock)""")
    return connection


def total(amount: str, moment: str, rows: str) -> str:
    return f"SELECT year({moment}) || '-Q' || quarter({moment}), currency, sum({amount}) FROM {rows} GROUP BY ALL"


ISSUED = "invoices WHERE status NOT IN ('draft', 'void')"
RUNNING = """
    SELECT quarter, currency, {times} * sum(CASE WHEN changed_at >= finish THEN initial_mrr ELSE mrr END)
    FROM quarters JOIN subscriptions ON start_date < finish AND coalesce(least(end_date, paused_at), finish) >= finish
    GROUP BY ALL"""
SUMS = {
    "revenue": total("amount", "issued_at", ISSUED),
    "billings": total("total", "issued_at", ISSUED),
    "cash": total(
        "CASE WHEN type = 'payment' THEN amount ELSE -amount END", "timestamp",
        "transactions WHERE status = 'completed' AND type IN ('payment', 'refund', 'debit')",
    ),
    "credits": total("amount", "timestamp", "transactions WHERE status = 'completed' AND type = 'credit'"),
    "mrr": RUNNING.format(times=1),
    "arr": RUNNING.format(times=12),
    "new_mrr": total("initial_mrr", "start_date", "subscriptions"),
    "expansion_mrr": total("mrr - initial_mrr", "changed_at", "subscriptions WHERE mrr > initial_mrr"),
    "contraction_mrr": total("initial_mrr - mrr", "changed_at", "subscriptions WHERE mrr < initial_mrr"),
    "churned_mrr": total("mrr", "end_date", "subscriptions WHERE end_date IS NOT NULL"),
    "paused_mrr": total("mrr", "paused_at", "subscriptions WHERE paused_at IS NOT NULL"),
    "subscriptions_churned": total("1", "end_date", "subscriptions WHERE end_date IS NOT NULL"),
    "customers_churned": total("1", "last_end", """(
        SELECT customer_id, currency, max(end_date) AS last_end FROM subscriptions
        GROUP BY ALL HAVING count(*) = count(end_date))"""),
}  # fmt: skip
RECEIVABLES = """
    SELECT currency, CASE
        WHEN due_at >= anchor THEN 'current'
        WHEN due_at >= anchor - INTERVAL 30 DAY THEN '1-30'
        WHEN due_at >= anchor - INTERVAL 60 DAY THEN '31-60'
        WHEN due_at >= anchor - INTERVAL 90 DAY THEN '61-90'
        ELSE 'over 90' END AS age, sum(balance)
    FROM invoices, clock GROUP BY ALL HAVING sum(balance) <> 0"""


def by_sql(connection: duckdb.DuckDBPyConnection, query: str) -> dict[tuple[str, str], int]:
    return {(one, other): amount for one, other, amount in connection.execute(query).fetchall() if amount}


def declared(metrics, name: str) -> dict[tuple[str, str], int]:
    if name == "receivables":
        return {(currency, age): one for currency, ages in metrics.receivables.items() for age, one in ages.items() if one}
    return {key: amount for key, amount in getattr(metrics, name).items() if amount}


@EVERY
@pytest.mark.parametrize("name", [*SUMS, "receivables"])
def test_a_metric_is_the_sum_of_the_rows(name, scale, anchor):
    found = by_sql(database(scale, anchor), SUMS.get(name, RECEIVABLES))
    assert found
    assert declared(business(scale, anchor).metrics, name) == found


@EVERY
def test_quarters_run_from_the_first_invoice_to_the_anchor(scale, anchor):
    metrics = business(scale, anchor).metrics
    quarters = database(scale, anchor).execute("SELECT quarter FROM quarters ORDER BY finish").fetchall()
    assert metrics.quarters == tuple(quarter for (quarter,) in quarters)
    assert metrics.quarters[-1] == f"{anchor.year}-Q1"
    for name in SUMS:
        sums = getattr(metrics, name)
        assert set(sums) == {(quarter, currency) for quarter in metrics.quarters for currency in metrics.currencies}
        assert {type(amount) for amount in sums.values()} == {int}


@EVERY
def test_recurring_revenue_is_what_moved(scale, anchor):
    metrics = business(scale, anchor).metrics
    for currency in metrics.currencies:
        before = 0
        for quarter in metrics.quarters:
            at = quarter, currency
            before += metrics.new_mrr[at] + metrics.expansion_mrr[at]
            before -= metrics.contraction_mrr[at] + metrics.churned_mrr[at] + metrics.paused_mrr[at]
            assert metrics.mrr[at] == before
            assert metrics.arr[at] == 12 * before


@pytest.mark.parametrize("days", [0, 30, *(pytest.param(days, marks=pytest.mark.slow) for days in (60, 90))])
def test_an_age_ends_with_its_last_day(days):
    """At an anchor that is to the microsecond so long after an open invoice was due."""
    age = timedelta(days=days)
    open_ones = "SELECT due_at FROM invoices, clock WHERE balance > 0 AND due_at + ? <= anchor ORDER BY due_at DESC LIMIT 1"
    (due,) = database("medium", ANCHORS[0]).execute(open_ones, [age]).fetchone() or ()
    anchor = (due + age).replace(tzinfo=UTC)
    connection = database("medium", anchor)
    assert connection.execute("SELECT 1 FROM invoices, clock WHERE balance > 0 AND due_at + ? = anchor", [age]).fetchall()
    assert declared(business("medium", anchor).metrics, "receivables") == by_sql(connection, RECEIVABLES)


def test_a_quarter_begins_at_its_first_instant():
    books = business("small", ANCHORS[0])
    start = books.calendar.months.items[books.calendar.now]  # the anchor's month, January
    sums = QuarterlySums(books)
    sums.begin(np.array([start - 1, start]))
    sums.add("x", np.array([start - 1, start, NULL]), np.array([1, 1, 1]), np.array([10, 7, 99]))
    assert sums.quarters == ("2025-Q4", "2026-Q1")
    assert sums.series("x")[1] == [10, 7]


FIRST_PAID = "WHERE id = (SELECT min(id) FROM invoices WHERE status = 'paid')"
BROKEN = {
    "revenue": f"UPDATE invoices SET amount = amount + 1 {FIRST_PAID}",
    "billings": f"UPDATE invoices SET issued_at = issued_at - INTERVAL 3 MONTH {FIRST_PAID}",
    "cash": "DELETE FROM transactions WHERE id = (SELECT min(id) FROM transactions WHERE type = 'refund')",
    "receivables": "UPDATE invoices SET balance = balance - 1 WHERE id = (SELECT min(id) FROM invoices WHERE balance > 0)",
    "mrr": """
        UPDATE subscriptions SET paused_at = NULL
        WHERE id = (SELECT min(id) FROM subscriptions WHERE status = 'paused')""",
    "customers_churned": """
        UPDATE subscriptions SET end_date = NULL
        WHERE customer_id = (SELECT min(id) FROM customers WHERE status = 'churned')""",
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_comparison_can_fail(name):
    connection = database("small", ANCHORS[0])
    connection.execute("BEGIN")
    try:
        connection.execute(BROKEN[name])
        assert declared(business("small", ANCHORS[0]).metrics, name) != by_sql(connection, SUMS.get(name, RECEIVABLES))
    finally:
        connection.execute("ROLLBACK")


def test_the_answer_cannot_be_changed():
    metrics = business("small", ANCHORS[0]).metrics
    with pytest.raises(TypeError):
        metrics.revenue["2025-Q4", "EUR"] = 0  # type: ignore[index]  # the error is about exactly this
    with pytest.raises(AttributeError):
        metrics.revenue = {}  # type: ignore[misc]  # as above
