"""What logs speak of: outcomes by role of the service, paths by type of service, levels, latencies, sentences."""

from __future__ import annotations

from pytest_aosfarm.synthetic.lookups import Lookup, conditional
from pytest_aosfarm.synthetic.rows import NULL

__all__ = (
    "ERRORS",
    "EVENTS",
    "EVENT_OF",
    "LATENCY",
    "LEVELS",
    "LEVEL_OF",
    "METHODS",
    "METHOD_OF",
    "OPENINGS",
    "OPENING_OF",
    "OUTCOME_BY_ROLE",
    "OUTCOME_BY_TYPE",
    "PATHS",
    "PATH_OF",
    "RAISED",
    "ROUTE_BY_TYPE",
    "SERVER_ERROR",
    "STATUS_OF",
)

LEVELS = ("debug", "info", "warning", "error", "critical")
ERRORS = (
    "TimeoutError", "ConnectionResetError", "NullReferenceError", "DeadlockDetected",
    "OutOfMemoryError", "SerializationError", "CertificateExpired", "QuotaExceeded",
)  # fmt: skip
_TROUBLE = "EEEEEEEC"
_OUTCOMES = (
    # event type, status code, levels (initials, equally likely), how the sentence begins
    ("api.request", 200, "DDIIIIII", "Answer sent by "),
    ("api.request", 201, "IIIIIIII", "Record created by "),
    ("api.request", 304, "DDDDDDII", "Cached answer sent by "),
    ("api.request", 400, "IIIIWWWW", "Malformed call refused by "),
    ("api.request", 403, "WWWWWWWW", "Access refused by "),
    ("api.request", 404, "IIIIIIWW", "Missing resource reported by "),
    ("api.request", 429, "WWWWWWWW", "Call throttled by "),
    ("api.request", 503, "EEEEEEWW", "Call shed under load by "),
    ("auth.login", 200, "IIIIIIII", "Login accepted by "),
    ("auth.login", 401, "WWWWWWIE", "Login refused by "),
    ("auth.logout", 204, "IIIIIIDD", "Session closed by "),
    ("error.exception", 500, _TROUBLE, ""),
    ("error.exception", 502, _TROUBLE, ""),
    ("error.exception", 504, "EEEEEECC", ""),
    ("job.run", NULL, "IIIIIIID", "Job finished by "),
    ("job.failed", NULL, "EEEEEWWC", "Job given up by "),
    ("db.query", NULL, "DDDDDDDW", "Query timed by "),
)
SERVER_ERROR = [row[:2] for row in _OUTCOMES].index(("error.exception", 500))
OUTCOME_BY_ROLE = conditional(
    # 200 201 304 400 403 404 429 503 | login refused logout | 500 502 504 | job failed query
    (600, 90, 70, 25, 12, 40, 10, 5, 4, 1, 2, 8, 3, 3, 20, 1, 106),  # api
    (180, 10, 5, 10, 25, 5, 15, 2, 380, 90, 210, 6, 2, 2, 10, 1, 47),  # auth
    (420, 190, 20, 30, 10, 15, 5, 4, 2, 1, 1, 10, 4, 6, 80, 4, 198),  # billing
    (680, 5, 150, 20, 4, 50, 15, 8, 1, 1, 1, 7, 2, 6, 10, 1, 39),  # search
    (60, 20, 2, 5, 2, 3, 2, 2, 1, 1, 1, 12, 3, 8, 610, 28, 240),  # worker
    (720, 60, 60, 30, 20, 40, 25, 12, 6, 2, 3, 4, 9, 6, 1, 1, 1),  # gateway
)
"""One of 4096 for each of the roles of services."""

_INITIALS = [level[0].upper() for level in LEVELS]
EVENTS = tuple(dict.fromkeys(row[0] for row in _OUTCOMES))
EVENT_OF = Lookup([EVENTS.index(row[0]) for row in _OUTCOMES])
STATUS_OF = Lookup([row[1] for row in _OUTCOMES])
LEVEL_OF = Lookup([_INITIALS.index(initial) for row in _OUTCOMES for initial in row[2]])
"""By outcome and 3 random bits."""
_BEGINNINGS = tuple(row[3] for row in _OUTCOMES if row[3])
OPENINGS = (*_BEGINNINGS, *(f"{error} raised by " for error in ERRORS))
RAISED = len(_BEGINNINGS)
"""Where the openings that name an error begin."""
OPENING_OF = Lookup([_BEGINNINGS.index(row[3]) if row[3] else NULL for row in _OUTCOMES])

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_RESOURCES = (
    "accounts", "carts", "contacts", "contracts", "devices", "exports", "invoices", "ledgers",
    "orders", "payments", "prices", "products", "projects", "reports", "shipments", "tickets",
)  # fmt: skip
_COLLECTIONS = [f"/api/v1/{resource}" for resource in _RESOURCES]
_ITEMS = [f"{collection}/{1009 * k + 37 * n}" for n, collection in enumerate(_COLLECTIONS) for k in range(1, 49)]
_READS = [(path, "GET") for path in (*_COLLECTIONS * 16, *_ITEMS)]
_CHANGES = [(path, METHODS[2 + k % 3]) for k, path in enumerate(_ITEMS)]
_ROUTES: tuple[tuple[int, list[tuple[str, str]]], ...] = (
    # typical milliseconds, and what is called; the types of services in their order, then what the outcome decides
    (18, _READS + _CHANGES[::4]),
    (40, [("/graphql", "POST")]),
    (5, [(f"/{name.capitalize()}Service/{verb}", "POST") for name in _RESOURCES for verb in ("Get", "List", "Put")]),
    (2, [(f"/ws/{channel}", "GET") for channel in ("updates", "presence", "orders", "alerts")]),
    (95, [("/auth/login", "POST"), ("/auth/token", "POST")]),
    (12, [("/auth/logout", "POST")]),
    (300, []),
    (30, [(path, "POST") for path in _COLLECTIONS]),
    (8, _READS),
)
_LOGIN, _LOGOUT, _NOWHERE, _CREATED, _UNCHANGED = range(4, 9)
_BY_OUTCOME = {
    **dict.fromkeys((row[:2] for row in _OUTCOMES if row[1] == NULL), _NOWHERE),
    ("auth.login", 200): _LOGIN,
    ("auth.login", 401): _LOGIN,
    ("auth.logout", 204): _LOGOUT,
    ("api.request", 201): _CREATED,
    ("api.request", 304): _UNCHANGED,
}
ROUTE_BY_TYPE = Lookup([_BY_OUTCOME.get(row[:2], service_type) for row in _OUTCOMES for service_type in range(4)])
"""By outcome and type of service; then look up `1024 * route + 10 random bits` in the lists below."""
_ONLY_REST = {201: 200, 304: 200, 404: 400}
"""Other services answer otherwise."""
_ALL = [row[:2] for row in _OUTCOMES]
OUTCOME_BY_TYPE = Lookup(
    [
        _ALL.index((event, status if service_type == 0 else _ONLY_REST.get(status, status)))
        for event, status in _ALL
        for service_type in range(4)
    ]
)
"""What becomes of an outcome, by outcome and type of service."""
PATHS = tuple(dict.fromkeys(path for _, calls in _ROUTES for path, _ in calls))
_NUMBER = {path: n for n, path in enumerate(PATHS)}
PATH_OF = Lookup(lambda: [_NUMBER[call[0]] if call else NULL for call in _calls()])
METHOD_OF = Lookup(lambda: [METHODS.index(call[1]) if call else NULL for call in _calls()])
LATENCY = Lookup(lambda: [1 + typical * 1024 // (1040 - k) for typical, _ in _ROUTES for k in range(1024)])
"""Quantiles with a long tail: the median is twice the least, one in a thousand takes 60 times as long."""


def _calls() -> list[tuple[str, str] | None]:
    return [calls[k * len(calls) >> 10] if calls else None for _, calls in _ROUTES for k in range(1024)]
