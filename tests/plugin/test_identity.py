"""The same test has the same identity, tenant and data wherever and however it is run."""

from __future__ import annotations

import pytest

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
        random.Random(os.environ.get("ORDER")).shuffle(items) if "ORDER" in os.environ else None
    def pytest_configure(config):
        config.addinivalue_line("markers", "xdist_group(name): known without xdist too")
"""
KEPT = ("farm.identity", "farm.tenant", "farm.digest")


def facts(pytester, *args: str, where: str = ".") -> dict[str, tuple[str, ...]]:
    """Identity -> tenant key and data digest of every test of a run, read back from its record."""
    database = pytester.path / "facts.db"
    database.unlink(missing_ok=True)
    result = pytester.runpytest_subprocess(f"--farm-db={database}", where, *args)
    result.assert_outcomes(passed=6)
    from pytest_aosfarm.recording.store import RunStore

    with RunStore(database, create=False) as store:
        tests = store.run(1)["tests"]
    return {one["identity"]: tuple(one["properties"][name] for name in KEPT) for one in tests}


@pytest.fixture
def suite(pytester):
    pytester.makeini("[pytest]\n")
    pytester.makeconftest(SHUFFLE)
    pytester.mkdir("sub")
    path = pytester.makepyfile(test_it=SUITE)
    path.rename(pytester.path / "sub" / "test_it.py")
    return pytester


def test_identities_are_readable(suite):
    assert sorted(facts(suite)) == [
        "kept-name",
        "sub.test_it::TestInside.test_three",
        "sub.test_it::test_grouped",
        "sub.test_it::test_one",
        "sub.test_it::test_two[1]",
        "sub.test_it::test_two[2]",
    ]


@pytest.mark.parametrize("args", [("-n0",), ("-n2",), ("-n2", "--dist=loadgroup"), ("--import-mode=importlib",)], ids=str)
def test_the_same_however_it_is_run(suite, args):
    assert facts(suite, *args) == facts(suite)


@pytest.mark.parametrize("order", range(5))
def test_the_same_in_any_order(suite, monkeypatch, order):
    plain = facts(suite)
    monkeypatch.setenv("ORDER", str(order))
    assert facts(suite) == plain


def test_the_same_from_a_subdirectory(suite):
    plain = facts(suite)
    suite.chdir()
    import os

    os.chdir(suite.path / "sub")
    assert facts(suite) == plain


def test_another_seed_or_test_is_another_enterprise(suite):
    digests = {digest for _, _, digest in facts(suite).values()}
    assert len(digests) == 6
    assert not digests & {digest for _, _, digest in facts(suite, "--farm-seed=2").values()}


def test_one_tenant_for_all(suite):
    found = facts(suite, "--farm-tenant=acme").values()
    assert {tenant for _, tenant, _ in found} == {"acme"}
    assert len({digest for *_, digest in found}) == 1


def test_labs_are_called_alike_in_the_clone_and_in_the_wheel(pytester):
    for package in ("labs", "pytest_aosfarm/labs"):
        folder = pytester.path / package / "aod"
        folder.mkdir(parents=True)
        for part in (folder, *folder.relative_to(pytester.path).parents):
            (pytester.path / part / "__init__.py").touch()
        (folder / "test_it.py").write_text("def test_a(request): pass\n")
    (pytester.path / "__init__.py").unlink()
    pytester.makeconftest(
        """
        def pytest_collection_modifyitems(items):
            from pytest_aosfarm.plugin.identity import identity_of
            print("@", sorted(identity_of(item) for item in items))
        """
    )
    for package in ("labs", "pytest_aosfarm/labs"):
        result = pytester.runpytest_subprocess("--collect-only", "-s", "--import-mode=importlib", package)
        result.stdout.fnmatch_lines(["*@ ['aod.test_it::test_a'[]]*"])


def test_ids_seen_by_modules_are_fresh_in_every_run(pytester):
    pytester.makepyfile("def test_a(tenant): print('@', tenant.id, tenant.entity_id)")
    seen = {next(line for line in pytester.runpytest("-rP").stdout.lines if line.startswith("@ ")) for _ in range(2)}
    assert len(seen) == 2
