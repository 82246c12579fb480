"""Test split brain over any two views of the register."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.observer.split_brain import compare

PRIMARY, SECONDARY = "us-east-1", "us-west-2"
views = st.dictionaries(st.sampled_from([PRIMARY, SECONDARY]), st.integers(0, 4))


def active(view: dict[str, int]) -> str:
    """Return the active region of a view, computed independently: the secondary needs a higher epoch."""
    return SECONDARY if view.get(SECONDARY, 0) > view.get(PRIMARY, 0) else PRIMARY


@pytest.mark.property
@given(here=views, there=views)
@example(here={}, there={SECONDARY: 1})
@example(here={PRIMARY: 2, SECONDARY: 2}, there={})
def test_split_brain_is_two_views_with_different_regions(here: dict[str, int], there: dict[str, int]) -> None:
    verdict = compare(here, there, primary_region=PRIMARY)
    assert (verdict.active_here, verdict.active_there) == (active(here), active(there))
    assert verdict.is_split == (active(here) != active(there))
    assert compare(there, here, primary_region=PRIMARY).is_split == verdict.is_split


@pytest.mark.property
@given(here=views, there=views)
def test_once_replication_has_brought_all_claims_there_is_none(here: dict[str, int], there: dict[str, int]) -> None:
    merged = {region: max(here.get(region, 0), there.get(region, 0)) for region in here | there}
    assert not compare(merged, dict(reversed(merged.items())), primary_region=PRIMARY).is_split
