"""What looks like an incident in the rows of events: plain code that knows nothing of how incidents are planted."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby

from unit.estates import moment

ARRIVAL = {"logs": "received_at", "network_flows": "timestamp", "auth_events": "timestamp"}


def runs(rows, key, least):
    """Stretches of at least so many neighbours with one key that is not None: (key, range of rows)."""
    at, found = 0, []
    for value, group in groupby(rows, key):
        length = len(list(group))
        if value is not None and length >= least:
            found.append((value, range(at, at + length)))
        at += length
    return found


def guesses(rows):
    """What looks like brute force."""

    def who(row):
        return (row["user_id"], row["username"], row["ip_address"]) if row["event_type"] == "failed_login" else None

    found = []
    for (user, name, ip), failed in runs(rows, who, 8):
        last = rows[failed.stop]
        assert (last["event_type"], last["user_id"], last["ip_address"]) == ("login", user, ip)
        assert len({row["application_id"] for row in rows[failed.start : failed.stop + 1]}) == 1
        facts = {
            "user_id": user,
            "username": name,
            "ip_address": ip,
            "application_id": last["application_id"],
            "failures": len(failed),
        }
        found.append((range(failed.start, failed.stop + 1), facts))
    return found


def leaks(rows):
    """What looks like exfiltration."""
    sent = defaultdict(list)
    for i, row in enumerate(rows):
        if row["destination_host_id"] is None and row["bytes_sent"] > 400_000_000:
            sent[row["source_host_id"], row["source_ip"], row["destination_ip"]].append((i, row["bytes_sent"]))
    found = []
    for (host, own, other), flows in sent.items():
        numbers = [i for i, _ in flows]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert not other.startswith("10.")
        total = sum(size for _, size in flows)
        facts = {"source_host_id": host, "source_ip": own, "destination_ip": other, "total_bytes_sent": total}
        found.append((range(numbers[0], numbers[-1] + 1), facts))
    return found


def bursts(rows):
    """What looks like a burst of errors."""

    def failure(row):
        return (row["service_id"], row["error_type"]) if row["status_code"] == 500 else None

    found = []
    for (service, error), span in runs(rows, failure, 8):
        assert {row["severity"] for row in rows[span.start : span.stop]} == {"error", "critical"}
        found.append((span, {"service_id": service, "error_type": error, "errors": len(span)}))
    return found


def skews(rows):
    """Hosts whose clocks are wrong: (host, seconds) -> rows. The collector hears a line within a second."""
    found = defaultdict(list)
    for i, row in enumerate(rows):
        shift = moment(row["timestamp"]) - moment(row["received_at"])
        if not -1 < shift < 0:
            seconds = -(-shift // 1)
            found[row["host_id"], int(seconds)].append(i)
    return found


def complaints(rows, incidents, first=0):
    """What is wrong with the answer key of some tables' rows, which begin at row `first`."""
    found = {
        "brute_force": guesses(rows["auth_events"]),
        "exfiltration": leaks(rows["network_flows"]),
        "error_burst": bursts(rows["logs"]),
    }
    wrong = []
    for kind, seen in found.items():
        keyed = [(one.rows, one.facts) for one in incidents if one.kind == kind]
        seen = [(range(first + span.start, first + span.stop), facts) for span, facts in seen]  # noqa: PLW2901
        wrong += [f"{kind}: declared, not seen: {one}" for one in keyed if one not in seen]
        wrong += [f"{kind}: seen, not declared: {one}" for one in seen if one not in keyed]
    shifted = skews(rows["logs"])
    told = {(one.facts["host_id"], one.facts["skew_seconds"]): one for one in incidents if one.kind == "clock_skew"}
    wrong += [f"clock_skew: {who}" for who in told.keys() ^ shifted.keys()]
    for who in told.keys() & shifted.keys():
        span = told[who].rows
        of_host = [i for i in span if rows["logs"][i - first]["host_id"] == who[0]]
        if of_host != [first + i for i in shifted[who]]:
            wrong.append(f"clock_skew: other rows than {span}")
    for one in incidents:
        started, ended = (rows[one.table][i - first][ARRIVAL[one.table]] for i in (one.rows[0], one.rows[-1]))
        if (one.started_at, one.ended_at) != (started, ended):
            wrong.append(f"{one.kind}: not from {one.started_at} to {one.ended_at}")
    return wrong
