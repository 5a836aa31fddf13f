"""What goes wrong shows no secret either: neither an error nor what it is made from, in text, repr and traceback."""

from __future__ import annotations

import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

# pytester forgets what an inner run of another test has imported, and NumPy cannot be imported twice.
import pytest_aosfarm.sinks.postgres  # noqa: F401 - imported for its effect, as the line above says
from pytest_aosfarm.cli import main
from pytest_aosfarm.errors import ConfigurationError, RecordingError
from pytest_aosfarm.recording.location import parse_db
from pytest_aosfarm.recording.store import RunStore
from pytest_aosfarm.settings import resolve

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "hunter22"
AWAY = f"postgresql://me:{SECRET}@127.0.0.1:1/x"
URLS = [AWAY, f"postgresql://me:{SECRET}@h:port/x", f"mysql://me:{SECRET}@h/x", f"postgresql://me:%zz{SECRET}@h/x?{SECRET}"]


def test_a_server_that_is_away() -> None:
    with pytest.raises(RecordingError, match=r"127\.0\.0\.1") as caught, RunStore(parse_db(AWAY, Path()), "t") as store:
        store.runs()
    assert SECRET not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)


def test_settings() -> None:
    settings = resolve({}, {"AOD_BASE_URL": f"http://me:{SECRET}@h"}, {"db": AWAY}, now=NOW, draw_seed=len)
    assert settings.db == AWAY
    assert SECRET not in repr(settings)
    assert SECRET not in repr(parse_db(AWAY, Path()))


def test_a_url_in_the_wrong_place() -> None:
    with pytest.raises(ConfigurationError, match=r"scale 'http://\*\*\*@h'"):
        resolve({}, {"AOSFARM_SCALE": f"http://me:{SECRET}@h"}, {}, now=NOW, draw_seed=len)


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("command", ["runs", "doctor", "data load", "data unload", "db upgrade", "recover"])
def test_a_command(command, url, capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with suppress(SystemExit):
        main([*command.split(), "--db", url])
    captured = capsys.readouterr()
    assert captured.out + captured.err
    assert SECRET not in captured.out + captured.err
