"""What event rows say of each other and of the assets: references, ports, traces, levels, sessions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from unit.estates import TABLES, estate, events, moment, small_rows

from pytest_aosfarm.synthetic.rows import NULL


def table(name, scale="small", seed=1, tenant="acme"):
    return getattr(events(scale, seed, tenant), name)


@pytest.mark.parametrize("scale", ["small", "medium"])
@pytest.mark.parametrize("name", TABLES)
def test_every_reference_resolves(name, scale):
    assets, made = estate(scale)
    of = getattr(made, name)
    for column, target in of.references.items():
        ids = {row["id"] for row in (made.employees if target == "employees" else getattr(assets, target))}
        held = set(of.to_arrow(columns=[column])[column].unique().to_pylist()) - {None}
        assert held <= ids, column
        assert len(held) > len(ids) / 4, column


def test_a_log_line_names_the_application_and_the_host_of_its_service():
    assets, _ = estate()
    services = {row["id"]: row for row in assets.services}
    running = {row["id"] for row in assets.hosts if row["status"] == "running"}
    for row in small_rows()["logs"]:
        service = services[row["service_id"]]
        assert (row["application_id"], row["host_id"]) == (service["application_id"], service["host_id"])
        assert row["host_id"] in running
        assert all(part in row["message"] for part in (service["name"], row["request_id"], row["trace_id"]))
        assert (row["error_type"] is not None) == (row["event_type"] == "error.exception")
        assert (row["path"] is None) == (row["method"] is None) == (row["status_code"] is None)


@pytest.mark.parametrize("scale", ["small", "medium"])
def test_flows_run_between_hosts_that_exist_to_a_service_that_runs_there(scale):
    assets, made = estate(scale)
    addresses = {row["id"]: row["ip_address"] for row in assets.hosts}
    host_of = {row["id"]: row["host_id"] for row in assets.services}
    for row in made.network_flows[:20_000]:
        for end in ("source", "destination"):
            host, ip = row[f"{end}_host_id"], row[f"{end}_ip"]
            assert addresses[host] == ip if host else not ip.startswith("10.")
        assert (row["source_host_id"] is None) == (row["direction"] == "inbound")
        assert (row["destination_host_id"] is None) == (row["service_id"] is None) == (row["direction"] == "outbound")
        assert row["source_host_id"] != row["destination_host_id"]
        if row["service_id"]:
            assert host_of[row["service_id"]] == row["destination_host_id"]


def test_a_port_follows_what_listens_there():
    assets, _ = estate()
    services = {row["id"]: row for row in assets.services}
    database_of = {row["id"]: row["database_id"] for row in assets.applications}
    databases = {row["id"]: row["type"] for row in assets.databases}
    ports = {"postgres": 5432, "mysql": 3306, "mongodb": 27017, "redis": 6379}
    seen = set()
    for row in small_rows()["network_flows"]:
        port = row["destination_port"]
        if row["service_id"] and port in ports.values():
            application = services[row["service_id"]]["application_id"]
            assert port == ports[databases[database_of[application]]]
            assert row["protocol"] == "tcp"
        if port == 50051:
            assert services[row["service_id"]]["type"] == "grpc"
        assert row["protocol"] == {443: "https", 80: "http", 53: "udp"}.get(port, row["protocol"])
        seen.add(port)
    assert len(seen) > 9


def test_lines_of_a_trace_are_of_one_request_in_different_services():
    rows = small_rows()["logs"]
    bursts = [incident.rows for incident in events().logs.incidents() if incident.kind == "error_burst"]
    traces = [rows[i : i + 4] for i in range(0, len(rows), 4)]
    for k, lines in enumerate(traces):
        assert len({(row["trace_id"], row["user_id"], row["ip_address"], row["user_agent"]) for row in lines}) == 1
        if not any(i in burst for burst in bursts for i in range(4 * k, 4 * k + 4)):
            assert len({row["service_id"] for row in lines}) == len(lines)
    assert len({lines[0]["trace_id"] for lines in traces}) == len(traces)


def test_levels_and_latencies_follow_what_happened_and_when():
    rows = table("logs", "medium")[:100_000]
    levels = Counter((row["severity"], row["status_code"] is not None and row["status_code"] >= 500) for row in rows)
    assert not levels["debug", True]
    assert not levels["info", True]
    assert levels["error", True] > 3 * levels["error", False]
    by_path: dict[str, list[int]] = {"/graphql": [], "/ws/orders": [], "/auth/login": []}
    night: list[int] = []
    day: list[int] = []
    for row in rows:
        if row["path"] in by_path:
            by_path[row["path"]].append(row["response_time_ms"])
        if row["path"] == "/graphql" and moment(row["received_at"]) % 604_800 < 86_400 * 5:
            hour = int(row["received_at"][11:13])
            (day if 9 <= hour < 17 else night if hour < 5 else []).append(row["response_time_ms"])
    middle = {path: sorted(times)[len(times) // 2] for path, times in by_path.items()}
    assert middle["/ws/orders"] * 5 < middle["/graphql"] * 2 < middle["/auth/login"] * 2
    assert sorted(day)[len(day) // 2] > 1.3 * sorted(night)[len(night) // 2]


def test_a_few_services_take_most_of_the_traffic_and_a_few_flows_most_of_the_bytes():
    cells = list(table("network_flows", "medium").arrays(["target", "bytes_sent", "planned"]))
    services = sorted(Counter(np.concatenate([c["target"] for c in cells]).tolist()).values(), reverse=True)
    assert sum(services[: len(services) // 10]) > 0.4 * sum(services)
    sizes = np.sort(np.concatenate([c["bytes_sent"][~c["planned"]] for c in cells]))
    assert sizes[-len(sizes) // 100 :].sum() > 0.5 * sizes.sum()


@pytest.mark.parametrize("scale", ["small", "medium"])
def test_each_logout_ends_a_login_above_it_both_ways(scale):
    of = table("auth_events", scale)
    same = ("user_id", "username", "session_id", "application_id", "ip_address", "user_agent", "method")
    rows = of[:12_000]
    began_before, closed = 0, set()
    for i, row in enumerate(rows):
        assert (row["session_id"] is not None) == (row["event_type"] in {"login", "logout"})
        assert row["success"] == (row["event_type"] != "failed_login") == (row["failure_reason"] is None)
        assert row["failure_reason"] != "mfa_failed" or row["method"] == "mfa"
        assert row["failure_reason"] != "bad_password" or row["method"] in {"mfa", "password"}
        if row["event_type"] != "logout":
            continue
        login = of.login_of(i)
        if login is None:
            began_before += 1
            continue
        assert login < i
        assert rows[login]["event_type"] == "login"
        assert [rows[login][column] for column in same] == [row[column] for column in same]
        assert of.logout_of(login) == i
        assert login not in closed
        closed.add(login)
    sessions = Counter(row["session_id"] for row in rows if row["session_id"])
    assert set(sessions.values()) == {1, 2}
    for i, row in enumerate(rows):
        if row["event_type"] == "login" and i not in closed:
            later = of.logout_of(i)
            assert later is None or later >= len(rows)
            assert sessions[row["session_id"]] == 1
    assert 0 < began_before < len(rows) / 8
    assert len(closed) > len(rows) / 6


def test_some_failed_logins_precede_a_success_of_the_same_user():
    rows = table("auth_events", "medium")[:5_000]
    soon = 0
    for i, row in enumerate(rows):
        if row["event_type"] == "failed_login":
            after = [(one["event_type"], one["user_id"], one["ip_address"]) for one in rows[i + 1 : i + 200]]
            soon += ("login", row["user_id"], row["ip_address"]) in after
    assert soon > 300


def test_a_row_that_is_no_logout_has_no_login():
    of = events().auth_events
    kinds = [row["event_type"] for row in small_rows()["auth_events"]]
    with pytest.raises(ValueError, match="is no logout"):
        of.login_of(kinds.index("login"))
    with pytest.raises(ValueError, match="is no login"):
        of.logout_of(kinds.index("logout"))


def test_cells_of_a_column_of_a_smaller_table_are_its_rows():
    (cells, *_) = table("logs").arrays(["service_id", "user_id", "id"])
    assert (cells["service_id"].dtype, cells["id"].dtype) == (np.int64, np.uint64)
    services, employees, rows = estate()[0].services, events().employees, small_rows()["logs"]
    assert [services[n]["id"] for n in cells["service_id"][:50]] == [row["service_id"] for row in rows[:50]]
    people = [None if n == NULL else employees[n]["id"] for n in cells["user_id"][:50]]
    assert people == [row["user_id"] for row in rows[:50]]
    assert None in people
