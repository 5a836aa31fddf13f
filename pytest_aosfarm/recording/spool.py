"""The first place a result goes to: an append-only file of one JSON line per event, one file per run."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_aosfarm.recording.events import AttemptFinished, Event, RunStarted, decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ("SpoolReader", "SpoolWriter", "claim", "read_spool")

READ_BYTES = 1 << 16

SPOOL_BYTES = 512 << 20
"""A spool that has grown to this size takes no more outputs of tests; outcomes it takes always."""


class SpoolWriter:
    """Appends events to a new file, each by one system call, so that a killed process loses none.

    `size` is the number of bytes written so far, in whole events. While the writer lives it holds a lock on the file,
    which the kernel lets go however the process ends: so `claim` tells a living run from a dead one. Everything here
    may raise OSError.
    """

    def __init__(self, path: Path, *, most_bytes: int = SPOOL_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.size = 0
        self._most_bytes = most_bytes
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            raise

    def write(self, event: Event) -> None:
        """Append one event."""
        line = f"{encode(event)}\n".encode("ascii")
        if self.size + len(line) > self._most_bytes and isinstance(event, AttemptFinished) and event.outputs:
            line = f"{encode(replace(event, outputs={}))}\n".encode("ascii")
        written = os.write(self._fd, line)
        if written < len(line):
            raise OSError(f"{written} of {len(line)} bytes written: the disk is full")
        self.size += written

    def close(self, *, keep: bool = False) -> None:
        """Let go of the file; with `keep` only when it is on the disk, where a dying machine cannot take it back."""
        try:
            if keep:
                os.fsync(self._fd)
        finally:
            os.close(self._fd)


class SpoolReader:
    """Reads on in a spool that somebody else still writes to, whole lines only; `offset` is behind the last one.

    It is given a file descriptor: the file may be taken away meanwhile.
    """

    def __init__(self, fd: int) -> None:
        self.offset = 0
        self._fd = fd

    def news(self) -> Iterator[tuple[Event, int, int]]:
        """The events that have come since, each with the offsets before and behind it. Raises OSError."""
        size = READ_BYTES
        while found := os.pread(self._fd, size, self.offset):
            whole = found.rfind(b"\n") + 1
            if not whole:
                if len(found) < size:
                    return
                size *= 2
            for line in found[:whole].splitlines(keepends=True):
                start = self.offset
                self.offset += len(line)
                with suppress(ValueError):
                    yield decode(line.decode("ascii")), start, self.offset


def read_spool(path: Path, start: int = 0, end: int | None = None) -> Iterator[tuple[Event | None, int]]:
    """The events of a spool between two offsets, each with the offset behind it; None for a line that is no event.

    A spool may end in a torn line. Raises OSError, and RecordingError when a newer version wrote it.
    """
    run: RunStarted | None = None
    with path.open("rb") as lines:
        offset = lines.seek(start)
        for line in lines:
            if end is not None and offset >= end:
                return
            offset += len(line)
            try:
                event = decode(line.decode("utf-8", "replace"), run)
            except ValueError:
                yield None, offset
                continue
            if isinstance(event, RunStarted):
                run = event
            yield event, offset


def claim(path: Path) -> int | None:
    """Lock the spool of a dead run and return the file descriptor to close, or None while its run still lives.

    Raises OSError, FileNotFoundError among them: another process may just have imported it.
    """
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd
