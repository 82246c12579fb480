"""Test control rows of any shape: no reader fails, one of the two regions is active, and a claim repairs its own row."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from moto import mock_aws

from handlers.shared import claims, schema
from handlers.shared.claims import Active, EpochsExhaustedError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PRIMARY, SECONDARY = REGIONS = ("us-east-1", "us-west-2")

numbers = st.one_of(
    st.integers().map(str),
    st.sampled_from(["NaN", "1.5", "-1", "1E+38", "1e3", "\u0661", "1_0", " 1", "", "999999999999999", "1000000000000000"]),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.text(max_size=20),
)
kinds = st.one_of(st.sampled_from(["S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"]), st.text(max_size=3))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | numbers | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(kinds, inner, max_size=3),
    max_leaves=8,
)
attributes = st.one_of(st.fixed_dictionaries({"N": numbers}), st.dictionaries(kinds, anything, max_size=2), anything)
keys = st.sampled_from([{"S": f"CONTROL#{region}"} for region in (*REGIONS, "eu-west-9", "")]) | attributes
rows = st.one_of(
    st.dictionaries(st.sampled_from(["pk", "sk", "epoch", "other"]), attributes),
    st.fixed_dictionaries(
        {"pk": keys, "sk": st.just({"S": "ACTIVE"}) | attributes}, optional={"epoch": attributes, "claimed_by": attributes}
    ),
    anything,
)


def row(region: str, epoch: object) -> dict[str, Any]:
    return {"pk": {"S": f"CONTROL#{region}"}, "sk": {"S": "ACTIVE"}, "epoch": epoch}


@pytest.mark.property
@given(held=st.lists(rows, max_size=5), primary=st.sampled_from(REGIONS))
@example(held=[row(SECONDARY, {"N": "1E+38"}), row("eu-west-9", {"N": "7"}), row(PRIMARY, {"NS": ["1"]})], primary=PRIMARY)
def test_parse_arbitrary_rows_one_region_is_active(held: list[object], primary: str) -> None:
    found = claims.parse(held, REGIONS)
    active = claims.highest(found.epochs, primary_region=primary)
    assert active.region in REGIONS
    assert 0 <= active.epoch < claims.EPOCH_LIMIT
    assert found == claims.parse(held, REGIONS)
    turned = claims.parse(reversed(held), tuple(reversed(REGIONS)))
    assert claims.highest(turned.epochs, primary_region=primary) == active, "whatever order the rows come in"
    assert len(found.problems) >= len(held) - sum(1 for one in held if claims.parse([one], REGIONS).epochs)


@pytest.mark.parametrize(
    "epoch",
    [
        *({"S": "7"}, {"N": "1.5"}, {"N": "-1"}, {"N": "NaN"}, {"N": "1E+38"}, {"N": str(10**15)}, {"N": str(10**38)}),
        *({"N": 7}, {"N": Decimal(7)}, {"N": True}, {"BOOL": True}, {"NULL": True}, {"NS": ["7"]}, {"SS": ["7"]}, {"L": []}),
        *({"M": {"N": {"N": "7"}}}, {"N": "7", "S": "7"}, {}, None, 7, "7", ["N", "7"]),
    ],
    ids=repr,
)
def test_parse_malformed_epoch_does_not_count_and_is_reported(epoch: object) -> None:
    found = claims.parse([row(SECONDARY, epoch), row(PRIMARY, {"N": "2"})], REGIONS)
    assert found.epochs == {PRIMARY: 2}
    (problem,) = found.problems
    assert problem.startswith(f"the epoch of {SECONDARY} is ")
    assert problem.endswith(f"not a whole number from 0 to {10**15 - 1}")


def test_parse_row_of_an_unknown_region_does_not_count() -> None:
    found = claims.parse([row("eu-west-9", {"N": "99"}), {"sk": {"S": SECONDARY}, "epoch": {"N": "99"}}], REGIONS)
    assert (found.epochs, len(found.problems)) == ({}, 2)
    assert "eu-west-9" in found.problems[0]


def test_next_epoch_at_the_limit_is_refused_with_the_way_out() -> None:
    assert claims.next_epoch({PRIMARY: 10**15 - 3}, {}) == 10**15 - 2
    with pytest.raises(EpochsExhaustedError, match="write a lower epoch"):
        claims.next_epoch({PRIMARY: 1}, {SECONDARY: 10**15 - 1})


stored = st.one_of(
    st.none(),
    st.sampled_from([{"S": "7"}, {"BOOL": True}, {"NULL": True}, {"NS": ["1", "2"]}, {"SS": ["a"]}, {"L": [{"N": "1"}]}]),
    st.sampled_from([{"M": {"a": {"S": "b"}}}, {"B": b"1"}, {"N": "1.5"}, {"N": "-3"}, {"N": str(10**37)}]),
    st.integers(0, 50).map(lambda epoch: {"N": str(epoch)}),
)


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[DynamoDBClient]:
    """A client of the secondary, where the table `t` is."""
    with mock_aws():
        client = boto3.client("dynamodb", region_name=SECONDARY, aws_access_key_id="a", aws_secret_access_key="b")
        client.create_table(
            TableName="t",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@pytest.mark.property
@given(own=st.none() | st.tuples(stored), other=st.none() | st.tuples(stored))
def test_claim_over_any_stored_row_makes_the_region_active(own: Any, other: Any, dynamodb: DynamoDBClient) -> None:  # noqa: ANN401 - rows
    """DynamoDB (moto) accepts the request once and not twice, for any former row of the region."""
    for region, held in ((SECONDARY, own), (PRIMARY, other)):
        whole: Any = row(region, held[0] if held else None)
        dynamodb.delete_item(TableName="t", Key={name: whole[name] for name in ("pk", "sk")})
        if held is not None:
            dynamodb.put_item(TableName="t", Item=whole if held[0] else {k: v for k, v in whole.items() if k != "epoch"})
    found = claims.read_rows(dynamodb, "t", REGIONS)
    before = claims.parse(found.values(), REGIONS).epochs
    epoch = claims.next_epoch(before)
    request = claims.claim_request("t", SECONDARY, epoch, held=found.get(SECONDARY), notes={"claimed_by": "a test"})
    dynamodb.put_item(**request)
    after = claims.parse(claims.read_rows(dynamodb, "t", REGIONS).values(), REGIONS)
    assert claims.highest(after.epochs, primary_region=PRIMARY) == Active(SECONDARY, epoch)
    assert after.epochs.get(PRIMARY) == before.get(PRIMARY), "the other region's row is the other region's"
    if own and own[0] == {"BOOL": True}:
        return  # moto takes true for the number 1; DynamoDB compares types too
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(**request | {"Item": request["Item"]})


def test_control_key_holds_the_region_for_iam_to_see() -> None:
    assert schema.control_partition_key(PRIMARY) == "CONTROL#us-east-1"
