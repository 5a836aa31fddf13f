"""Faults of the schema: fields of a JSON reply that are new, gone, renamed, of another type, or one level deeper.

A path names fields from the top of the reply: `items.*.id` is the id of each of the items; `*` stands for every element
of a list or every field of an object, a number for one element. Without a path one of the reply's own fields is drawn.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeAlias, TypeVar

from pydantic import Field

from pytest_aosfarm.chaos.bodies import SpoiledReply
from pytest_aosfarm.chaos.exchange import NothingToSpoilError, Reply, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_aosfarm.chaos.draws import FaultDraws
    from pytest_aosfarm.chaos.fault_base import Family

__all__ = ("FieldAdded", "FieldFault", "FieldNested", "FieldRemoved", "FieldRenamed", "FieldRetyped")

Object: TypeAlias = dict[str, Any]
Path = Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)*$")]
Name = Annotated[str, Field(pattern=r"^[^.*]+$")]
FaultT = TypeVar("FaultT", bound="FieldFault")
DIGITS = 15
"""A number of so many is the same number in every reader of JSON."""


class FieldFault(SpoiledReply):
    """What the five have in common: which fields they change. Replies that are no success are left alone."""

    family: ClassVar[Family] = "schema"
    rereads: ClassVar[bool] = True
    main: ClassVar[str] = "path"
    path: Path | None = None

    def __init__(self, *main: str, **data: Any) -> None:
        super().__init__(*main, **data)

    def spoiled(self, reply: Reply, draws: FaultDraws) -> Script:
        """As `SpoiledReply.spoiled` says."""
        if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            raise NothingToSpoilError(f"the reply has the status {reply.status}, and no field is changed but of a success")
        try:
            value = json.loads(reply.body)
        except ValueError:
            raise NothingToSpoilError(f"the reply is no JSON: {reply.body[:60]!r}") from None
        path = self.path or self.drawn(value, draws)
        places = [(owner, name) for owner, name in _places(value, path.split(".")) if self.fits(owner, name)]
        if not places:
            raise NothingToSpoilError(f"{self.kind}: the reply has no place for it at {path!r}")
        for owner, name in places:
            self.change(owner, name, draws)
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")
        return (reply.with_body(body).whole(),)

    def drawn(self, value: Any, draws: FaultDraws) -> str:
        """One of the paths at which the reply has fields."""
        paths = sorted(set(_paths(value, "")))
        if not paths:
            raise NothingToSpoilError("the reply is JSON without any field")
        return paths[draws.below("path", len(paths))]

    def fits(self, owner: Object, name: str) -> bool:
        """Whether the object has a field of this name that can be changed."""
        return name in owner

    def change(self, owner: Object, name: str, draws: FaultDraws) -> None:
        """Change the field of this name in the object."""
        raise NotImplementedError


class FieldAdded(FieldFault):
    """A field that the contract does not know; the last part of the path is its name."""

    forms: ClassVar[tuple[str, ...]] = ("field_added", "field_added:items.*.extra")
    kind: Literal["field_added"] = "field_added"
    value: str | bool | int | Annotated[float, Field(allow_inf_nan=False)] | None = "unexpected"

    def __init__(self, *main: str, **data: Any) -> None:
        super().__init__(*main, **data)

    def drawn(self, value: Any, draws: FaultDraws) -> str:
        """A field `unexpected` beside one that is there."""
        beside, dot, _ = super().drawn(value, draws).rpartition(".")
        return f"{beside}{dot}unexpected"

    def fits(self, owner: Object, name: str) -> bool:
        """Whether the object has no such field."""
        return name not in owner

    def change(self, owner: Object, name: str, draws: FaultDraws) -> None:  # noqa: ARG002
        """As `FieldFault.change` says."""
        owner[name] = self.value


class FieldRemoved(FieldFault):
    """A field that is not there."""

    forms: ClassVar[tuple[str, ...]] = ("field_removed", "field_removed:items.*.id")
    kind: Literal["field_removed"] = "field_removed"

    def __init__(self, *main: str, **data: Any) -> None:
        super().__init__(*main, **data)

    def change(self, owner: Object, name: str, draws: FaultDraws) -> None:  # noqa: ARG002
        """As `FieldFault.change` says."""
        del owner[name]


class FieldRenamed(FieldFault):
    """A field under another name: `to`, else in camel case what was in snake case, else with _v2 behind it."""

    forms: ClassVar[tuple[str, ...]] = ("field_renamed", "field_renamed:items.*.id=identifier")
    kind: Literal["field_renamed"] = "field_renamed"
    to: Name | None = None

    def __init__(self, *main: str, **data: Any) -> None:
        super().__init__(*main, **data)

    @classmethod
    def of_argument(cls, argument: str) -> Self:
        """`path` or `path=to`."""
        return _with_second(cls, argument, "to")

    def fits(self, owner: Object, name: str) -> bool:
        """Whether the field is there and its new name is free."""
        return name in owner and self.new_name(name) not in owner

    def new_name(self, name: str) -> str:
        """What a field of this name is called then."""
        first, *rest = name.split("_")
        return self.to or (first + "".join(part.title() for part in rest) if first and any(rest) else f"{name}_v2")

    def change(self, owner: Object, name: str, draws: FaultDraws) -> None:  # noqa: ARG002
        """As `FieldFault.change` says."""
        fields = [(self.new_name(key) if key == name else key, value) for key, value in owner.items()]
        owner.clear()
        owner.update(fields)


class FieldRetyped(FieldFault):
    """A field whose value is of another type: `to`, or one that is drawn (never null)."""

    forms: ClassVar[tuple[str, ...]] = ("field_retyped", "field_retyped:items.*.id=string")
    kind: Literal["field_retyped"] = "field_retyped"
    to: Literal["string", "number", "boolean", "null", "array", "object"] | None = None

    def __init__(self, *main: str, **data: Any) -> None:
        super().__init__(*main, **data)

    @classmethod
    def of_argument(cls, argument: str) -> Self:
        """`path` or `path=to`."""
        return _with_second(cls, argument, "to")

    def fits(self, owner: Object, name: str) -> bool:
        """Whether the field is there and not of that type already."""
        return name in owner and _type(owner[name]) != self.to

    def change(self, owner: Object, name: str, draws: FaultDraws) -> None:
        """As `FieldFault.change` says."""
        value = owner[name]
        others = [kind for kind in _AS if kind not in {_type(value), "null"}]
        owner[name] = _AS[self.to or others[draws.below("type", len(others))]](value)


class FieldNested(FieldFault):
    """A field whose value is one level deeper, in an object under the name `under`."""

    forms: ClassVar[tuple[str, ...]] = ("field_nested", "field_nested:items.*.id=value")
    kind: Literal["field_nested"] = "field_nested"
    under: Name = "value"

    def __init__(self, *main: str, **data: Any) -> None:
        super().__init__(*main, **data)

    @classmethod
    def of_argument(cls, argument: str) -> Self:
        """`path` or `path=under`."""
        return _with_second(cls, argument, "under")

    def change(self, owner: Object, name: str, draws: FaultDraws) -> None:  # noqa: ARG002
        """As `FieldFault.change` says."""
        owner[name] = {self.under: owner[name]}


def _with_second(cls: type[FaultT], argument: str, second: str) -> FaultT:
    path, equals, rest = argument.partition("=")
    return cls(path, **({second: rest} if equals else {}))


def _places(value: Any, parts: list[str]) -> Iterator[tuple[Object, str]]:
    """The objects that the path leads to, each with the name of the field in it; an added field need not be there."""
    part, *rest = parts
    if rest:
        for _, child in _children(value, part):
            yield from _places(child, rest)
    elif isinstance(value, dict):
        yield from ((value, name) for name in (list(value) if part == "*" else [part]))


def _children(value: Any, part: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((str(at), child) for at, child in enumerate(value) if part in {"*", str(at)})
    elif isinstance(value, dict):
        yield from ((name, child) for name, child in value.items() if part in {"*", name})


def _paths(value: Any, above: str) -> Iterator[str]:
    """The paths of all fields, with `*` for the elements of lists; names with a dot or a star cannot be in a path."""
    if isinstance(value, list):
        for child in value:
            yield from _paths(child, f"{above}*.")
    elif isinstance(value, dict):
        for name, child in value.items():
            if name and not {".", "*"} & set(name):
                yield f"{above}{name}"
                yield from _paths(child, f"{above}{name}.")


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _counted(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= DIGITS:
        return int(value)
    return len(value) if isinstance(value, str | list | dict) else int(bool(value))


_AS: dict[str, Callable[[Any], Any]] = {
    "string": lambda value: json.dumps(value, ensure_ascii=False),
    "number": _counted,
    "boolean": bool,
    "null": lambda _: None,
    "array": lambda value: [value],
    "object": lambda value: {"value": value},
}
"""A type of JSON -> a value of another type, as near to it as can be."""
