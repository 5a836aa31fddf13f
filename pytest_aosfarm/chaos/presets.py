"""The policies that have a name, and those in TOML files."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_aosfarm.chaos.policy import Policy, explained
from pytest_aosfarm.errors import ConfigurationError

__all__ = ("PRESETS", "policy_of")

PRESETS: dict[str, list[dict[str, Any]]] = {
    "gentle": [{"id": "gentle", "faults": ["503", "latency:200ms"], "when": {"rate": 0.01}}],
    "flaky": [{"id": "flaky", "faults": ["503", "read_timeout", "reset"], "when": {"rate": 0.1}}],
    "brownout": [
        {"id": "brownout errors", "faults": ["503"], "when": {"rate": 0.05}},
        {"id": "brownout", "faults": ["latency:p50=800ms, p99=8s"]},
    ],
    "blackout": [{"id": "blackout", "faults": ["refused"]}],
    "rate-limited": [
        {"id": "rate-limited", "faults": ["rate_limited:1s"], "when": {"rate": 0.25}},
    ],
    "bad-bytes": [
        {
            "id": "bad-bytes",
            "faults": ["truncated", "corrupt", "malformed_json", "wrong_content_type", "bad_gzip", "empty"],
            "when": {"rate": 0.2},
        },
    ],
    "slow-loris": [{"id": "slow-loris", "faults": ["slow_body"]}],
    "swizzle": [
        {"id": "swizzle refused", "faults": ["refused"], "when": {"rate": 0.5, "burst": {"on": 1, "off": 3}}},
        {"id": "swizzle timeout", "faults": ["read_timeout"], "when": {"rate": 0.5, "burst": {"on": 2, "off": 3}}},
        {"id": "swizzle error", "faults": ["502"], "when": {"rate": 0.5, "burst": {"on": 3, "off": 3}}},
    ],
    "failover": [{"id": "failover", "faults": ["refused"], "when": {"first": 2}}],
    "canary": [{"id": "canary", "faults": ["500"]}],
}
"""What each preset does stands in docs/chaos.md. `canary` must turn every test red that calls a module at all."""


def policy_of(text: str) -> Policy:
    """The policy of a preset's name or a TOML file's path. Raises ConfigurationError for anything else."""
    if text in PRESETS:
        return Policy.model_validate({"name": text, "rules": PRESETS[text]})
    path = Path(text)
    try:
        if path.suffix != ".toml" and not path.is_file():
            raise ConfigurationError(f"chaos {text!r} is neither a preset nor a file; presets: off, {', '.join(PRESETS)}")
        written = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise ConfigurationError(f"chaos {text!r} cannot be read: {problem.strerror}") from None
    except ValueError as problem:
        raise ConfigurationError(f"chaos {text!r} cannot be read: {problem}") from None
    try:
        return Policy.model_validate({"name": path.stem, **tomllib.loads(written)})
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise ConfigurationError(f"chaos {text!r} is no TOML: {problem}") from None
    except ValidationError as problem:
        raise ConfigurationError(f"chaos {text!r} is no policy: {explained(problem)}") from None
