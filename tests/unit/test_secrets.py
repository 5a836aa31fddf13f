"""A URL as it may be shown."""

from __future__ import annotations

import pytest

from pytest_aosfarm.urls import redacted


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://aod.test/x", "http://aod.test/x"),
        ("http://me:secret@aod.test:80/x", "http://***@aod.test:80/x"),
        ("http://me:se@cr/et@aod.test", "http://***@aod.test"),
        ("me:secret@aod.test", "***@aod.test"),
    ],
)
def test_redacted(url, shown) -> None:
    assert redacted(url) == shown
