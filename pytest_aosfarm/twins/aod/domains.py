"""From any text that holds an address to the registered domain (eTLD+1) that is the key of a discovery."""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList

from pytest_aosfarm.twins.aod.policy import EXCLUSIONS

__all__ = ("Domains", "exclusion", "label_of")


class Domains:
    """Registered domains, remembered: one instance serves one discovery, so its memory ends with it."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}

    def registered(self, text: str | None) -> str | None:
        """The registered domain in `text` (a host, URL, or domain in any case), or None if there is no public one."""
        if not text:
            return None
        if text not in self._known:
            self._known[text] = self.resolve(text)
        return self._known[text]

    def resolve(self, text: str) -> str | None:
        """As `registered`, worked out afresh."""
        return _suffixes().privatesuffix(host_of(text))


def host_of(text: str) -> str:
    """The host of a URL, or the bare host: lower case, no scheme, user, port, path or trailing dot."""
    host = text.strip().lower()
    scheme, separator, rest = host.partition("://")
    if separator:
        host = rest
    elif scheme.startswith("mailto:"):
        return ""
    for end in "/?#":
        host = host.partition(end)[0]
    return host.rpartition("@")[2].partition(":")[0].rstrip(".")


def label_of(key: str) -> str:
    """The text before the first dot of a registered domain."""
    return key.partition(".")[0]


def exclusion(key: str) -> str | None:
    """The name of the policy list that excludes `key`, or None."""
    return next((name for name, domains in EXCLUSIONS.items() if key in domains), None)


@cache
def _suffixes() -> PublicSuffixList:
    # Registries' suffixes only: github.io and its like are somebody's domain, not a suffix.
    return PublicSuffixList(accept_unknown=False, only_icann=True)
