"""What can go wrong, as types. Each message says what was seen, what was looked for and what to do."""

from __future__ import annotations

__all__ = (
    "ChaosError",
    "ChaosTimeError",
    "ConfigurationError",
    "FarmError",
    "LoadError",
    "ModuleError",
    "MustFireError",
    "NotFoundError",
    "ReadOnlyError",
    "RecordingError",
    "TwinError",
)


class FarmError(Exception):
    """Base of every error that the Farm raises on purpose."""


class ConfigurationError(FarmError):
    """A setting, marker argument or command-line value is wrong; nothing has run yet."""


class ModuleError(FarmError):
    """A module under test did not answer, or answered something its contract does not allow."""


class TwinError(FarmError):
    """An embedded module could not be started, or died."""


class RecordingError(FarmError):
    """The run store cannot be read or written."""


class ReadOnlyError(RecordingError):
    """The run store may be read here and not written: its file is read-only, or the role is a reader's."""


class NotFoundError(FarmError):
    """What was asked for by its name or number is not there."""


class LoadError(FarmError):
    """Synthetic data cannot be written to a file or loaded into a database; nobody sees half of it."""


class ChaosError(FarmError):
    """Faults cannot be injected into calls as it was asked, or what a test demands of calls with faults does not hold."""


class ChaosTimeError(ChaosError):
    """Virtual time cannot be had here: a real system answers below, or the event loop's time cannot be moved."""


class MustFireError(ChaosError, AssertionError):
    """Faults that should have been injected were not: the test proves nothing of what it says."""
