"""A twin in a child process that cannot outlive the process that started it."""

from __future__ import annotations

import http.client
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from pytest_aosfarm.errors import TwinError
from pytest_aosfarm.twins.serve import HOST, bind
from pytest_aosfarm.twins.twin import healthy_or_known

__all__ = ("TwinProcess",)

START_SECONDS = 30.0
STOP_SECONDS = 5.0
STDERR_LINES = 15

# The package is found even where the parent found it by other means than installation (a source tree on sys.path).
BOOTSTRAP = "import sys; sys.path.append(sys.argv.pop(1)); from pytest_aosfarm.twins.__main__ import main; main()"


@dataclass(slots=True)
class TwinProcess:
    """A running twin: `url`, `pid`, `stop()`. Use `TwinProcess.start`; it is a context manager too."""

    name: str
    url: str
    _child: subprocess.Popen[bytes] = field(repr=False)
    _stderr: IO[bytes] = field(repr=False)

    @classmethod
    def start(cls, name: str, *, defect: str | None = None) -> Self:
        """Start the twin of module `name` and return once it answers.

        The socket is bound here and inherited, so there is no port to race for. Raises ConfigurationError for an
        unknown name or defect, TwinError with the child's last words if it does not come up.
        """
        healthy_or_known(name, defect)
        stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child; stop() closes it
        with bind() as listener:
            port = listener.getsockname()[1]
            command = [sys.executable, "-P", "-c", BOOTSTRAP, str(Path(__file__).parents[2])]
            command += [name, "--fd", str(listener.fileno())]
            if defect is not None:
                command += ["--defect", defect]
            child = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=(listener.fileno(),),
                start_new_session=True,  # Ctrl-C is for pytest; the twin ends when pytest lets go of it
            )
        twin = cls(name=name, url=f"http://{HOST}:{port}", _child=child, _stderr=stderr)
        twin._wait_until_it_answers(port)
        return twin

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._child.pid

    def stop(self) -> None:
        """End the child: let go of its standard input, and kill it if that is not enough. Harmless when repeated."""
        if self._child.stdin is not None and not self._child.stdin.closed:
            self._child.stdin.close()
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait_until_it_answers(self, port: int) -> None:
        # One request is enough: it waits in the socket's backlog until the child serves it. The child holds the only
        # copy of the socket, so if it dies the connection breaks at once.
        connection = http.client.HTTPConnection(HOST, port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/health")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if status != http.client.OK:
            raise self._failure(f"GET /health -> {status}")

    def _failure(self, seen: str) -> TwinError:
        try:
            how = f"exit {self._child.wait(1)}"
        except subprocess.TimeoutExpired:
            how = f"still running after {START_SECONDS:g} s"
        self._child.kill()
        self._stderr.seek(0)
        last = self._stderr.read().decode(errors="replace").splitlines()[-STDERR_LINES:]
        self.stop()
        words = "".join(f"\n  | {line}" for line in last) or " (nothing on standard error)"
        return TwinError(f"the {self.name} twin did not come up ({seen}; {how}); its last words:{words}")
