"""Files that are there whole or not at all: written beside their place, then moved into it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO
from uuid import uuid4

from pytest_aosfarm.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ("beside", "opened")


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `path` when all went well. Raises LoadError when the disk is full, say.

    What is no regular file, such as /dev/null or a named pipe, is written to as it is.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        with _troubles(path), path.open("wb") as device:
            yield device
        return
    with beside(path) as temporary, temporary.open("xb") as file:
        yield file


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A name in the same folder; the file of that name takes the place of `path`, or is removed if anything fails."""
    target = path.resolve()  # a link stays, what it points to is replaced
    temporary = target.with_name(f".{target.name[:200]}.{uuid4().hex}")
    with _troubles(path):
        if target.exists() and not target.is_file():
            raise LoadError(f"{path} is there and is no file: name another, it stays as it is")
        try:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _troubles(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise LoadError(f"{path} cannot be written: {reason}; nothing was changed there, name another file") from error
