"""The faults that can be injected into a call, and their two written forms: short, as in a marker, and plain, as in JSON."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, Union, get_args

from pydantic import Field, TypeAdapter, ValidationError

from pytest_aosfarm.chaos.bodies import (
    BadChunk,
    BadGzip,
    Corrupt,
    MalformedJson,
    ResetBody,
    SlowBody,
    Stall,
    Truncated,
    WrongContentType,
)
from pytest_aosfarm.chaos.connections import (
    Blackhole,
    Closed,
    ConnectTimeout,
    Garbage,
    NameNotFound,
    PoolTimeout,
    ProxyError,
    ReadTimeout,
    Refused,
    Reset,
    ResetUpload,
    TlsError,
    WriteTimeout,
)
from pytest_aosfarm.chaos.fault_base import Family, Fault
from pytest_aosfarm.chaos.latency import Latency
from pytest_aosfarm.chaos.replies import Empty, RateLimited, Status
from pytest_aosfarm.chaos.schema_faults import FieldAdded, FieldNested, FieldRemoved, FieldRenamed, FieldRetyped

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = (
    "AnyFault",
    "BadChunk",
    "BadGzip",
    "Blackhole",
    "Closed",
    "ConnectTimeout",
    "Corrupt",
    "Empty",
    "Family",
    "Fault",
    "FieldAdded",
    "FieldNested",
    "FieldRemoved",
    "FieldRenamed",
    "FieldRetyped",
    "Garbage",
    "Latency",
    "MalformedJson",
    "NameNotFound",
    "PoolTimeout",
    "ProxyError",
    "RateLimited",
    "ReadTimeout",
    "Refused",
    "Reset",
    "ResetBody",
    "ResetUpload",
    "SlowBody",
    "Stall",
    "Status",
    "TlsError",
    "Truncated",
    "WriteTimeout",
    "WrongContentType",
    "fault_from",
    "fault_kinds",
    "fault_of",
)

AnyFault: TypeAlias = Annotated[
    Union[  # noqa: UP007  # two dozen members read better one below the other
        Latency,
        ConnectTimeout,
        ReadTimeout,
        WriteTimeout,
        PoolTimeout,
        Blackhole,
        Refused,
        NameNotFound,
        TlsError,
        ProxyError,
        Reset,
        ResetUpload,
        ResetBody,
        Closed,
        Status,
        RateLimited,
        Garbage,
        BadChunk,
        Truncated,
        Stall,
        SlowBody,
        Corrupt,
        MalformedJson,
        WrongContentType,
        BadGzip,
        Empty,
        FieldAdded,
        FieldRemoved,
        FieldRenamed,
        FieldRetyped,
        FieldNested,
    ],
    Field(discriminator="kind"),
]
"""Every fault there is, told apart by `kind`; for use in pydantic models."""


@cache
def fault_kinds() -> dict[str, type[Fault]]:
    """Every kind of fault by its name."""
    members: tuple[type[Fault], ...] = get_args(get_args(AnyFault)[0])
    return {member.model_fields["kind"].default: member for member in members}


def fault_of(text: str) -> Fault:
    """The fault in its short form: `503`, `read_timeout`, `latency:200ms`, `reset not delivered`.

    That is a status or the name of a kind; for some kinds a colon and what matters most; and, where both can be,
    `delivered` or `not delivered`. ValueError, with the forms that there are, for anything else.
    """
    rest, delivered = text.strip(), None
    for words, value in ((" not delivered", False), (" delivered", True)):
        if rest.endswith(words):
            rest, delivered = rest.removesuffix(words).rstrip(), value
            break
    name, colon, argument = (part.strip() for part in rest.partition(":"))
    if name.isascii() and name.isdigit() and not colon:
        name, colon, argument = "status", ":", name
    kind = fault_kinds().get(name)
    if kind is None:
        forms = ", ".join(form for known in fault_kinds().values() for form in known.forms)
        raise ValueError(f"{text!r} is no fault; the forms of faults are {forms}; some with 'delivered' or 'not delivered'")
    try:
        fault = kind.of_argument(argument) if colon else kind.of_nothing()
        return fault if delivered is None else kind(**{**fault.plain(), "delivered": delivered})
    except ValueError as error:
        raise ValueError(f"{text!r} is no fault: {_first(error)}; its forms: {', '.join(kind.forms)}") from None


@cache
def _adapter() -> TypeAdapter[Fault]:
    return TypeAdapter(AnyFault)


def fault_from(plain: Mapping[str, Any]) -> Fault:
    """The fault that `Fault.plain` wrote; ValueError if there is none such."""
    try:
        return _adapter().validate_python(plain)
    except ValidationError as error:
        raise ValueError(f"{dict(plain)!r} is no fault: {_first(error)}") from None


def _first(error: ValueError) -> str:
    """The first thing that is wrong, in one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    wrong = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in wrong["loc"][-1:])
    said = wrong["msg"].removeprefix("Value error, ")
    return f"{field}: {said}" if field and field not in fault_kinds() else said
