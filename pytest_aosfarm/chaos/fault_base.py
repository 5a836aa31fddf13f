"""What all faults have in common: a kind, a family, whether the module gets the request, and their two written forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError, model_validator

from pytest_aosfarm.chaos.durations import in_words, microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_aosfarm.chaos.draws import FaultDraws
    from pytest_aosfarm.chaos.exchange import Reply, Script

__all__ = ("Duration", "Family", "Fault")

Family = Literal["latency", "timeout", "connection", "status", "body", "schema"]

Duration = Annotated[int, BeforeValidator(microseconds), PlainSerializer(in_words)]
"""Microseconds; given as seconds or as a text such as '200ms', written as a text."""


class Fault(BaseModel):
    """One way in which a call can go wrong; `kind` names it.

    `delivered` says whether the module gets the request all the same; None leaves it to what the fault does by its nature.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, defer_build=True)

    family: ClassVar[Family]
    """The class of faults that it is scored with."""
    nature: ClassVar[bool | None]
    """Whether the module gets the request when nothing is said; None: one time in two, by the call's own draw."""
    impossible: ClassVar[Mapping[bool, str]] = {}
    """A value of `delivered` that cannot be -> why."""
    main: ClassVar[str] = ""
    """The field that a positional argument fills, and what stands after the colon in the short form."""
    forms: ClassVar[tuple[str, ...]]
    """Examples of the short form."""
    upload: ClassVar[str] = ""
    """The accident, by its name in `accidents`, that the upload of the request ends in."""
    rereads: ClassVar[bool] = False
    """Whether it takes the module's reply as it is before it is compressed."""

    kind: str
    delivered: Literal[True, False] | None = None

    def __init__(self, *main: Any, **data: Any) -> None:
        """One positional argument is the main field of the kind, if it has one. ValueError if it is no such fault."""
        if len(main) > bool(self.main):
            takes = f"one positional argument, {self.main}," if self.main else "no positional argument"
            raise TypeError(f"{type(self).__name__} takes {takes} and got {main!r}; name what you give (delivered=True)")
        if main and self.main in data:
            raise TypeError(f"{type(self).__name__} got {self.main} twice: {main[0]!r} and {data[self.main]!r}")
        try:
            super().__init__(**dict(zip((self.main,), main, strict=False)), **data)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_context=False)[0]
            field = ".".join(str(part) for part in wrong["loc"])
            said = wrong["msg"].removeprefix("Value error, ")
            raise ValueError(f"{type(self).__name__}: {field and f'{field}: '}{said}") from None

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        reason = self.impossible_now().get(self.delivered) if self.delivered is not None else None
        if reason:
            raise ValueError(f"delivered={self.delivered} cannot be: {reason}")
        return self

    def impossible_now(self) -> Mapping[bool, str]:
        """`impossible`, with the fields of this fault in view."""
        return self.impossible

    def needs_reply(self) -> bool:
        """Whether it is made of the module's own reply."""
        return False

    def own_reply(self) -> Reply | None:
        """A reply to spoil that it brings along instead."""
        return None

    def by_nature(self) -> bool | None:
        """`nature`, with the fields of this fault in view."""
        return self.nature

    def goes_through(self, draws: FaultDraws) -> bool:
        """Whether the module gets the request in the call with these draws."""
        through = self.by_nature() if self.delivered is None else self.delivered
        return draws.below("delivered", 2) == 1 if through is None else through

    def script(self, reply: Reply | None, draws: FaultDraws, wall: float) -> Script:
        """What the caller's end of the connection sees, once the request is sent.

        `reply` is the one to spoil, if the fault spoils one; `wall` is the time, in seconds since 1970.
        Raises NothingToSpoilError if the reply has nothing that this fault could change.
        """
        raise NotImplementedError(f"{self.kind} is no fault of a connection that stands")

    def plain(self) -> dict[str, Any]:
        """The fault as JSON values, without what is default; `fault_from` reads it back."""
        return {"kind": self.kind, **self.model_dump(mode="json", exclude_defaults=True)}

    @property
    def label(self) -> str:
        """The short form, as far as it tells the fault: "503", "latency:200ms", "reset not delivered"."""
        plain = self.plain()
        main = plain.get(self.main)
        words = str(main) if self.kind == "status" else self.kind + (f":{main}" if isinstance(main, str | int) else "")
        return words if self.delivered is None else f"{words} {'' if self.delivered else 'not '}delivered"

    @classmethod
    def of_argument(cls, argument: str) -> Self:
        """The fault with what stands after the colon in its short form; ValueError if it takes none, or not that."""
        if not cls.main:
            raise ValueError(f"it takes nothing after the colon: {argument!r}")
        return cls(**{cls.main: argument})

    @classmethod
    def of_nothing(cls) -> Self:
        """The fault of its short form without a colon; ValueError if something is missing."""
        return cls()
