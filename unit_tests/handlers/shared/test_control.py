"""The max-epoch register: the highest claim wins in whatever order it is heard, and a blind region keeps what it knew."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from handlers.shared.control import Active, ControlRegister, highest_claim

PRIMARY, SECONDARY = "us-east-1", "us-west-2"
claims = st.dictionaries(st.sampled_from([PRIMARY, SECONDARY]), st.integers(1, 5))


class Table:
    """Answers with rows, or fails."""

    def __init__(self, **rows: int) -> None:
        self.rows = {PRIMARY: rows.get("primary"), SECONDARY: rows.get("secondary")}
        self.error: Exception | None = None
        self.asked = 0

    def query(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's arguments
        assert request["ConsistentRead"] is True
        self.asked += 1
        if self.error:
            raise self.error
        return {"Items": [{"sk": {"S": region}, "epoch": {"N": str(n)}} for region, n in self.rows.items() if n]}


def register(table: Table, *, cache_seconds: float = 5, clock: list[float] | None = None) -> ControlRegister:
    now = clock or [0.0]
    return ControlRegister(
        dynamodb=cast("Any", table),
        table_name="t",
        primary_region=PRIMARY,
        cache_seconds=cache_seconds,
        clock=lambda: now[0],
    )


@pytest.mark.property
@given(one=claims, other=claims)
def test_two_regions_that_heard_of_all_claims_agree(one: dict[str, int], other: dict[str, int]) -> None:
    merged = {region: max(one.get(region, 0), other.get(region, 0)) for region in (one | other)}
    turned = dict(reversed(merged.items()))
    active = highest_claim(merged, primary_region=PRIMARY)
    assert highest_claim(turned, primary_region=PRIMARY) == active
    assert active.epoch == max(merged.values(), default=0)


@pytest.mark.parametrize(
    ("rows", "active"),
    [
        ({}, Active(PRIMARY, 0)),
        ({"secondary": 1}, Active(SECONDARY, 1)),
        ({"primary": 2, "secondary": 1}, Active(PRIMARY, 2)),
        ({"primary": 3, "secondary": 3}, Active(PRIMARY, 3)),
    ],
)
def test_the_highest_epoch_is_active_and_a_tie_is_the_primarys(rows: dict[str, int], active: Active) -> None:
    assert register(Table(**rows)).active() == active


def test_an_answer_is_used_for_a_while_and_no_longer() -> None:
    table, clock = Table(), [0.0]
    asked = register(table, clock=clock)
    assert asked.active_region() == PRIMARY
    table.rows[SECONDARY] = 1
    clock[0] = 4.9
    assert asked.active_region() == PRIMARY
    clock[0] = 5.0
    assert asked.active_region() == SECONDARY


def test_without_a_cache_each_question_is_asked() -> None:
    table = Table()
    asked = register(table, cache_seconds=0)
    asked.active()
    asked.active()
    assert table.asked == 2


@pytest.mark.parametrize(
    "error",
    [ClientError({"Error": {"Code": "InternalServerError"}}, "Query"), EndpointConnectionError(endpoint_url="https://x")],
)
def test_a_blind_region_keeps_what_it_knew_and_one_that_never_saw_says_so(error: Exception) -> None:
    table, clock = Table(secondary=1), [0.0]
    asked = register(table, clock=clock)
    asked.active()
    table.error = error
    clock[0] = 60.0
    assert asked.active() == Active(SECONDARY, 1)
    with pytest.raises(type(error)):
        asked.read()  # a health check must see it
    with pytest.raises(type(error)):
        register(table).active()
