"""Three things that a shop's back office does with its data."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def owed(invoices: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """What customers owe, in minor units by currency."""
    total: Counter[str] = Counter()
    for invoice in invoices:
        if invoice["status"] in {"sent", "overdue"}:
            total[invoice["currency"]] += invoice["balance"]
    return total


def attacked(events: Iterable[Mapping[str, Any]], failures: int) -> set[str]:
    """The users whose log-in failed more than so many times in a row, from one address."""
    streaks: Counter[tuple[str, str]] = Counter()
    found = set()
    for event in events:
        who = event["username"], event["ip_address"]
        streaks[who] = streaks[who] + 1 if event["event_type"] == "failed_login" else 0
        if streaks[who] > failures:
            found.add(event["username"])
    return found


def readable(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The invoices that can be booked: each once, with an amount and a customer."""
    seen: set[str] = set()
    kept = []
    for row in rows:
        if row["id"] not in seen and isinstance(row.get("amount"), int) and row.get("customer_id"):
            kept.append(row)
        seen.add(row["id"])
    return kept
