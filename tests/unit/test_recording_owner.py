"""A dead owner is known at once on its own machine, and never guessed at from another one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.recording import owner
from pytest_aosfarm.recording.owner import is_alive, this_process

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def child() -> Iterator[tuple[subprocess.Popen[str], owner.Owner]]:
    """A process and the owner that it says it is."""
    code = (
        "import sys; from pytest_aosfarm.recording.owner import this_process;"
        "print(repr(this_process()), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, eval(process.stdout.readline(), {"Owner": owner.Owner})
        process.kill()


def test_this_process_is_alive_and_its_token_is_new_every_time() -> None:
    one, other = this_process(), this_process()
    assert is_alive(one) is True
    assert one.token != other.token
    assert replace(one, token="") == replace(other, token="")


def test_a_process_is_alive_while_stopped_and_dead_before_its_parent_noticed(child) -> None:
    process, its = child
    assert its.pid == process.pid
    process.send_signal(signal.SIGSTOP)
    assert is_alive(its) is True
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(its) is False
    process.wait()
    assert is_alive(its) is False


def test_a_pid_that_somebody_else_has_now_is_not_the_owner() -> None:
    assert is_alive(replace(this_process(), started=1)) is False


@pytest.mark.parametrize("unknown", [{"host": "elsewhere"}, {"boot": "another"}, {"boot": None}, {"started": None}])
def test_what_cannot_be_known_is_not_guessed(unknown) -> None:
    assert is_alive(replace(this_process(), **unknown)) is None


def test_where_there_is_no_proc_the_tools_of_the_system_are_asked(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(owner, "PROC", tmp_path)
    answers: dict[str, str | None] = {"sysctl": "a-b-c", "ps": "Wed Nov 25 00:16:18 2026"}
    monkeypatch.setattr(owner, "_asked", lambda tool, *_: answers[tool])
    one = this_process()
    assert (one.boot, one.started) == ("a-b-c", 1795565778)
    assert is_alive(one) is True
    answers["ps"] = None
    assert is_alive(one) is None


def test_a_tool_that_is_not_there_leaves_it_unknown() -> None:
    assert owner._asked("no-such-tool-anywhere") is None
    assert owner._asked("false") is None
    assert owner._asked("echo", " a ", "b") == "a b"
