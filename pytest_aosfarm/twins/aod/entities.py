"""What discovery knows of a key, and what it made of a snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_aosfarm.twins.aod.domains import label_of

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ("Discovered", "Entity", "Rejection")


@dataclass(slots=True)
class Entity:
    """One key, and the evidence that was found for it in each plane."""

    key: str
    name: str = ""
    named_by: str = ""
    vendor: str | None = None
    hinted_by: str = ""
    uris: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    recent_sources: set[str] = field(default_factory=set)
    latest: datetime | None = None
    idp: bool = False
    idp_governs: bool = False
    idp_sso: bool = False
    idp_by_vendor: bool = False
    cmdb: bool = False
    cmdb_governs: bool = False
    cmdb_by_vendor: bool = False
    cloud: bool = False
    finance: bool = False
    recurring: bool = False

    @property
    def label(self) -> str:
        """The text before the first dot of the key."""
        return label_of(self.key)

    @property
    def vendor_governed(self) -> bool:
        """Whether a sibling of the same vendor vouches for it."""
        return self.idp_by_vendor or self.cmdb_by_vendor

    @property
    def governed(self) -> bool:
        """Whether identity, CMDB or a sibling vouches for it."""
        return self.idp_governs or self.cmdb_governs or self.vendor_governed

    @property
    def single_sign_on(self) -> bool:
        """Whether what governs it is more than identity objects without SSO or SCIM."""
        return self.idp_sso or self.cmdb_governs or self.cmdb_by_vendor

    def seen(self, moment: datetime | None) -> None:
        """Take note of a sign of use."""
        if moment is not None and (self.latest is None or moment > self.latest):
            self.latest = moment


@dataclass(frozen=True, slots=True)
class Rejection:
    """A key that was not admitted, or an observation that has none."""

    entity_key: str
    entity_name: str
    reason_code: str
    reason_detail: str
    entity: Entity | None = None


@dataclass(slots=True)
class Discovered:
    """The outcome of one discovery: admitted entities by key, and everything else by name."""

    as_of: datetime
    assets: list[Entity]
    rejections: list[Rejection]
    observations: int
    dropped: int
    artifacts: int
