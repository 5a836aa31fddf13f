"""Moments as columns hold them, in whole microseconds since 1970-01-01T00:00:00Z: units, and to and from other forms."""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from datetime import datetime

__all__ = ("DAY", "SECOND", "date_text", "microseconds")

DAY, SECOND = 86_400_000_000, 1_000_000
_DATES: dict[int, str] = {}


def microseconds(moment: datetime) -> int:
    """Microseconds from 1970-01-01T00:00:00Z to an aware datetime."""
    from datetime import UTC, datetime, timedelta

    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def date_text(day: int) -> str:
    """The date `day` days after 1970-01-01, such as "2026-01-15". Raises OverflowError outside the years 1 to 9999."""
    text = _DATES.get(day)
    if text is None:
        from datetime import date

        if len(_DATES) > 20_000:
            _DATES.clear()
        text = _DATES[day] = date.fromordinal(719_163 + day).isoformat()
    return text
