"""The rules of JUnit XML that Jenkins' schema junit-10.xsd states, written down again to check what we write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterator

Rule = tuple[set[str], set[str], list[str]]
"""The attributes that an element may have, those that it must have, and the elements that it may hold."""

PROBLEM: Rule = ({"type", "message"}, set(), [])
AGAIN: Rule = ({"type", "message"}, {"type"}, ["stackTrace", "system-out", "system-err"])
LEAF: Rule = (set(), set(), [])
AGAIN_TAGS = ("rerunFailure", "rerunError", "flakyFailure", "flakyError")

RULES: dict[str, Rule] = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), ["testsuite"]),
    "testsuite": (
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package"},
        {"name", "tests", "failures", "errors"},
        ["properties", "testcase", "system-out", "system-err"],
    ),
    "properties": (set(), set(), ["property"]),
    "property": ({"name", "value"}, {"name", "value"}, []),
    "testcase": (
        {"name", "time", "classname", "group"},
        {"name"},
        ["skipped", "error", "failure", *AGAIN_TAGS, "system-out", "system-err"],
    ),
    **dict.fromkeys(("skipped", "error", "failure"), PROBLEM),
    **dict.fromkeys(AGAIN_TAGS, AGAIN),
    **dict.fromkeys(("system-out", "system-err", "stackTrace"), LEAF),
}

def violations(xml: str) -> Iterator[str]:
    """What the schema would say of the document."""
    root = ET.fromstring(xml)
    if root.tag not in {"testsuites", "testsuite"}:
        yield f"root {root.tag}"
    for element in root.iter():
        allowed, needed, inside = RULES[element.tag]
        if extra := element.attrib.keys() - allowed:
            yield f"{element.tag}: attributes {extra}"
        if missing := needed - element.attrib.keys():
            yield f"{element.tag}: without {missing}"
        tags = [child.tag for child in element]
        if wrong := set(tags) - set(inside):
            yield f"{element.tag}: holds {wrong}"
        if element.tag in AGAIN_TAGS and tags != sorted(set(tags), key=inside.index):
            yield f"{element.tag}: {tags}"
        if element.tag != "testcase" and not re.fullmatch(r"[0-9]+\.[0-9]{3}", element.get("time", "0.000")):
            yield f"{element.tag}: time {element.get('time')}"


def miscounted(xml: str) -> Iterator[str]:
    """Counts of suites that differ from what they hold."""
    for suite in ET.fromstring(xml).iter("testsuite"):
        for name, path in (("tests", ""), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            cases = suite.iter("testcase")
            found = sum(1 for case in cases if not path or case.find(path) is not None)
            if suite.get(name) != str(found):
                yield f"{name} says {suite.get(name)}, there are {found}"
