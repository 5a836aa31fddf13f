"""The line that a red test prints: run anywhere, it gives the test the same data and the same faults."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from pytest_aosfarm.plugin.keys import settings_key
from pytest_aosfarm.recording.attempts import ungrouped

if TYPE_CHECKING:
    import pytest

__all__ = ("replay_line",)

_OF_THE_DATA = ("seed", "scale", "profile", "anchor", "tenant", "chaos_time")


def replay_line(item: pytest.Item, token: str) -> str:
    """`pytest NODEID … --farm-replay=TOKEN`, with every setting that the data or the time of the test depend on."""
    config = item.config
    settings = config.stash[settings_key]
    file, separator, names = ungrouped(item.nodeid).partition("::")
    words = ["pytest", os.path.relpath(config.rootpath / file, config.invocation_params.dir) + separator + names]
    for name in _OF_THE_DATA:
        if settings.sources[name] == "default" and not (name == "anchor" and settings.urls):
            continue
        value = getattr(settings, name)
        text = value.isoformat() if name == "anchor" else str(value)
        words.append(f"--farm-{name.replace('_', '-')}={text}")
    return shlex.join([*words, f"--farm-replay={token}"])
