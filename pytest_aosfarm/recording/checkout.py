"""Which version of which branch is checked out, read from the files of git, and whether it was changed since."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ("Changes", "Checkout", "checkout_of")

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Checkout(NamedTuple):
    """A working tree; `branch` is None when none is checked out, `sha` before the first commit."""

    top: Path
    branch: str | None
    sha: str | None


def checkout_of(folder: Path) -> Checkout | None:
    """The working tree that `folder` is in, or None. Never raises: what cannot be read is not known."""
    for top in (folder, *folder.parents):
        if (top / ".git").exists():
            try:
                return _read(top)
            except (OSError, UnicodeDecodeError):
                return Checkout(top, None, None)
    return None


def _read(top: Path) -> Checkout:
    git = top / ".git"
    if git.is_file():
        # A worktree or a submodule: the file says where the rest is.
        git = top / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    head = (git / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith("ref:"):
        return Checkout(top, None, _sha(head))
    name = head.removeprefix("ref:").strip()
    return Checkout(top, name.removeprefix("refs/heads/"), _resolved(git, name))


def _resolved(git: Path, name: str) -> str | None:
    shared = git / "commondir"
    common = git / shared.read_text(encoding="utf-8").strip() if shared.is_file() else git
    for place in (git / name, common / name):
        if place.is_file():
            return _sha(place.read_text(encoding="utf-8").strip())
    packed = common / "packed-refs"
    if packed.is_file():
        for line in packed.read_text(encoding="utf-8").splitlines():
            sha, _, ref = line.partition(" ")
            if ref == name:
                return _sha(sha)
    return None


def _sha(text: str) -> str | None:
    return text if _SHA.fullmatch(text) else None


class Changes:
    """Asks git in the background whether tracked files were changed: in a large tree that takes seconds."""

    def __init__(self, top: Path) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._answer: bool | None = None
        git = shutil.which("git")
        if git is None:
            return
        command = (git, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no", "--ignore-submodules")
        try:
            self._process = subprocess.Popen(  # noqa: S603 - fixed words
                command, cwd=top, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        except OSError:
            return

    def seen(self, *, seconds: float) -> bool | None:
        """Whether there are changes; None when git does not know, or does not say so within `seconds`."""
        if self._process is not None:
            try:
                output, _ = self._process.communicate(timeout=seconds)
            except (subprocess.TimeoutExpired, OSError, ValueError):
                return None
            self._answer = bool(output.strip()) if self._process.returncode == 0 else None
            self._process = None
        return self._answer

    def stop(self) -> None:
        """Wait no longer."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
