"""Records of events: log lines, network flows, authentication events."""

from __future__ import annotations

from typing import Literal

from pytest_aosfarm.synthetic.records.base import (
    Address,
    ApplicationId,
    AuthId,
    Email,
    EmployeeId,
    FlowId,
    HostId,
    LogId,
    Moment,
    Record,
    RequestId,
    ServiceId,
    SessionId,
    TraceId,
)  # fmt: skip

__all__ = ("AuthEvent", "LogEntry", "NetworkFlow")


class LogEntry(Record):
    """A line that a service logged; `timestamp` by the clock of its host, `response_time_ms` in milliseconds."""

    id: LogId
    timestamp: Moment
    received_at: Moment
    event_type: Literal["api.request", "auth.login", "auth.logout", "error.exception", "job.run", "job.failed", "db.query"]
    severity: Literal["debug", "info", "warning", "error", "critical"]
    application_id: ApplicationId
    service_id: ServiceId
    host_id: HostId
    user_id: EmployeeId | None
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None
    path: str | None
    status_code: int | None
    response_time_ms: int
    ip_address: Address
    user_agent: str
    request_id: RequestId
    trace_id: TraceId
    error_type: Literal[
        "TimeoutError", "ConnectionResetError", "NullReferenceError", "DeadlockDetected", "OutOfMemoryError",
        "SerializationError", "CertificateExpired", "QuotaExceeded",
    ] | None  # fmt: skip
    message: str


class NetworkFlow(Record):
    """A connection; `bytes_sent` by the source, `bytes_received` by it, `duration_ms` in milliseconds."""

    id: FlowId
    timestamp: Moment
    direction: Literal["internal", "inbound", "outbound"]
    source_ip: Address
    destination_ip: Address
    source_host_id: HostId | None
    destination_host_id: HostId | None
    service_id: ServiceId | None
    source_port: int
    destination_port: int
    protocol: Literal["tcp", "udp", "http", "https"]
    bytes_sent: int
    bytes_received: int
    packets: int
    duration_ms: int
    status: Literal["success", "timeout", "refused"]


class AuthEvent(Record):
    """Someone signed in or out, failed to, or changed a password."""

    id: AuthId
    timestamp: Moment
    event_type: Literal["login", "logout", "failed_login", "password_reset"]
    user_id: EmployeeId
    username: Email
    session_id: SessionId | None
    application_id: ApplicationId
    ip_address: Address
    user_agent: str
    method: Literal["password", "sso", "mfa", "api_token"]
    success: bool
    failure_reason: Literal["bad_password", "mfa_failed", "account_locked", "unknown_device", "expired_credentials"] | None
