"""The marker and the fixture `chaos`; what they stand for is loaded when a test has to do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_aosfarm.errors import ConfigurationError
from pytest_aosfarm.plugin.identity import identity_of
from pytest_aosfarm.plugin.keys import CHAOS_PLUGIN, CHAOS_TOLD, policy_key, replay_key, settings_key, told_key
from pytest_aosfarm.plugin.markers import is_foreign

if TYPE_CHECKING:
    from pytest_aosfarm.chaos.handle import Chaos

__all__ = ("chaos",)

_MARKER = (
    "chaos(*modules, fault=…, rate=…, route=…, preset=…): faults in this test's calls to these modules, such as "
    'chaos("aod", fault="503", rate=0.2) or chaos(preset="brownout"); instead of the run\'s own policy'
)


@pytest.fixture(scope="session")
def chaos(pytestconfig: pytest.Config, farm: Any) -> Chaos:  # noqa: ARG001 - the modules' clients are wrapped there
    """Faults in HTTP calls that replay: `chaos.on("aod", "GET /health", fault="503")`, `chaos.wrap(client)`, `chaos.calls`.

    One handle for all tests; what it says of calls, faults and time is always of the test that is under way. The
    clients of the modules are wrapped already.
    """
    run = pytestconfig.pluginmanager.get_plugin(CHAOS_PLUGIN)
    if run is None:
        pytest.fail(
            "aosfarm: no test of this session was known to use chaos; name the fixture as an argument of the test (or of a "
            "fixture of its), or mark the test with `chaos`, instead of asking for it with getfixturevalue",
            pytrace=False,
        )
    handle: Chaos = run.chaos
    return handle


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; a policy or a token that is none is one line before any test runs."""
    config.addinivalue_line("markers", _MARKER)
    settings = config.stash[settings_key]
    config.stash[policy_key] = config.stash[replay_key] = None
    try:
        if settings.chaos != "off":
            from pytest_aosfarm.chaos.presets import policy_of

            config.stash[policy_key] = policy_of(settings.chaos)
        if settings.replay is not None:
            from pytest_aosfarm.chaos.plan import Schedule

            config.stash[replay_key] = Schedule.from_token(settings.replay)
    except ConfigurationError as error:
        raise pytest.UsageError(f"aosfarm: {error}") from None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With a token, keep only the test that it is of."""
    replay = config.stash[replay_key]
    if replay is None:
        return
    kept = [item for item in items if identity_of(item) == replay.test]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def pytest_collection_finish(session: pytest.Session) -> None:
    """Get ready when there is a test that has to do with chaos."""
    config = session.config
    is_ours = not is_foreign(_MARKER, config)

    def asks(item: pytest.Item) -> bool:
        marked = is_ours and item.get_closest_marker("chaos") is not None
        return marked or "chaos" in getattr(item, "fixturenames", ())

    if config.stash[policy_key] or config.stash[replay_key] or any(map(asks, session.items)):
        from pytest_aosfarm.plugin.chaos_run import ChaosRun

        config.pluginmanager.register(ChaosRun(config, asks, is_ours=is_ours), CHAOS_PLUGIN)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """From an xdist worker, send up what there is to be said."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None and told_key in session.config.stash:
        output[CHAOS_TOLD] = session.config.stash[told_key].plain()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker sends up; one that has died sends nothing."""
    plain = (getattr(node, "workeroutput", None) or {}).get(CHAOS_TOLD)
    if plain is not None:
        from pytest_aosfarm.plugin.chaos_told import ChaosTold

        node.config.stash.setdefault(told_key, ChaosTold()).add(plain)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what there is to be said of the tests with chaos."""
    settings = config.stash[settings_key]
    told = config.stash.get(told_key, None)
    lines = [] if told is None else [*told.lines(canary=settings.chaos == "canary")]
    if lines:
        terminalreporter.write_sep("=", "aosfarm chaos")
        for line in lines:
            terminalreporter.write_line(line)
    if settings.replay is not None and terminalreporter.stats.keys() <= {"deselected"}:
        terminalreporter.write_line("aosfarm: the test of this --farm-replay is not among those that were collected")
