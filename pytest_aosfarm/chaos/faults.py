"""The faults that can be injected into a call."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ("Fault",)


class Fault(BaseModel):
    """One way in which a call can go wrong; `kind` names it.

    `delivered` says whether the module gets the request all the same; None leaves it to what the fault does by its nature.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    delivered: Literal[True, False] | None = None
