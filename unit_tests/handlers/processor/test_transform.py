"""The one file that a user edits: as it comes, a record lands as it was parsed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.processor import errors
from handlers.processor.transform import Reject, transform


@pytest.mark.property
@given(record=st.dictionaries(st.text(), st.integers() | st.text()))
def test_as_it_comes_it_changes_nothing(record: dict[str, object]) -> None:
    assert transform(dict(record)) == record


def test_a_transform_raises_the_reject_that_the_intake_catches() -> None:
    assert Reject is errors.Reject
