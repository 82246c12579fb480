"""Test the deadline: which work begins, continues and stops, by the time that is left of an invocation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.processor.deadline import Deadline, OutOfTimeError


@pytest.mark.property
@given(seconds=st.floats(0.1, 900))
def test_deadline_allows_the_first_object_of_a_batch(seconds: float) -> None:
    assert not Deadline(lambda: seconds).is_too_late_to_begin


def test_deadline_with_a_quarter_left_begins_nothing() -> None:
    left = 300.0
    deadline = Deadline(lambda: left)
    left = 76.0
    assert not deadline.is_too_late_to_begin
    left = 74.0
    assert deadline.is_too_late_to_begin


def test_deadline_check_passes_while_more_than_the_reserve_is_left() -> None:
    left = 5.0
    deadline = Deadline(lambda: left)
    deadline.check("x", reserved_seconds=5)
    left = 4.9
    with pytest.raises(OutOfTimeError, match="the function's time ends before the object is read"):
        deadline.check("the object is read", reserved_seconds=5)
