"""`python -m tools.chaos_tables`: renews the tables of docs/chaos.md, from what faults really do and presets really say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

from pytest_aosfarm.chaos.faults import fault_kinds
from pytest_aosfarm.chaos.handle import Chaos
from pytest_aosfarm.chaos.presets import PRESETS
from pytest_aosfarm.chaos.virtual_time import VirtualClock, virtual_time
from tools.pages import DOCS, table

if TYPE_CHECKING:
    from pytest_aosfarm.chaos.faults import Fault

PATH = DOCS / "chaos.md"
REPLY = {"order": {"id": 17, "total_cents": 1999}}


def page() -> str:
    """The page with its tables as they should be."""
    text = PATH.read_text(encoding="utf-8")
    for name, rows in (("faults", _faults()), ("presets", _presets())):
        before, head, rest = text.partition(f"<!-- {name} -->\n")
        foot = f"<!-- /{name} -->"
        text = f"{before}{head}{rows}\n{foot}{rest.partition(foot)[2]}"
    return text


def _faults() -> str:
    kinds: dict[str, list[str]] = {}
    for name, kind in fault_kinds().items():
        kinds.setdefault(_seen(kind), []).append(f"`{name}`")
    return table(("what the caller sees", "faults"), [(seen, ", ".join(names)) for seen, names in kinds.items()])


def _seen(kind: type[Fault]) -> str:
    """What comes of a POST that gets the fault in the first of its short forms."""
    clock = VirtualClock()
    chaos = Chaos(1, lambda: clock)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=REPLY))
    with virtual_time(clock), httpx.Client(transport=transport) as client:
        chaos.begin("tools.chaos_tables", None)
        chaos.wrap(client, "shop")
        with chaos.on("shop", fault=kind.forms[0]):
            try:
                response = client.post("http://shop.test/orders", json=REPLY)
            except httpx.HTTPError as error:
                return f"`httpx.{type(error).__name__}`"
        chaos.end()
    if not response.is_success:
        return "the status"
    try:
        same = response.json() == REPLY
    except (json.JSONDecodeError, UnicodeDecodeError):
        return "200, and `response.json()` raises"
    if not same:
        return "200, and other JSON than was sent"
    is_json = response.headers["content-type"] == "application/json"
    return "the reply, later" if is_json else "200, and another content type than was sent"


def _presets() -> str:
    rows = []
    for name, rules in PRESETS.items():
        parts = [f"{' or '.join(f'`{fault}`' for fault in rule['faults'])} {_when(rule.get('when', {}))}" for rule in rules]
        rows.append((f"`{name}`", "; else ".join(parts)))
    return table(("preset", "what it does to a call"), rows)


def _when(when: dict[str, Any]) -> str:
    words = [f"at a rate of {when['rate']:.0%}"] if "rate" in when else []
    if "first" in when:
        words.append(f"for the first {when['first']} calls of each key")
    if "burst" in when:
        on, off = when["burst"]["on"], when["burst"]["off"]
        words.append(f"in the first {on} of every {on + off} calls of a key")
    return ", ".join(words) or "always"


def main() -> None:
    """Write the page."""
    PATH.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
