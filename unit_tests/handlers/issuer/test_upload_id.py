"""Test upload ids: they are UUIDv7 of a recent time."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.issuer.upload_id import UploadIdError, new_upload_id, parse_upload_id
from handlers.shared import timestamps

NOW = datetime(2026, 3, 1, tzinfo=UTC).timestamp()


@pytest.mark.property
@given(st.floats(min_value=0, max_value=4e9))
def test_new_id_is_a_uuid7_of_its_time(now: float) -> None:
    upload_id = new_upload_id(now)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", upload_id)
    made = timestamps.of_upload(upload_id)
    assert made is not None
    assert abs(datetime.fromisoformat(made) - datetime.fromtimestamp(now, UTC)) <= timedelta(milliseconds=1)


def test_ids_of_one_moment_differ_in_all_their_random_bits() -> None:
    ids = [int(new_upload_id(NOW).replace("-", ""), 16) for _ in range(200)]
    seen_set = 0
    seen_clear = 0
    for number in ids:
        seen_set |= number
        seen_clear |= ~number
    free = seen_set & seen_clear & (1 << 80) - 1
    assert len(set(ids)) == 200
    assert free.bit_count() == 74


@pytest.mark.property
@given(age=st.floats(min_value=-300 + 0.01, max_value=7 * 86400 - 0.01), upper=st.booleans())
def test_recent_id_is_accepted_in_either_case(*, age: float, upper: bool) -> None:
    upload_id = new_upload_id(NOW - age)
    assert parse_upload_id(upload_id.upper() if upper else upload_id, NOW) == upload_id


@pytest.mark.parametrize(
    ("age", "message"),
    [
        (7 * 86400 + 1, "7.0 days ago"),
        (30 * 86400, "30.0 days ago"),
        (-301, "5.0 minutes in the future"),
        (-86400 * 3e6, "in the future"),
    ],
)
def test_id_of_another_time_is_refused_with_its_age(age: float, message: str) -> None:
    with pytest.raises(UploadIdError, match=message):
        parse_upload_id(new_upload_id(NOW - age), NOW)


@pytest.mark.property
@given(st.text() | st.uuids(version=4).map(str) | st.uuids().map(lambda each: f"{{{each}}}"))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UploadIdError, match="is not a UUIDv7"):
        parse_upload_id(text, NOW)
