"""Faults of time and of connections: the caller gets an exception and no reply."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from pytest_aosfarm.chaos.exchange import Break, Pause, Reply, Script
from pytest_aosfarm.chaos.fault_base import Family, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_aosfarm.chaos.draws import FaultDraws

__all__ = (
    "Blackhole",
    "Closed",
    "ConnectTimeout",
    "Garbage",
    "NameNotFound",
    "NeverConnected",
    "PoolTimeout",
    "ProxyError",
    "ReadTimeout",
    "Refused",
    "Reset",
    "ResetUpload",
    "TlsError",
    "WriteTimeout",
)

TimedPhase = Literal["connect", "pool"]


class NeverConnected(Fault):
    """There is no connection, so nothing is sent."""

    nature: ClassVar[bool | None] = False
    impossible: ClassVar[Mapping[bool, str]] = {True: "it comes before anything is sent"}
    waits: ClassVar[TimedPhase | None] = None
    """The part of the call whose timeout it takes."""

    @property
    def accident(self) -> str:
        """What happens, by its name in `accidents`."""
        return self.kind


class Refused(NeverConnected):
    """Nobody listens there."""

    family: ClassVar[Family] = "connection"
    forms: ClassVar[tuple[str, ...]] = ("refused",)
    kind: Literal["refused"] = "refused"


class NameNotFound(NeverConnected):
    """DNS does not know the name."""

    family: ClassVar[Family] = "connection"
    forms: ClassVar[tuple[str, ...]] = ("name_not_found",)
    kind: Literal["name_not_found"] = "name_not_found"


class ConnectTimeout(NeverConnected):
    """The connection is neither made nor refused in `timeout.connect`."""

    family: ClassVar[Family] = "timeout"
    forms: ClassVar[tuple[str, ...]] = ("connect_timeout",)
    waits: ClassVar[TimedPhase | None] = "connect"
    kind: Literal["connect_timeout"] = "connect_timeout"


class PoolTimeout(NeverConnected):
    """No connection of the client's pool is free in `timeout.pool`."""

    family: ClassVar[Family] = "timeout"
    forms: ClassVar[tuple[str, ...]] = ("pool_timeout",)
    waits: ClassVar[TimedPhase | None] = "pool"
    kind: Literal["pool_timeout"] = "pool_timeout"


class TlsError(NeverConnected):
    """The handshake fails: over a certificate that nobody vouches for, or because the other side speaks no TLS."""

    family: ClassVar[Family] = "connection"
    main: ClassVar[str] = "over"
    forms: ClassVar[tuple[str, ...]] = ("tls_error", "tls_error:protocol")
    kind: Literal["tls_error"] = "tls_error"
    over: Literal["certificate", "protocol"] = "certificate"

    def __init__(self, *main: str, **data: Any) -> None:
        super().__init__(*main, **data)

    @property
    def accident(self) -> str:
        """What happens, by its name in `accidents`."""
        return f"tls_{self.over}"


class ProxyError(NeverConnected):
    """A proxy on the way refuses to connect, with this status."""

    family: ClassVar[Family] = "connection"
    main: ClassVar[str] = "code"
    forms: ClassVar[tuple[str, ...]] = ("proxy_error", "proxy_error:407")
    kind: Literal["proxy_error"] = "proxy_error"
    code: Annotated[HTTPStatus, Field(ge=400)] = HTTPStatus.BAD_GATEWAY

    def __init__(self, *main: int, **data: Any) -> None:
        super().__init__(*main, **data)

    @property
    def accident(self) -> str:
        """What happens, by its name in `accidents`."""
        return f"proxy {self.code.value} {self.code.phrase}"


class _Unanswered(Fault):
    """The request, or some of it, is sent; whether it arrived the caller cannot know."""

    nature: ClassVar[bool | None] = None
    events: ClassVar[Script]

    def script(self, reply: Reply | None, draws: FaultDraws, wall: float) -> Script:  # noqa: ARG002
        """As `Fault.script` says."""
        return self.events


class ReadTimeout(_Unanswered):
    """No reply in `timeout.read`."""

    family: ClassVar[Family] = "timeout"
    forms: ClassVar[tuple[str, ...]] = ("read_timeout", "read_timeout delivered")
    events: ClassVar[Script] = (Pause(None),)
    kind: Literal["read_timeout"] = "read_timeout"


class Blackhole(_Unanswered):
    """Packets vanish on the way there: no error, no reply. With `delivered`, those on the way back vanish."""

    family: ClassVar[Family] = "timeout"
    nature: ClassVar[bool | None] = False
    forms: ClassVar[tuple[str, ...]] = ("blackhole",)
    events: ClassVar[Script] = (Pause(None),)
    kind: Literal["blackhole"] = "blackhole"


class WriteTimeout(_Unanswered):
    """The module takes no more of the request, for `timeout.write`."""

    family: ClassVar[Family] = "timeout"
    forms: ClassVar[tuple[str, ...]] = ("write_timeout",)
    events: ClassVar[Script] = (Pause(None),)
    upload: ClassVar[str] = "write_timeout"
    kind: Literal["write_timeout"] = "write_timeout"


class Reset(_Unanswered):
    """The module resets the connection (RST) instead of a reply."""

    family: ClassVar[Family] = "connection"
    forms: ClassVar[tuple[str, ...]] = ("reset", "reset not delivered")
    events: ClassVar[Script] = (Break("reset"),)
    kind: Literal["reset"] = "reset"


class ResetUpload(_Unanswered):
    """The module resets the connection while it still gets the request."""

    family: ClassVar[Family] = "connection"
    forms: ClassVar[tuple[str, ...]] = ("reset_upload",)
    events: ClassVar[Script] = (Break("reset"),)
    upload: ClassVar[str] = "reset_upload"
    kind: Literal["reset_upload"] = "reset_upload"


class Closed(_Unanswered):
    """The module closes the connection without a reply."""

    family: ClassVar[Family] = "connection"
    forms: ClassVar[tuple[str, ...]] = ("closed",)
    events: ClassVar[Script] = ()
    kind: Literal["closed"] = "closed"


class Garbage(_Unanswered):
    """What comes is no HTTP: this line stands where a status line should."""

    family: ClassVar[Family] = "body"
    main: ClassVar[str] = "line"
    nature: ClassVar[bool | None] = True
    forms: ClassVar[tuple[str, ...]] = ("garbage", "garbage:SSH-2.0-OpenSSH_9.2")
    kind: Literal["garbage"] = "garbage"
    line: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[!-~]([ -~]*[!-~])?$")] = "this is no HTTP"

    def __init__(self, *main: str, **data: Any) -> None:
        super().__init__(*main, **data)

    def script(self, reply: Reply | None, draws: FaultDraws, wall: float) -> Script:  # noqa: ARG002
        """As `Fault.script` says."""
        return (self.line.encode() + b"\r\n\r\n",)
