"""The same test has the same identity, tenant and data wherever and however it is run."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from pytest_aosfarm.recording.store import RunStore

SUITE = """
    import hashlib, pytest
    @pytest.fixture
    def digest(tenant, discovery_snapshot, synthetic_assets, record_property):
        rows = repr(list(synthetic_assets.hosts)) + repr(discovery_snapshot.verdicts)
        record_property("farm.digest", hashlib.sha256(rows.encode()).hexdigest())
    def test_one(digest): pass
    @pytest.mark.parametrize("n", [1, 2])
    def test_two(digest, n): pass
    class TestInside:
        def test_three(self, digest): pass
    @pytest.mark.farm_id("kept-name")
    def test_renamed(digest): pass
    @pytest.mark.xdist_group("g")
    def test_grouped(digest): pass
"""
SHUFFLE = """
    import os, random
    def pytest_collection_modifyitems(items):
        if "ORDER" in os.environ:
            random.Random(os.environ["ORDER"]).shuffle(items)
    def pytest_configure(config):
        config.addinivalue_line("markers", "xdist_group(name): known without xdist too")
"""
SHOW = """
    def pytest_collection_finish(session):
        from pytest_aosfarm.plugin.identity import identity_of
        print("@", sorted(identity_of(item) for item in session.items))
"""


def facts(pytester, *args: str, tenant: str = "default") -> dict[str, tuple[str, str]]:
    """Identity -> tenant key and digest of the data of every test of a run, read back from its record."""
    database = pytester.path / "facts.db"
    database.unlink(missing_ok=True)
    pytester.runpytest(f"--farm-db={database}", *args).assert_outcomes(passed=6)
    with RunStore(database, tenant) as store:
        run: Any = store.run(1)
    return {
        one["identity"]: (one["data_tenant"] or one["identity"], one["properties"]["farm.digest"]) for one in run["tests"]
    }


def identities(result) -> list[str]:
    (line,) = (line for line in result.stdout.lines if line.startswith("@ "))
    found: list[str] = ast.literal_eval(line.removeprefix("@ "))
    return found


@pytest.fixture
def suite(pytester):
    pytester.makeini("[pytest]\n")
    pytester.makeconftest(SHUFFLE)
    pytester.mkdir("sub")
    pytester.makepyfile(test_it=SUITE).rename(pytester.path / "sub" / "test_it.py")
    return pytester


@pytest.fixture(scope="module")
def remembered() -> dict[str, dict[str, tuple[str, str]]]:
    return {}


@pytest.fixture
def plain(suite, remembered):
    """The facts of a run without arguments, the first one's for all tests: another folder must not change them."""
    if "plain" not in remembered:
        remembered["plain"] = facts(suite)
    return remembered["plain"]


def test_identities_are_readable(plain):
    assert sorted(plain) == [
        "kept-name",
        "sub.test_it::TestInside.test_three",
        "sub.test_it::test_grouped",
        "sub.test_it::test_one",
        "sub.test_it::test_two[1]",
        "sub.test_it::test_two[2]",
    ]


@pytest.mark.parametrize(
    "args",
    [
        ("-n0",),
        pytest.param(("-n2",), marks=pytest.mark.slow),
        pytest.param(("-n2", "--dist=loadgroup"), marks=pytest.mark.slow),
        ("--import-mode=importlib",),
        ("--rootdir=sub",),
        ("sub/test_it.py",),
    ],
    ids=" ".join,
)
def test_the_same_however_it_is_run(suite, plain, args):
    assert facts(suite, *args) == plain


def test_the_same_in_any_order(suite, plain, plugin_args, monkeypatch):
    for order in range(2):
        monkeypatch.setenv("ORDER", str(order))
        assert facts(suite, *plugin_args) == plain


def test_the_same_from_a_subdirectory(suite, plain, plugin_args, monkeypatch):
    monkeypatch.chdir(suite.path / "sub")
    assert facts(suite, *plugin_args) == plain


def test_another_seed_or_test_is_another_enterprise(suite, plain):
    digests = {digest for _, digest in plain.values()}
    assert len(digests) == 6
    assert not digests & {digest for _, digest in facts(suite, "--farm-seed=2").values()}


def test_one_tenant_for_all(suite, plugin_args):
    found = facts(suite, "--farm-tenant=acme", *plugin_args, tenant="acme").values()
    assert {tenant for tenant, _ in found} == {"acme"}
    assert len({digest for _, digest in found}) == 1


def test_labs_are_called_alike_in_the_clone_and_in_the_wheel(pytester):
    pytester.makeconftest(SHOW)
    seen = {}
    for package in ("labs", "site/pytest_aosfarm/labs"):
        folder = pytester.path / package / "aod"
        folder.mkdir(parents=True)
        while folder.name not in {"site", pytester.path.name}:
            (folder / "__init__.py").touch()
            folder = folder.parent
        (pytester.path / package / "aod" / "test_it.py").write_text("def test_a(): pass\n")
        seen[package] = identities(pytester.runpytest("--collect-only", "-s", "--import-mode=importlib", package))
    assert list(seen.values()) == [["aod.test_it::test_a"]] * 2


def test_files_of_one_name_in_no_package_are_told_apart(pytester):
    pytester.makeconftest(SHOW)
    for folder in ("a", "b"):
        pytester.mkdir(folder).joinpath("test_it.py").write_text("def test_a(): pass\n")
    found = identities(pytester.runpytest("--collect-only", "-s", "--import-mode=importlib"))
    assert found == ["a.test_it::test_a", "b.test_it::test_a"]


def test_a_farm_id_outlives_a_move(pytester):
    pytester.makeconftest(SHOW)
    marked = "import pytest\n@pytest.mark.farm_id('X')\n@pytest.mark.parametrize('n', [1, 2])\ndef {name}(n): pass\n"
    for name in ("test_before", "test_after"):
        path = pytester.makepyfile(**{name: marked.format(name=name)})
        assert identities(pytester.runpytest("--collect-only", "-s", path)) == ["X[1]", "X[2]"]


def test_one_identity_for_two_tests_is_refused(pytester, plugin_args):
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.farm_id("X")
        def test_a(tenant): pass
        @pytest.mark.farm_id("X")
        def test_b(tenant): pass
        def test_c(tenant): pass
        """
    )
    result = pytester.runpytest(*plugin_args)
    result.assert_outcomes(errors=2, passed=1)
    result.stdout.fnmatch_lines(["aosfarm: 2 tests have the identity 'X', and so the same tenant; give each its own with*"])


def test_a_test_named_twice_on_the_command_line_is_one_test(pytester):
    pytester.makepyfile(test_it="def test_a(tenant): pass")
    pytester.runpytest("--keep-duplicates", "test_it.py", "test_it.py").assert_outcomes(passed=2)


def test_ids_seen_by_modules_are_fresh_in_every_run(pytester, plugin_args):
    pytester.makepyfile("def test_a(tenant): print('@', tenant.id, tenant.entity_id)")
    seen = {
        next(line for line in pytester.runpytest("-rP", *plugin_args).stdout.lines if line.startswith("@ "))
        for _ in range(2)
    }
    assert len(seen) == 2
