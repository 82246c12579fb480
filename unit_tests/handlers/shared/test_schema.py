"""Test keys: spread within DynamoDB's limits, and ordered for the access patterns (data rules 2, 7 and 8)."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.shared import schema

object_ids = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)


@pytest.mark.property
@given(object_id=object_ids, count=st.integers(0, 2100), first=st.integers(0, 10**9))
def test_partition_key_holds_at_most_a_thousand_records_of_an_object(object_id: str, count: int, first: int) -> None:
    keys = [schema.record_keys(object_id, ordinal) for ordinal in range(first, first + count)]
    assert len(set(keys)) == count, "each record has a row of its own"
    per_key = Counter(partition_key for partition_key, _ in keys)
    assert max(per_key.values(), default=0) <= 1000
    assert len(per_key) <= count // 1000 + 2, "and they are not spread further than need be"


@pytest.mark.property
@given(object_id=object_ids, ordinals=st.tuples(st.integers(0, 10**9 - 1), st.integers(0, 10**9 - 1)))
def test_records_are_in_the_files_order(object_id: str, ordinals: tuple[int, int]) -> None:
    one, other = (schema.record_keys(object_id, ordinal) for ordinal in ordinals)
    assert (one < other) is (ordinals[0] < ordinals[1])


@pytest.mark.property
@given(one=object_ids, other=object_ids, ordinal=st.integers(0, 10**6))
def test_two_objects_share_no_row(one: str, other: str, ordinal: int) -> None:
    if one != other:
        assert schema.record_keys(one, ordinal)[0] != schema.record_keys(other, ordinal)[0]
        assert schema.object_partition_key(one) != schema.object_partition_key(other)


def test_hour_of_one_state_is_spread_over_all_shards() -> None:
    keys = {schema.state_hour(schema.COMPLETED, "2026-01-31T12", f"{number:08x}" + "0" * 56) for number in range(64)}
    assert len(keys) == schema.STATE_INDEX_SHARDS


def test_newest_file_sorts_last() -> None:
    moments = ["2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z"]
    orders = [schema.newest_last(moment, object_id) for moment, object_id in zip(moments, "cba", strict=True)]
    assert orders == sorted(orders)


def test_region_owned_row_has_its_region_in_its_key() -> None:
    region = "eu-central-1"
    assert schema.attempt_sort_key(region).endswith(region)
    assert schema.upload_sort_key(region).endswith(region)
    assert schema.health_partition_key(region).endswith(region)
    assert schema.heartbeat_partition_key(region).endswith(region)
    assert schema.digest_partition_key(region).endswith(region)
    assert schema.observer_partition_key(region).endswith(region)


@pytest.mark.property
@given(object_id=object_ids)
def test_shards_of_an_hour_hold_all_its_objects(object_id: str) -> None:
    keys = {schema.state_hour_shard(schema.COMPLETED, "2026-01-31T12", n) for n in range(schema.STATE_INDEX_SHARDS)}
    assert schema.state_hour(schema.COMPLETED, "2026-01-31T12", object_id) in keys
    assert len(keys) == schema.STATE_INDEX_SHARDS
    assert object_id[0] in schema.DIGEST_PREFIXES
