"""Which CI system runs the tests, and what it says of the change under test: from the variables that it sets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("NO_CI", "Ci", "ci_of")


class Ci(NamedTuple):
    """A job of a CI system; `change` is the number of the pull or merge request. None is what it does not say."""

    provider: str | None
    url: str | None = None
    change: str | None = None
    branch: str | None = None
    sha: str | None = None


NO_CI = Ci(None)


class _Provider(NamedTuple):
    """How a provider is told (by a variable), and templates of what it says; the first with all its variables counts."""

    name: str
    told_by: str
    url: tuple[str, ...]
    change: tuple[str, ...]
    branch: tuple[str, ...]
    sha: tuple[str, ...]


_PROVIDERS = (
    _Provider(
        "github", "GITHUB_ACTIONS",
        url=("{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",),
        change=("{GITHUB_REF}",),
        branch=("{GITHUB_HEAD_REF}", "{GITHUB_REF_NAME}"),
        sha=("{GITHUB_SHA}",),
    ),
    _Provider(
        "gitlab", "GITLAB_CI",
        url=("{CI_JOB_URL}",),
        change=("{CI_MERGE_REQUEST_IID}",),
        branch=("{CI_MERGE_REQUEST_SOURCE_BRANCH_NAME}", "{CI_COMMIT_BRANCH}", "{CI_COMMIT_REF_NAME}"),
        sha=("{CI_COMMIT_SHA}",),
    ),
    _Provider(
        "jenkins", "JENKINS_URL",
        url=("{BUILD_URL}",),
        change=("{CHANGE_ID}",),
        branch=("{CHANGE_BRANCH}", "{BRANCH_NAME}", "{GIT_BRANCH}"),
        sha=("{GIT_COMMIT}",),
    ),
    _Provider(
        "buildkite", "BUILDKITE",
        url=("{BUILDKITE_BUILD_URL}#{BUILDKITE_JOB_ID}", "{BUILDKITE_BUILD_URL}"),
        change=("{BUILDKITE_PULL_REQUEST}",),
        branch=("{BUILDKITE_BRANCH}",),
        sha=("{BUILDKITE_COMMIT}",),
    ),
    _Provider(
        "circleci", "CIRCLECI",
        url=("{CIRCLE_BUILD_URL}",),
        change=("{CIRCLE_PR_NUMBER}", "{CIRCLE_PULL_REQUEST}"),
        branch=("{CIRCLE_BRANCH}",),
        sha=("{CIRCLE_SHA1}",),
    ),
    _Provider(
        "azure", "TF_BUILD",
        url=("{SYSTEM_TEAMFOUNDATIONCOLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",),
        change=("{SYSTEM_PULLREQUEST_PULLREQUESTNUMBER}", "{SYSTEM_PULLREQUEST_PULLREQUESTID}"),
        branch=("{SYSTEM_PULLREQUEST_SOURCEBRANCH}", "{BUILD_SOURCEBRANCH}"),
        sha=("{BUILD_SOURCEVERSION}",),
    ),
    _Provider("other", "CI", url=(), change=(), branch=(), sha=()),
)  # fmt: skip

_NUMBER = re.compile(r"(?:^|/)([0-9]+)(?:/merge|/head)?$")


def ci_of(variables: Mapping[str, str]) -> Ci:
    """The job that these environment variables tell of; `NO_CI` outside of one."""
    for provider in _PROVIDERS:
        if variables.get(provider.told_by, "").lower() in {"", "false", "0"}:
            continue
        change = _first(provider.change, variables)
        number = _NUMBER.search(change) if change else None
        branch = _first(provider.branch, variables)
        return Ci(
            provider.name,
            url=_first(provider.url, variables),
            change=number[1] if number else None,
            branch=None if branch is None else branch.removeprefix("refs/heads/"),
            sha=_first(provider.sha, variables),
        )
    return NO_CI


def _first(templates: tuple[str, ...], variables: Mapping[str, str]) -> str | None:
    given = {name: text for name, text in variables.items() if text}
    for template in templates:
        try:
            return template.format_map(given)
        except KeyError:
            continue
    return None
