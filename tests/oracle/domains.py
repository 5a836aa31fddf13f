"""Registered domains of whatever names a host (domain, URL, host:port), and the domains that policy excludes."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from publicsuffixlist import PublicSuffixList

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("EXCLUDED", "GRADED_EXCLUSIONS", "RegisteredDomains", "host_of", "label_of", "looks_like_domain")

_POLICY: Mapping[str, str] = {
    "dev_build_infrastructure": """
        redis.io redis.com postgresql.org mysql.com docker.com kubernetes.io nginx.org apache.org golang.org
        python.org nodejs.org npmjs.com jenkins.io terraform.io hashicorp.com grafana.com prometheus.io elastic.co
        mongodb.org""",
    "custom_exclusions": """
        platform.io hub.io data.io cdn.com edge.com global.com api.co app.co pro.co quick.net max.io smart.io
        sys.net force.com fast.io plus.net cloud.net tech.net services.io world.net""",
    "shared_infrastructure": """
        cloudfront.net gstatic.com awsstatic.com akamai.net akamaized.net googleapis.com googleusercontent.com
        amazonaws.com windows.net""",
    "vendor_root_portals": """
        microsoft.com office.com office365.com microsoftonline.com azure.com apple.com icloud.com google.com""",
    "generic_collision_roots": """
        cdn.com edge.com global.com assets.com static.com api.com app.com data.com img.com media.com
        content.com files.com images.com""",
}

EXCLUDED: Mapping[str, str] = {domain: name for name in reversed(list(_POLICY)) for domain in _POLICY[name].split()}
"""Excluded domain -> the policy list that excludes it (the first one, where several do)."""

GRADED_EXCLUSIONS = ("dev_build_infrastructure", "custom_exclusions")
"""The policy lists that a running AOD is known to exclude: only these may be planted as graded truth."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")
_DOMAIN = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]+\.?")


def host_of(value: object) -> str:
    """The bare lower-case host that `value` names; empty if it names none (a mail address, no text)."""
    if not isinstance(value, str):
        return ""
    text = value.strip().lower()
    scheme = _SCHEME.match(text)
    if scheme:
        text = text[scheme.end() :]
    for end in "/?#":
        text = text.partition(end)[0]
    if "@" in text:
        if not scheme:
            return ""
        text = text.rpartition("@")[2]
    return text.partition(":")[0].rstrip(".")


def looks_like_domain(value: object) -> bool:
    """Whether a display name could be a domain: dotted words, nothing else, a letter after the last dot."""
    return isinstance(value, str) and _DOMAIN.fullmatch(value.strip().lower()) is not None


def label_of(key: str) -> str:
    """The text before the first dot of a registered domain."""
    return key.partition(".")[0]


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False, only_icann=True)


class RegisteredDomains:
    """Registered domain (eTLD+1, ICANN section) of anything that names a host; remembers what it has seen."""

    def __init__(self) -> None:
        self._named: dict[object, str | None] = {}
        self._hosts: dict[str, str | None] = {"": None}

    def of(self, value: object) -> str | None:
        """The registered domain, or None if `value` has no public suffix."""
        if value in self._named:
            return self._named[value]
        host = host_of(value)
        if host not in self._hosts:
            self._hosts[host] = _suffixes().privatesuffix(host)
        self._named[value] = self._hosts[host]
        return self._hosts[host]
