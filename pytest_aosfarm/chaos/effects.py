"""Whether something that may happen once happened twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aosfarm.errors import ChaosError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("DoubleEffectError", "assert_at_most_once")


class DoubleEffectError(ChaosError, AssertionError):
    """One logical call had its effect more than once; a test that sees this has failed."""


def assert_at_most_once(count_before: int, count_after: int, *, what: str = "effect", calls: Sequence[int] = ()) -> None:
    """DoubleEffectError if a count of effects grew by more than one; ChaosError if it shrank, for then it counts none.

    `what` names the effect; `calls` are the numbers of the calls that may have had it.
    """
    __tracebackhide__ = True
    more = count_after - count_before
    if more < 0:
        raise ChaosError(
            f"{what}: the count went from {count_before} down to {count_after}, so it tells nothing about effects;"
            " count what is only ever added"
        )
    if more > 1:
        made = f" by calls {', '.join(map(str, calls))}" if calls else ""
        raise DoubleEffectError(
            f"{what} happened {more} times where once was meant (the count went from {count_before} to {count_after}){made};"
            " retry only what was surely not delivered, or let the module tell a repeated request by its idempotency key"
        )
