"""The deadline: what is begun, gone on with and broken off, by what is left of an invocation's time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.processor.deadline import Deadline, OutOfTimeError


@pytest.mark.property
@given(seconds=st.floats(0.1, 900))
def test_the_first_of_a_batch_is_always_begun(seconds: float) -> None:
    assert not Deadline(lambda: seconds).is_too_late_to_begin


def test_with_little_of_the_time_left_nothing_is_begun() -> None:
    left = 300.0
    deadline = Deadline(lambda: left)
    left = 76.0
    assert not deadline.is_too_late_to_begin
    left = 74.0
    assert deadline.is_too_late_to_begin


def test_work_goes_on_while_more_is_left_than_is_reserved() -> None:
    left = 5.0
    deadline = Deadline(lambda: left)
    deadline.check("x", reserved_seconds=5)
    left = 4.9
    with pytest.raises(OutOfTimeError, match="the function's time ends before the object is read"):
        deadline.check("the object is read", reserved_seconds=5)
