"""GitHub Actions: a summary and annotations of recorded runs, whatever happens, and nothing of any other run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SUITE = """
    import pytest

    @pytest.mark.parametrize("x", ["::error::in a name", "a|b</code><script>"])
    def test_bad(x):
        print("::set-output name=x::y")
        pytest.fail("::warning::first line\\n::error::second line</pre><h1>", pytrace=False)

    def test_good(): pass
"""


@pytest.fixture
def job(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The summary of a step in a job of GitHub Actions, to which an earlier command has written."""
    path = pytester.path / "summary.md"
    path.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(pytester.path.parent))
    return path


def commands(result: pytest.RunResult) -> list[str]:
    """The commands of ours: what a test prints, pytest shows, and that is between the test and GitHub."""
    lines = result.outlines
    start = next((number for number, line in enumerate(lines) if "AOS-Farm" in line), len(lines))
    return [line for line in lines[start:] if line.lstrip().startswith("::") or "##[" in line]


def test_a_run_is_told_with_its_failures(
    pytester: pytest.Pytester, job: Path, plugin_args: tuple[str, ...]
) -> None:
    path = pytester.makepyfile(SUITE)
    result = pytester.runpytest("--farm-seed=1", "-o", "console_output_style=classic", *plugin_args)
    assert result.ret == 1
    place = f"{pytester.path.name}/{path.name}"
    told = commands(result)
    assert len(told) == 2
    for line, name in zip(sorted(told), ("%3A%3Aerror%3A%3Ain a name", "a|b</code><script>"), strict=True):
        assert line.startswith(f"::error file={place},line=")
        assert f"title=failed%3A {path.name}%3A%3Atest_bad[{name}]::" in line
        assert line.endswith("::warning::first line%0A::error::second line</pre><h1>")
    written = job.read_text(encoding="utf-8")
    assert written.startswith("before\n## ❌ AOS-Farm run 1: failed\n\n1 passed, 2 failed in ")
    assert written.count("<details><summary><code>") == 2
    assert "seed <code>1</code>" in written
    assert "<h1>" not in written
    assert "<script>" not in written
    assert "second line&lt;/pre&gt;&lt;h1&gt;" in written


def test_the_next_run_says_what_fails_anew(pytester: pytest.Pytester, job: Path) -> None:
    pytester.makepyfile(test_it="def test_a(): pass\ndef test_b(): pass")
    pytester.runpytest("--farm-seed=1")
    pytester.makepyfile(test_it="def test_a(): pass\ndef test_b(): assert 0, 'new | trouble'")
    pytester.runpytest("--farm-seed=1")
    lines = job.read_text(encoding="utf-8").splitlines()
    assert "**Compared with &#35;1&#58; 1 newly failing**" in lines
    name, message = lines[lines.index("| newly failing | message |") + 2].split(" | ")
    assert name == "| <code>test&#95;it&#46;py&#58;&#58;test&#95;b</code>"
    assert message.startswith("<code>AssertionError&#58; new &#124; trouble")


def test_no_secret_is_told(pytester: pytest.Pytester, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2hunter2")
    pytester.makepyfile(
        """
        import os, pytest
        @pytest.mark.parametrize("x", [os.environ["DB_PASSWORD"]])
        def test_bad(x): assert not x, f"password is {x}"
        """
    )
    result = pytester.runpytest("--farm-seed=1", "--tb=no", "-rN")
    written = job.read_text(encoding="utf-8") + "".join(commands(result))
    assert written.count("***") + written.count("&#42;&#42;&#42;") >= 4
    assert "hunter2" not in written


def test_after_ctrl_c_too(pytester: pytest.Pytester, job: Path) -> None:
    pytester.makepyfile("def test_a(): assert 0\ndef test_b(): raise KeyboardInterrupt\ndef test_c(): pass")
    result = pytester.runpytest_subprocess("--farm-seed=1")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    written = job.read_text(encoding="utf-8")
    assert "AOS-Farm run 1: interrupted" in written
    assert "1 failed, 2 not run in " in written
    assert len(commands(result)) == 1


def test_without_a_terminal_and_after_an_internal_error_the_summary_is_written(pytester: pytest.Pytester, job: Path) -> None:
    pytester.makepyfile("def test_a(): pass")
    pytester.runpytest("--farm-seed=1", "-p", "no:terminal")
    pytester.makeconftest("def pytest_runtestloop(session): raise RuntimeError('boom')")
    pytester.runpytest("--farm-seed=1")
    written = job.read_text(encoding="utf-8")
    assert "✅ AOS-Farm run 1: passed" in written
    assert "❌ AOS-Farm run 2: error" in written


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("--farm-seed=1", "--farm-gha=off"), {}),
        ((), {}),
        (("--farm-seed=1", "--no-farm-record"), {}),
        (("--farm-seed=1",), {"GITHUB_ACTIONS": None, "GITHUB_STEP_SUMMARY": None}),
    ],
    ids=["switched off", "no use of the Farm", "no record", "elsewhere"],
)
def test_nothing_is_told_of_other_runs(
    pytester: pytest.Pytester,
    job: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    variables: dict[str, None],
) -> None:
    for name in variables:
        monkeypatch.delenv(name)
    pytester.makepyfile("def test_a(): assert 0")
    result = pytester.runpytest(*arguments)
    assert result.ret == 1
    assert not commands(result)
    assert job.read_text() == "before\n"


def test_what_other_runs_of_the_step_wrote_counts_and_no_summary_is_half_one(pytester: pytest.Pytester, job: Path) -> None:
    job.write_bytes(b"x" * (900 * 1024 - 100))
    pytester.makepyfile("def test_a(): assert 0")
    pytester.runpytest("--farm-seed=1")
    written = job.read_bytes()
    assert len(written) <= 900 * 1024
    assert written.endswith(b"<!-- cut: GitHub takes no more -->\n")


def test_a_summary_that_cannot_be_written_is_one_line(
    pytester: pytest.Pytester, job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job.parent / "no" / "where.md"))
    pytester.makepyfile("def test_a(): pass")
    result = pytester.runpytest("--farm-seed=1")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["nothing told to GitHub: *No such file or directory*"])
