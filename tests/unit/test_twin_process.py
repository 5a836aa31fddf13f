"""A twin's process: it starts when asked, answers at once, says why if it cannot, and never outlives its parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from pytest_aosfarm.errors import ConfigurationError, TwinError
from pytest_aosfarm.twins import process
from pytest_aosfarm.twins.process import TwinProcess
from pytest_aosfarm.twins.serve import defects, serve

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PARENT = """
import time
from pytest_aosfarm.twins.process import TwinProcess
print(TwinProcess.start("aod").url, flush=True)
time.sleep(60)
"""
FOREGROUND = "import sys; from pytest_aosfarm.twins.serve import serve; sys.exit(serve('aod', defect='flag-nothing'))"


def answers(url: str) -> bool:
    with urlopen(f"{url}/health", timeout=5) as reply:  # an address that this test was given
        return bool(reply.status == 200)


def is_closed(url: str, seconds: float = 10.0) -> bool:
    """Whether nothing listens at `url` any more, waiting so long for it."""
    where = urlsplit(url)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection((where.hostname, where.port), 1).close()
        except OSError:
            return True
        time.sleep(0.02)
    return False


def python(code: str, **options: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment, **options
    )


def first_line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def test_it_answers_when_start_returns_and_is_gone_after_stop() -> None:
    twin = TwinProcess.start("aod")
    assert answers(twin.url)
    assert twin.url.startswith("http://127.0.0.1:")

    twin.stop()
    twin.stop()

    assert is_closed(twin.url, seconds=0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(twin.pid, 0)


def test_two_twins_do_not_meet() -> None:
    with TwinProcess.start("aod") as one, TwinProcess.start("aod") as two:
        assert one.url != two.url
        assert one.pid != two.pid


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
def test_it_ends_when_its_parent_is_killed(how: signal.Signals) -> None:
    with python(PARENT, stderr=subprocess.DEVNULL) as parent:
        url = first_line(parent)
        assert answers(url)
        parent.send_signal(how)
        parent.wait(10)

        assert is_closed(url)


def test_a_twin_that_cannot_start_leaves_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "BOOTSTRAP", "raise SystemExit('the disk is made of cheese')")

    with pytest.raises(TwinError, match=r"aod twin did not come up \(.*exit 1\)") as caught:
        TwinProcess.start("aod")

    assert "| the disk is made of cheese" in str(caught.value)


def test_a_silent_failure_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "BOOTSTRAP", "raise SystemExit(7)")

    with pytest.raises(TwinError, match=r"exit 7\).*nothing on standard error"):
        TwinProcess.start("aod")


@pytest.mark.parametrize("start", [TwinProcess.start, serve], ids=["process", "serve"])
def test_unknown_names_and_defects_list_the_known_ones(start: Callable[..., object]) -> None:
    with pytest.raises(ConfigurationError, match=r"no module is called 'dcm'; known: aod"):
        start("dcm")
    with pytest.raises(ConfigurationError, match=r"no defect 'flag-all'; it has: .*flag-everything"):
        start("aod", defect="flag-all")


def test_defects_are_listed() -> None:
    assert len(defects("aod")) >= 14
    assert defects("aod")["flag-nothing"] == "flags no key as shadow, zombie or parked"


def test_serve_prints_its_url_first_and_does_not_mind_a_closed_standard_input() -> None:
    with python(FOREGROUND, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        url = first_line(child)
        assert answers(url)
        time.sleep(0.2)
        assert child.poll() is None
        child.send_signal(signal.SIGINT)

        assert child.communicate(timeout=10) == ("", "")
        assert child.returncode == 0


def test_serve_takes_the_port_it_is_given_or_says_why_not() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(TwinError, match=rf"cannot listen on 127.0.0.1:{port}: .*--port 0"):
            serve("aod", port=port)
    with pytest.raises(TwinError, match="cannot listen"):
        serve("aod", port=70000)
