"""What the first version of the Farm wrote into a spool, said in the words of today's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pytest_aosfarm.recording.location import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime

__all__ = ("attempt_finished", "environment", "run_started")

_OWN_PLACE = {"python": "python", "platform": "os", "pytest": "pytest"}


def environment(versions: dict[str, str]) -> dict[str, Any]:
    """One flat table of versions, taken apart."""
    return {
        **{new: versions[old] for old, new in _OWN_PLACE.items() if old in versions},
        "plugins": {name: version for name, version in versions.items() if name not in _OWN_PLACE},
    }


def run_started(record: dict[str, Any]) -> dict[str, Any]:
    """The fields of the first event; `tenant` was whose the data are, and records had no owner."""
    record["data_tenant"] = record.pop("tenant")
    record["tenant"] = record["data_tenant"] or DEFAULT_TENANT
    record["environment"] = environment(record.pop("versions"))
    return record


def attempt_finished(
    record: dict[str, Any], run_began: datetime | None, outcomes: Container[str], other: str
) -> dict[str, Any]:
    """The fields of an attempt; it had the time of day, and the outcome that was another plugin's word."""
    began = record.pop("started_at")
    record["started_us"] = 0 if run_began is None else (began - run_began) // timedelta(microseconds=1)
    tenant = record.pop("tenant")
    record["data_tenant"] = None if tenant == record["identity"] else tenant
    if record["outcome"] not in outcomes:
        record["raw_outcome"], record["outcome"] = record["outcome"], other
    if record["attempt"] > 1:
        # Whatever it had come to, it was counted as well; "other" is counted nowhere, so it is not taken away.
        record |= {"cause": "rerun", "replaces": record["attempt"] - 1, "replaced_outcome": other}
    return record
