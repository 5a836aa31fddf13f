"""Which data a command is about: its options, and the dataset that they and the environment name."""

from __future__ import annotations

import secrets
import signal
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from types import FrameType

    from pytest_aosfarm.cli.output import Commands
    from pytest_aosfarm.synthetic.dataset import Dataset

__all__ = ("action", "clean_end", "dataset_of")

TENANT = "demo"
"""The tenant key where none is given."""

_ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

DATA_SETTINGS = ("scale", "seed", "anchor", "tenant")


def action(
    actions: Commands,
    name: str,
    text: str,
    command: Callable[[argparse.Namespace], int],
    *,
    of_table: bool = False,
) -> argparse.ArgumentParser:
    """A command with the options that name the data, and those that name rows of one table where it is about these."""
    parser = actions.add_parser(name, help=text, description=text)
    if of_table:
        parser.add_argument("table", metavar="TABLE", help="such as customers; `aosfarm data tables` lists them")
        parser.add_argument("--rows", metavar="A:B", help="from row A on, up to but without row B; either may be left out")
    parser.add_argument("--scale", help="small (default), medium, large or planet; env AOSFARM_SCALE")
    parser.add_argument("--seed", help="a whole number, 0x… or random; default 1; env AOSFARM_SEED")
    parser.add_argument("--anchor", metavar="ISO", help="the now of the data; env AOSFARM_ANCHOR")
    parser.add_argument("--tenant", metavar="KEY", help=f"tenant key; default {TENANT}; env AOSFARM_TENANT")
    parser.set_defaults(command=command)
    return parser


def dataset_of(arguments: argparse.Namespace) -> Dataset:
    """The dataset that the options name. Raises ConfigurationError."""
    from pytest_aosfarm.settings import MODULE_URLS, environment, resolve
    from pytest_aosfarm.synthetic.dataset import Dataset

    given = {name: getattr(arguments, name) for name in DATA_SETTINGS}
    options = {name: (f"--{name}", text) for name, text in given.items() if text is not None}
    # Labs and live modules play no part here: neither may move the anchor, or forbid a scale.
    others = {*MODULE_URLS.values(), "AOSFARM_LAB", "AOSFARM_MODULES"}
    env = {name: text for name, text in environment().items() if name not in others}
    settings = resolve(options, env, {}, now=datetime.now(UTC), draw_seed=lambda _: secrets.randbits(63))
    return Dataset(settings.tenant or TENANT, seed=settings.seed, scale=settings.scale, anchor=settings.anchor)


@contextmanager
def clean_end() -> Iterator[Callable[[], None]]:
    """Let SIGTERM, Ctrl-C and a terminal that is closed end the command: what is half-written is removed on the way out.

    Gives a function to call now and then, which ends the command if the signal came where its exception was lost.
    """
    came: list[int] = []

    def check() -> None:
        if came:
            sys.exit(128 + came[0])

    def leave(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        check()

    heard = [number for number in _ENDS if signal.getsignal(number) != signal.SIG_IGN]  # nohup ignores one
    before = [(number, signal.signal(number, leave)) for number in heard]
    try:
        yield check
    finally:
        for number, handler in before:
            signal.signal(number, handler)
