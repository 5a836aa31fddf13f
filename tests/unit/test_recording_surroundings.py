"""What is checked out and which CI job runs is read from files and variables, and never in the way of a run."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_aosfarm.recording.checkout import Changes, Checkout, checkout_of
from pytest_aosfarm.recording.ci import NO_CI, Ci, ci_of

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    config = ("-c", "user.name=me", "-c", "user.email=me@example.com", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *config, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working tree with one commit on main."""
    top = tmp_path / "tree"
    (top / "deep" / "er").mkdir(parents=True)
    git(top, "init", "-q")
    (top / "file").write_text("one")
    git(top, "add", ".")
    git(top, "commit", "-qm", "first")
    return top


def test_branch_and_commit_are_those_of_git(tree: Path, tmp_path: Path) -> None:
    sha = git(tree, "rev-parse", "HEAD")
    assert checkout_of(tree / "deep" / "er") == Checkout(tree, "main", sha)
    git(tree, "checkout", "-qb", "feature/x")
    assert checkout_of(tree) == Checkout(tree, "feature/x", sha)
    git(tree, "pack-refs", "--all")
    assert checkout_of(tree) == Checkout(tree, "feature/x", sha)
    git(tree, "worktree", "add", "-q", str(tmp_path / "other"), "-b", "aside")
    assert checkout_of(tmp_path / "other") == Checkout(tmp_path / "other", "aside", sha)
    git(tree, "checkout", "-q", sha)
    assert checkout_of(tree) == Checkout(tree, None, sha)


def test_before_the_first_commit_there_is_a_branch(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert checkout_of(tmp_path) == Checkout(tmp_path, "main", None)


@pytest.mark.parametrize("content", ["gitdir: /nowhere/at/all\n", "\udcff", ""])
def test_what_cannot_be_read_is_not_known(tmp_path: Path, content: str) -> None:
    (tmp_path / ".git").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert checkout_of(tmp_path) == Checkout(tmp_path, None, None)
    assert Changes(tmp_path).seen(seconds=10) is None


def test_changes_are_those_of_tracked_files(tree: Path) -> None:
    (tree / "untracked").touch()
    assert Changes(tree).seen(seconds=10) is False
    (tree / "file").write_text("two")
    changes = Changes(tree)
    assert changes.seen(seconds=10) is True
    assert changes.seen(seconds=0) is True


def test_git_that_is_slow_or_not_there_is_waited_for_no_longer(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "git"
    tool.write_text("#!/bin/sh\nexec sleep 60\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    changes = Changes(tree)
    assert changes.seen(seconds=0.01) is None
    changes.stop()
    assert changes.seen(seconds=1) is None
    tool.write_text("#!/bin/sh\nsleep 0.2\necho ' M file'\n")
    changes = Changes(tree)
    assert changes.seen(seconds=0.01) is None
    assert changes.seen(seconds=10) is True
    tool.write_text("no program")
    assert Changes(tree).seen(seconds=1) is None
    monkeypatch.setenv("PATH", "/nowhere")
    assert Changes(tree).seen(seconds=1) is None


CASES = [
    (
        {
            "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "me/it",
            "GITHUB_RUN_ID": "42", "GITHUB_REF": "refs/pull/7/merge", "GITHUB_HEAD_REF": "feature/1", "GITHUB_SHA": "abc",
            "GITHUB_REF_NAME": "7/merge", "CI": "true",
        },
        Ci("github", "https://github.com/me/it/actions/runs/42", "7", "feature/1", "abc"),
    ),
    (
        {
            "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "me/it",
            "GITHUB_RUN_ID": "42", "GITHUB_REF": "refs/heads/v2", "GITHUB_HEAD_REF": "", "GITHUB_SHA": "abc",
            "GITHUB_REF_NAME": "v2",
        },
        Ci("github", "https://github.com/me/it/actions/runs/42", None, "v2", "abc"),
    ),
    (
        {
            "GITLAB_CI": "true", "CI_JOB_URL": "https://gitlab.com/x/-/jobs/1", "CI_MERGE_REQUEST_IID": "12",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature", "CI_COMMIT_REF_NAME": "refs/x", "CI_COMMIT_SHA": "abc",
        },
        Ci("gitlab", "https://gitlab.com/x/-/jobs/1", "12", "feature", "abc"),
    ),
    (
        {
            "JENKINS_URL": "https://ci/", "BUILD_URL": "https://ci/1/", "BRANCH_NAME": "PR-3", "CHANGE_ID": "3",
            "GIT_COMMIT": "a",
        },
        Ci("jenkins", "https://ci/1/", "3", "PR-3", "a"),
    ),
    (
        {
            "BUILDKITE": "true", "BUILDKITE_BUILD_URL": "https://b/1", "BUILDKITE_JOB_ID": "j", "BUILDKITE_BRANCH": "main",
            "BUILDKITE_PULL_REQUEST": "false", "BUILDKITE_COMMIT": "a",
        },
        Ci("buildkite", "https://b/1#j", None, "main", "a"),
    ),
    (
        {"CIRCLECI": "true", "CIRCLE_BUILD_URL": "https://c/1", "CIRCLE_PULL_REQUEST": "https://github.com/me/it/pull/9"},
        Ci("circleci", "https://c/1", "9", None, None),
    ),
    (
        {
            "TF_BUILD": "True", "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI": "https://dev.azure.com/me/",
            "SYSTEM_TEAMPROJECT": "it", "BUILD_BUILDID": "5", "BUILD_SOURCEBRANCH": "refs/heads/main",
            "BUILD_SOURCEVERSION": "a", "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER": "4",
        },
        Ci("azure", "https://dev.azure.com/me/it/_build/results?buildId=5", "4", "main", "a"),
    ),
    ({"CI": "1"}, Ci("other")),
    ({"CI": "false", "GITHUB_ACTIONS": ""}, NO_CI),
    ({"GITHUB_ACTIONS": "true"}, Ci("github")),
    ({}, NO_CI),
]  # fmt: skip


@pytest.mark.parametrize(("variables", "job"), CASES)
def test_the_job_of_each_provider(variables: dict[str, str], job: Ci) -> None:
    assert ci_of(variables) == job
