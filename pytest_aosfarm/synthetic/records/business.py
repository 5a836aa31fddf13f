"""Records of what a tenant sells: customers, subscriptions, invoices, transactions."""

from __future__ import annotations

from typing import Literal

from pytest_aosfarm.synthetic.records.base import (
    Currency,
    CustomerId,
    Email,
    InvoiceId,
    Moment,
    OrganizationId,
    Record,
    SubscriptionId,
    TransactionId,
)  # fmt: skip

__all__ = ("Customer", "CustomerFamily", "Invoice", "Subscription", "Transaction")


class Customer(Record):
    """A customer as it is, whatever CRM, billing and ERP hold of it."""

    id: CustomerId
    source_system: Literal["master"]
    name: str
    email: Email
    phone: str
    organization_id: OrganizationId
    organization_name: str
    industry: Literal[
        "software", "finance", "healthcare", "retail", "manufacturing", "logistics", "education", "energy", "media",
        "public sector",
    ]  # fmt: skip
    size: Literal["small", "medium", "large", "enterprise"]
    country: Literal[
        "US", "CA", "MX", "BR", "GB", "DE", "FR", "ES", "IT", "NL", "IE", "SE", "PL", "AT", "CH", "AU", "JP", "IN", "SG",
        "ZA",
    ]  # fmt: skip
    region: Literal["Americas", "EMEA", "APAC"]
    city: str
    currency: Currency
    tier: Literal["free", "basic", "premium", "enterprise"]
    status: Literal["active", "inactive", "churned"]
    created_at: Moment


class Subscription(Record):
    """What a customer pays for.

    `mrr` is what a month costs now or did at the end, `initial_mrr` what it cost until `changed_at`, both in minor units
    of `currency`. It is billed in advance for `billing_months`: 1, 3 or 12.
    """

    id: SubscriptionId
    customer_id: CustomerId
    source_system: Literal["billing"]
    plan: Literal["starter", "team", "business", "scale"]
    status: Literal["active", "paused", "cancelled"]
    billing_months: int
    seats: int
    currency: Currency
    mrr: int
    initial_mrr: int
    changed_at: Moment | None
    start_date: Moment
    end_date: Moment | None
    paused_at: Moment | None


class Invoice(Record):
    """An invoice for one period of a subscription; `amount`, `tax`, `total`, `balance` in minor units of `currency`.

    `total` is `amount` and `tax`. `balance` is what is still owed, 0 unless the invoice is sent or overdue.
    """

    id: InvoiceId
    customer_id: CustomerId
    subscription_id: SubscriptionId
    source_system: Literal["billing"]
    number: str
    status: Literal["draft", "sent", "paid", "overdue", "void"]
    currency: Currency
    amount: int
    tax: int
    total: int
    balance: int
    issued_at: Moment
    due_at: Moment
    paid_at: Moment | None
    period_start: Moment
    period_end: Moment


class Transaction(Record):
    """Money that moved, or failed to, about an invoice; `amount` is positive, in minor units of `currency`."""

    id: TransactionId
    customer_id: CustomerId
    invoice_id: InvoiceId
    source_system: Literal["payments"]
    type: Literal["payment", "refund", "credit", "debit"]
    status: Literal["pending", "completed", "failed"]
    amount: int
    currency: Currency
    method: Literal["card", "bank transfer", "direct debit", "wallet"]
    attempt: int
    failure_reason: Literal[
        "insufficient funds", "card expired", "card declined", "bank unavailable", "limit exceeded",
    ] | None  # fmt: skip
    timestamp: Moment


class CustomerFamily(Record):
    """A customer with all that belongs to it; balances are what the transactions leave.

    Subscriptions stand in the order they were taken out, invoices by subscription and period, transactions by invoice.
    """

    customer: Customer
    subscriptions: list[Subscription]
    invoices: list[Invoice]
    transactions: list[Transaction]

    def __repr__(self) -> str:
        # In full it is up to 60 kB, of which Hypothesis warns in the place of the failure that it should report.
        counts = {name: len(getattr(self, name)) for name in ("subscriptions", "invoices", "transactions")}
        return f"<family of {self.customer!r}: {', '.join(f'{count} {name}' for name, count in counts.items())}>"
