"""The child process of a twin: `python -m pytest_aosfarm.twins NAME --fd N`, started by TwinProcess."""

from __future__ import annotations

import argparse
import socket

from pytest_aosfarm.twins.serve import serve_socket


def main(argv: list[str] | None = None) -> int:
    """Serve a twin on an inherited listening socket until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m pytest_aosfarm.twins", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--fd", type=int, required=True, help="the inherited, listening socket")
    parser.add_argument("--defect")
    options = parser.parse_args(argv)
    with socket.socket(fileno=options.fd) as listener:
        serve_socket(options.name, listener, defect=options.defect, until_stdin_closes=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
