"""What a discovery costs the AOD twin, in calls and not in seconds."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from twin_evidence import ci, cloud, idp, seen, snapshot, spend

from pytest_aosfarm.twins.aod.app import Anatomy, Parts

if TYPE_CHECKING:
    from types import FrameType

    from twin_evidence import Json

def bulk(keys: int) -> Json:
    def key(number: int) -> str:
        return f"k{number:06}x.com"

    numbers = range(keys)
    return snapshot(
        [item for n in numbers for item in seen(key(n), "dns", "edr", vendor_hint=f"Vendor {n // 3}")],
        objects=[idp(key(n), last_login_at="2020-05-01T00:00:00Z") for n in numbers if n % 3 == 0],
        cis=[ci(key(n)) for n in numbers if n % 3 == 1],
        resources=[cloud(f"k{n:06}x-queue") for n in numbers if n % 4 == 0],
        transactions=[spend(f"K{n:06}x Inc", memo="renewal, thanks") for n in numbers],
    )


def test_the_cost_grows_with_the_snapshot_and_not_faster() -> None:
    """Counted in calls of functions, which no other load on the machine can change."""

    def calls(keys: int) -> int:
        body = json.dumps(bulk(keys)).encode()
        twin = Parts(Anatomy())
        count = 0

        def tick(_frame: FrameType, event: str, _argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(tick)
        try:
            twin.discovery.discover(twin.read(body))
        finally:
            sys.setprofile(before)
        return count

    calls(10)  # fills the caches that are filled once
    small, large = calls(300), calls(1200)

    assert large < 4.4 * small
