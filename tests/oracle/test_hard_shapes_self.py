"""Each hard shape is seen where it is, and not seen where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .hard_shapes import HARD_SHAPES, hard_shapes
from .subject import Subject
from .tiny import ago, bill, ci, contract, login, resource, seen, snapshot

if TYPE_CHECKING:
    from .tiny import Planted

PINE = "silverpine.com"
PLAIN = (
    *(seen(PINE, source, observed_name="Silverpine", vendor_hint="Northwind") for source in ("proxy", "edr")),
    login(PINE, last_login_at=ago(2)),
    ci(PINE, "Silverpine", owner="someone"),
)
OLD = (seen("amberfield.io", days=200), login("amberfield.io", "Field"))

SHAPED = {
    "alias": [*(seen("copperlake.com", source, vendor_hint="Northwind") for source in ("proxy", "edr"))],
    "look-alike label": [*(seen("silverpane.com", source) for source in ("proxy", "edr"))],
    "other TLD": [*(seen("silverpine.io", source) for source in ("proxy", "edr"))],
    "split brain": [*(seen("amberfield.io", source) for source in ("proxy", "edr")), bill("Amberfield")],
    "retired CI": [ci(PINE, "Silverpine", "retired", owner="someone")],
    "CI of a wrong type": [ci(PINE, "Silverpine", ci_type="printer", owner="someone")],
    "CI without lifecycle": [ci(PINE, "Silverpine", None, owner="someone")],
    "several CIs": [ci(PINE, "Silverpine", owner="someone")],
    "lost owner": [ci("acme.org", "Acme")],
    "IdP without SSO": [*(seen("amberfield.io", s) for s in ("proxy", "edr")), login("amberfield.io", has_sso=False)],
    "drifted IdP name": [login(PINE, "Pine (Legacy)")],
    "drifted observed name": [seen(PINE, observed_name="Silverpine-prod")],
    "drifted CI name": [ci(PINE, "The Pine", owner="someone")],
    "drifted vendor name": [bill("Silverpine, Inc.")],
    "boundary day": [seen("amberfield.io", days=90)],
    "one second older": [seen("amberfield.io", days=90, seconds=1)],
    "last login only": [seen("amberfield.io", days=200), login("amberfield.io", "Field", last_login_at=ago(2))],
    "one source": [seen("amberfield.io")],
    "same source twice": [seen("amberfield.io"), seen("amberfield.io", days=4)],
    "unknown sources": [seen(PINE, "hearsay", observed_name="Silverpine")],
    "cloud only": [seen("amberfield.io"), resource("amberfield")],
    "no timestamp": [seen("amberfield.io", observed_at=None)],
    "recurring spend": [*OLD, bill("Amberfield")],
    "one-off spend": [*OLD, bill("Amberfield", is_recurring=False)],
    "contract only": [*OLD, contract("Amberfield")],
    "excluded domain": [seen("python.org")],
    "multi-part suffix": [seen("amberfield.co.uk")],
    "sub-domain": [seen("app.silverpine.com", observed_name="Silverpine")],
    "port": [seen("silverpine.com:8443", observed_name="Silverpine")],
    "mixed case": [seen("SilverPine.com", observed_name="Silverpine")],
}


def test_every_hard_shape_is_tried() -> None:
    assert SHAPED.keys() == HARD_SHAPES


def test_a_plain_key_has_no_hard_shape() -> None:
    assert hard_shapes(Subject(snapshot(*PLAIN), ())) == set()


@pytest.mark.parametrize(("shape", "planted"), SHAPED.items(), ids=SHAPED)
def test_a_hard_shape_is_seen_where_it_is(shape: str, planted: list[Planted]) -> None:
    assert shape in hard_shapes(Subject(snapshot(*PLAIN, *planted), ()))
