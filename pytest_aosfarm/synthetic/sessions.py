"""Which event of a login's life stands in which row: 32 slots to a block, and arithmetic from each to what it follows.

A slot that follows another one of the same user does so some blocks later, as many for all rows in that slot: so the
relation can be walked in both directions. What would lie before row 0 happened before the window.
"""

from __future__ import annotations

from pytest_aosfarm.synthetic.clock import SPAN
from pytest_aosfarm.synthetic.lookups import Lookup

__all__ = ("FAILED", "GUESS", "LOGIN", "LOGOUT", "OWN_LOGIN", "RESET", "ROLE_OF", "SLOTS", "Sessions")

LOGIN, LOGOUT, FAILED, RESET = range(4)
_SLOT_BITS = 5
SLOTS = 1 << _SLOT_BITS
OWN_LOGIN, GUESS = SLOTS, SLOTS + 1
"""Two slots outside the pattern, of rows that follow no other: a login, a failed login."""

_MINUTE, _HOUR = 60, 3_600
_FOLLOWS = {
    # slot: (what it is, the slot that it follows, how many seconds later at an even rate)
    2: (LOGIN, 0, 20), 8: (FAILED, 6, 10), 9: (RESET, 6, 90), 10: (LOGIN, 6, 150), 20: (LOGIN, 17, 12),
    12: (LOGOUT, 1, 30 * _MINUTE), 15: (LOGOUT, 3, _HOUR), 19: (LOGOUT, 2, 4 * _HOUR), 21: (LOGOUT, 10, 2 * _HOUR),
    23: (LOGOUT, 5, 8 * _HOUR), 25: (LOGOUT, 16, 5 * _MINUTE), 27: (LOGOUT, 13, 45 * _MINUTE),
    30: (LOGOUT, 24, 15 * _MINUTE), 31: (LOGOUT, 20, 6 * _HOUR),
}  # fmt: skip
"""A slot follows one above it, so that this holds even if both are in the same block."""
_FAILURES = (0, 4, 6, 14, 17, 28)
_ROLES = [_FOLLOWS[s][0] if s in _FOLLOWS else FAILED if s in _FAILURES else LOGIN for s in range(SLOTS)]
ROLE_OF = Lookup([*_ROLES, LOGIN, FAILED])
"""What happens in each slot."""


class Sessions:
    """How many rows above lies what the row in each slot follows, in a table of `rows` rows."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        blocks = rows >> _SLOT_BITS
        self._back = {
            slot: ((blocks * seconds * 1_000_000 + SPAN // 2) // SPAN << _SLOT_BITS) + slot - source
            for slot, (_, source, seconds) in _FOLLOWS.items()
        }
        self._source = {slot: source for slot, (_, source, _) in _FOLLOWS.items()}
        logins = [self._back[s] if _ROLES[s] == LOGOUT else 0 for s in range(SLOTS)]
        self.to_login = Lookup([*logins, 0, 0])
        """From a logout to its login, by slot."""
        self.to_first = Lookup([*map(self._to_first, range(SLOTS)), 0, 0])
        """To the first row that is about the same user, by slot."""
        self._logout = {self._source[s]: s for s in self._back if _ROLES[s] == LOGOUT}

    def _to_first(self, slot: int) -> int:
        return self._back[slot] + self._to_first(self._source[slot]) if slot in self._back else 0

    def login_of(self, i: int) -> int:
        """The row of the login that the logout in row `i` ends; negative before the window."""
        return i - self.to_login.items[i % SLOTS]

    def logout_of(self, i: int) -> int | None:
        """The row of the logout that ends the login in row `i`, None if there is none in the window."""
        slot = self._logout.get(i % SLOTS)
        if slot is None or i + self._back[slot] >= self.rows:
            return None
        return i + self._back[slot]

    def ending(self, logins: range) -> list[int]:
        """The rows of the logouts that end any of these logins."""
        rows = (self.logout_of(i) for i in logins)
        return [row for row in rows if row is not None]
