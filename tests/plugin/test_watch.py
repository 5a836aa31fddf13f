"""A run that does not use the Farm, watched: whatever other plugins put into reports, nothing breaks."""

from __future__ import annotations


def test_a_property_that_is_no_pair_is_not_ours_to_mind(pytester, plugin_args):
    pytester.makepyfile(
        """
        def test_a(request): request.node.user_properties += ["a word", (), 7]
        def test_b(tenant): pass
        """
    )
    result = pytester.runpytest(*plugin_args)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["AOS-Farm: 2 passed in *"])
