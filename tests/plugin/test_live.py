"""A module at a URL: looked for before the first test, named clearly when it is not there, its password never shown."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

NEVER = "import pytest\n@pytest.mark.lab('aod')\ndef test_never(): open('ran', 'w')\n"


@contextmanager
def something_else(status: int = 200, body: bytes = b'{"hello": "world"}'):
    """A server that is no AOD; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def aod_url():
    from pytest_aosfarm.twins.process import TwinProcess

    with TwinProcess.start("aod") as twin:
        yield twin.url


def refusal(result: pytest.RunResult) -> str:
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.lines if line.strip()]
    assert line.startswith("ERROR: aosfarm: ")
    return line


@pytest.mark.parametrize("url", ["localhost:5000", "ftp://host", "http://", "http://[::1", "http://host:99999"])
def test_a_wrong_url(pytester, plugin_args, monkeypatch, url):
    monkeypatch.setenv("AOD_BASE_URL", url)
    line = refusal(pytester.runpytest("--farm-seed=1", *plugin_args))
    assert f"aod url {url!r} (from env AOD_BASE_URL) is not valid; valid: http://HOST[:PORT]" in line


def test_live_without_a_url(pytester, plugin_args):
    line = refusal(pytester.runpytest("--lab=aod", "--farm-modules=live", *plugin_args))
    assert "modules 'live' (from option --farm-modules) needs the address of aod: set AOD_BASE_URL" in line


def test_unreachable_is_one_line_before_the_first_test(pytester, plugin_args, monkeypatch):
    monkeypatch.setenv("AOD_BASE_URL", "http://user:secret@127.0.0.1:9")
    pytester.makepyfile(NEVER)
    line = refusal(pytester.runpytest("--lab=aod", *plugin_args))
    assert line.startswith("ERROR: aosfarm: AOD_BASE_URL: no AOD at http://127.0.0.1:9")
    assert "secret" not in line
    assert not (pytester.path / "ran").exists()
    assert not (pytester.path / ".aosfarm").exists()


@pytest.mark.parametrize(("status", "body"), [(200, b'{"hello": "world"}'), (404, b"{}"), (200, b"<html>")])
def test_not_an_aod_is_one_line_before_the_first_test(pytester, plugin_args, monkeypatch, status, body):
    pytester.makepyfile(NEVER)
    with something_else(status, body) as url:
        monkeypatch.setenv("AOD_BASE_URL", url)
        line = refusal(pytester.runpytest("--lab=aod", *plugin_args))
    assert f"AOD_BASE_URL: no AOD at {url}" in line
    assert not (pytester.path / "ran").exists()


@pytest.mark.parametrize("args", [["--help"], ["--collect-only"], ["--fixtures"], ["--markers"], ["--version"]])
def test_nobody_is_asked_when_no_test_will_run(pytester, monkeypatch, args):
    monkeypatch.setenv("AOD_BASE_URL", "http://127.0.0.1:9")
    pytester.makepyfile(NEVER)
    assert pytester.runpytest("--lab=aod", *args).ret == pytest.ExitCode.OK


def test_a_repo_that_only_uses_the_fixture_hears_it_from_the_test(pytester, plugin_args, monkeypatch):
    monkeypatch.setenv("AOD_BASE_URL", "http://127.0.0.1:9")
    pytester.makepyfile("def test_a(aod): pass\ndef test_b(aod): pass\ndef test_c(): pass\n")
    result = pytester.runpytest(*plugin_args)
    result.assert_outcomes(errors=2, passed=1)
    result.stdout.fnmatch_lines(["*ModuleError: AOD_BASE_URL: no AOD at http://127.0.0.1:9: *"])


def test_the_fixture_speaks_to_the_address_with_fresh_tenants(pytester, plugin_args, monkeypatch, aod_url):
    monkeypatch.setenv("AOD_BASE_URL", aod_url)
    pytester.makepyfile(
        """
        def test_a(aod, tenant, discovery_snapshot, farm):
            assert farm.is_live("aod")
            assert farm.twin_pid("aod") is None
            assert aod.runs() == []
            assert aod.discover(discovery_snapshot.body(tenant)).status
            print("@", aod.base_url, farm.settings.anchor.year, "@")
        """
    )
    for _ in range(2):
        result = pytester.runpytest("-rP", *plugin_args)
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines([f"@ {aod_url} {datetime.now(UTC).year} @"])


def test_the_header_shows_the_address_without_its_password(pytester, plugin_args, monkeypatch):
    monkeypatch.setenv("AAM_BASE_URL", "http://user:secret@localhost:1")
    pytester.makepyfile("def test_a(): pass")
    result = pytester.runpytest("--farm-seed=1", *plugin_args)
    result.stdout.fnmatch_lines(["aosfarm:*modules=live (default), *aam=http://[*][*][*]@localhost:1 (env AAM_BASE_URL)"])
    assert "secret" not in result.stdout.str()
