"""Test the control register: the highest claim wins in any order, and a region that cannot read keeps its last answer."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from handlers.shared import claims as claims_module
from handlers.shared.claims import Active, highest
from handlers.shared.control import ControlRegister

PRIMARY, SECONDARY = "us-east-1", "us-west-2"
claims = st.dictionaries(st.sampled_from([PRIMARY, SECONDARY]), st.integers(1, 5))


class Table:
    """Answers with rows, or fails."""

    def __init__(self, **rows: int) -> None:
        self.rows = {PRIMARY: rows.get("primary"), SECONDARY: rows.get("secondary")}
        self.error: Exception | None = None
        self.asked = 0

    def get_item(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's arguments
        assert request["ConsistentRead"] is True
        self.asked += 1
        if self.error:
            raise self.error
        held = self.rows[request["Key"]["pk"]["S"].removeprefix("CONTROL#")]
        return {"Item": {**request["Key"], "epoch": {"N": str(held)}}} if held else {}

    def put_item(self, **request: Any) -> None:  # noqa: ANN401 - boto3's arguments
        item = request["Item"]
        region = item["pk"]["S"].removeprefix("CONTROL#")
        held = self.rows[region]
        if request["ConditionExpression"] == "#epoch = :held":
            is_unchanged = str(held) == request["ExpressionAttributeValues"][":held"]["N"]
        else:
            assert request["ConditionExpression"] == "attribute_not_exists(#pk)"
            is_unchanged = not held
        if not is_unchanged:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
        self.rows[region] = int(item["epoch"]["N"])


def register(table: Table, *, cache_seconds: float = 5, clock: list[float] | None = None) -> ControlRegister:
    now = clock or [0.0]
    return ControlRegister(
        dynamodb=cast("Any", table),
        table_name="t",
        regions=(PRIMARY, SECONDARY),
        cache_seconds=cache_seconds,
        clock=lambda: now[0],
    )


@pytest.mark.property
@given(one=claims, other=claims)
def test_two_regions_with_the_same_claims_agree(one: dict[str, int], other: dict[str, int]) -> None:
    merged = {region: max(one.get(region, 0), other.get(region, 0)) for region in (one | other)}
    turned = dict(reversed(merged.items()))
    active = highest(merged, primary_region=PRIMARY)
    assert highest(turned, primary_region=PRIMARY) == active
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
def test_highest_epoch_is_active_and_a_tie_is_the_primarys(rows: dict[str, int], active: Active) -> None:
    assert register(Table(**rows)).active() == active


def test_answer_is_cached_for_the_given_seconds() -> None:
    table, clock = Table(), [0.0]
    asked = register(table, clock=clock)
    assert asked.active_region() == PRIMARY
    table.rows[SECONDARY] = 1
    clock[0] = 4.9
    assert asked.active_region() == PRIMARY
    clock[0] = 5.0
    assert asked.active_region() == SECONDARY


def test_register_without_a_cache_reads_each_time() -> None:
    table = Table()
    asked = register(table, cache_seconds=0)
    asked.active()
    asked.active()
    assert table.asked == 4, "two rows a question"


@pytest.mark.parametrize(
    "error",
    [ClientError({"Error": {"Code": "InternalServerError"}}, "GetItem"), EndpointConnectionError(endpoint_url="https://x")],
)
def test_unreadable_register_keeps_the_last_answer_or_raises(error: Exception) -> None:
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


def claim(table: Table, region: str, **more: Any) -> Active:  # noqa: ANN401 - the claim's own
    return register(table).claim(region, claimed_by="a test", claimed_at="2026-01-31T12:00:00.000Z", **more)


@pytest.mark.property
@given(held=claims, seen=claims, region=st.sampled_from([PRIMARY, SECONDARY]))
def test_claim_is_above_every_visible_epoch(held: dict[str, int], seen: dict[str, int], region: str) -> None:
    table = Table(primary=held.get(PRIMARY, 0), secondary=held.get(SECONDARY, 0))
    claimed = claim(table, region, seen=seen)
    assert claimed == Active(region, max([0, *held.values(), *seen.values()]) + 1)
    merged = {one: max(table.rows[one] or 0, seen.get(one, 0)) for one in (PRIMARY, SECONDARY)}
    assert highest(merged, primary_region=PRIMARY) == claimed
    other = SECONDARY if region == PRIMARY else PRIMARY
    assert (table.rows[other] or 0) == held.get(other, 0), "and the other region's row is the other region's"


@pytest.mark.parametrize("own", [0, 3])
def test_two_claims_of_one_region_at_once_let_one_succeed(own: int, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(secondary=own)
    held = claims_module.read_rows(table, "t", (PRIMARY, SECONDARY))
    claim(table, SECONDARY)
    monkeypatch.setattr(claims_module, "read_rows", lambda *_: held)  # what the second had read before
    with pytest.raises(ClientError, match="ConditionalCheckFailedException"):
        claim(table, SECONDARY)
    assert table.rows[SECONDARY] == own + 1
