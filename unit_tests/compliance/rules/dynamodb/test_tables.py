"""The rules about DynamoDB that are no entries of the table `required.py`."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, alone, replica, table
from unit_tests.compliance.rules.corruptions import (
    ABSENT,
    Resource,
    changed,
    each,
    either,
    lacking,
    resource,
    unknown,
    without,
)
from unit_tests.compliance.rules.verdicts import FAIL, reports, rule_test, says

READS, WRITES = (
    {f"{kind}CapacityAutoScalingSettings": {"MinCapacity": 1, "MaxCapacity": 100}} for kind in ("Read", "Write")
)
READ, WRITE = "ReadProvisionedThroughputSettings", "WriteProvisionedThroughputSettings"
INDEXES = "GlobalSecondaryIndexes"


def provisioned() -> Resource:
    made = changed(table(), "BillingMode", to="PROVISIONED")
    properties = made["Properties"]
    for place in (properties, *properties[INDEXES]):
        place[WRITE] = copy.deepcopy(WRITES)
    for each_replica in properties["Replicas"]:
        for place in (each_replica, *each_replica[INDEXES]):
            place[READ] = copy.deepcopy(READS)
    return made


ON_DEMAND = "OnDemandThroughputSettings"
CAPS = {
    f"Write{ON_DEMAND}": "MaxWriteRequestUnits",
    f"{INDEXES}.0.Write{ON_DEMAND}": "MaxWriteRequestUnits",
    f"Replicas.1.Read{ON_DEMAND}": "MaxReadRequestUnits",
}

test_capacity = rule_test(
    "ActivePassive-DynamoDBCapacity",
    passes=[
        *(table(), provisioned(), *lacking(provisioned(), "BillingMode")),  # provisioned is the default
        *(it for path, unit in CAPS.items() for it in each(table(), path, {unit: 1000})),
    ],
    fails=[
        *lacking(
            provisioned(),
            f"{WRITE} {WRITE}.WriteCapacityAutoScalingSettings {INDEXES}.1.{WRITE} Replicas.0.{READ}"
            f" Replicas.1.{READ}.ReadCapacityAutoScalingSettings Replicas.1.{INDEXES}.0.{READ} Replicas.1.{INDEXES}.0"
            f" Replicas.0.{INDEXES}",
        ),
        *(
            reports("the replica in us-west-2 has no ReadProvisionedThroughputSettings", it)
            for it in each(provisioned(), f"Replicas.1.{READ}", {"ReadCapacityUnits": 5})
        ),
        *(it for path, unit in CAPS.items() for it in each(table(), path, {unit: 1}, {unit: "999"})),
        *lacking(table(), "BillingMode"),
        *each(table(), "BillingMode", "ON_DEMAND", either("PAY_PER_REQUEST", "PROVISIONED")),
        *each(table(), f"Replicas.0.{READ}", READS),  # means nothing on demand
        *each(table(), WRITE, WRITES),
    ],
    unresolved=[*unknown(table(), "BillingMode"), *unknown(provisioned(), f"{WRITE} Replicas")],
)

TTL, WITNESSES, CONSISTENCY = "TimeToLiveSpecification", "GlobalTableWitnesses", "MultiRegionConsistency"
STRONG = changed(without(changed(table(), CONSISTENCY, to="STRONG"), TTL), WITNESSES, to=[{"Region": "us-east-2"}])
QUORUM = changed(STRONG, "Replicas", to=[*STRONG["Properties"]["Replicas"], replica("us-east-2")])


def contradicting(it: Resource, path: str, to: Any, text: str) -> Any:  # noqa: ANN401
    return reports(text, each(it, path, to)[0])


test_consistency = rule_test(
    "ActivePassive-DynamoDBConsistency",
    passes=[
        table(),
        *each(table(), CONSISTENCY, "EVENTUAL"),
        STRONG,
        *each(STRONG, TTL, {"AttributeName": "t", "Enabled": False}),
        *lacking(QUORUM, WITNESSES),
    ],
    fails=[
        contradicting(STRONG, TTL, {"AttributeName": "t", "Enabled": True}, "it has TTL"),
        contradicting(STRONG, TTL, {"AttributeName": "t", "Enabled": either(False, True)}, "it has TTL"),
        contradicting(STRONG, "LocalSecondaryIndexes", [{"IndexName": "i"}], "local secondary indexes"),
        reports("no witness", without(STRONG, WITNESSES)),
        contradicting(STRONG, f"{WITNESSES}.0.Region", EAST, "in a third region"),
        contradicting(STRONG, WITNESSES, [{"Region": "us-east-2"}, {"Region": "us-west-1"}], "three replicas, or two"),
        contradicting(STRONG, f"{WITNESSES}.0.Region", "eu-west-1", "no strong consistency among"),
        contradicting(STRONG, "Replicas", [replica(EAST)], "three replicas, or two"),
        contradicting(table(), WITNESSES, [{"Region": "us-east-2"}], "a witness is in us-east-2"),
        contradicting(table(), CONSISTENCY, "STRICT", "it must be EVENTUAL or STRONG"),
        contradicting(table(), CONSISTENCY, either("EVENTUAL", "STRONG"), "it has TTL"),
    ],
    unresolved=[
        *unknown(table(), CONSISTENCY),
        *unknown(STRONG, f"{TTL} {WITNESSES} {WITNESSES}.0.Region Replicas.0.Region LocalSecondaryIndexes"),
    ],
)

test_expiry = rule_test(
    "ActivePassive-DynamoDBExpiry",
    passes=[table(), {**table(), "Type": "AWS::DynamoDB::Table"}, *each(table(), TTL, {"Enabled": False})],
    fails=[
        *each(table(), f"{TTL}.Enabled", False, either(True, False)),
        *lacking(table(), f"{TTL}.Enabled {TTL}.AttributeName"),
        contradicting(table(), f"{TTL}.AttributeName", "pk", "names 'pk', which is a key"),
        changed(
            changed(table(), TTL, "AttributeName", to="hour"),
            *(INDEXES, 1, "KeySchema"),
            to=[{"AttributeName": "hour", "KeyType": "HASH"}],
        ),
    ],
    unresolved=unknown(table(), f"{TTL} {TTL}.AttributeName {TTL}.Enabled KeySchema"),
    ignored=[*lacking(table(), TTL), *each(table(), TTL, ABSENT)],
)


def beside(it: Resource) -> tuple[Template, ...]:
    """Return the table and stacks in both regions, which make the regions of the system known."""
    return alone({"It": it}, WEST), template({}, EAST), template({}, WEST)


(MOVED,) = each(table(), "Replicas.0.Region", "us-east-2")
(WIDER,) = each(table(), "Replicas", [replica(EAST), replica(WEST), replica("eu-west-1")])
STREAM = "StreamSpecification"

test_global_table = rule_test(
    "ActivePassive-DynamoDBGlobalTable",
    passes=[
        *(table(), beside(table())),
        *(MOVED, WIDER),  # a table alone does not show where the system is
        beside(changed(WIDER, CONSISTENCY, to="STRONG")),
        *lacking(changed(table(), CONSISTENCY, to="STRONG"), STREAM),
        *each(table(), "Replicas.1.Region", {"Ref": "AWS::Region"}),
    ],
    fails=[
        resource("DynamoDB::Table"),
        contradicting(table(), "Replicas", [replica(WEST)], "only replica is in us-west-2"),
        contradicting(table(), "Replicas.0.Region", WEST, "2 replicas are in us-west-2"),
        reports("no replica is in us-east-1", beside(MOVED)),
        template({"It": MOVED}, "eu-west-1"),
        reports("in eu-west-1, where the system has nothing else", beside(WIDER)),
        *lacking(table(), STREAM),
        *each(table(), f"{STREAM}.StreamViewType", "KEYS_ONLY"),
        *each(table(), "Replicas", either([replica(EAST), replica(WEST)], [replica(WEST)])),
        *each(table(), "Replicas.1.Region", either(WEST, EAST)),
    ],
    unresolved=[
        *lacking(table(), "Replicas"),
        *each(table(), "Replicas", []),
        *each(table(), "Replicas.0", WEST),
        *unknown(table(), f"Replicas Replicas.0.Region {STREAM}"),
    ],
)

OF_REPLICA = f"Replicas.1.{INDEXES}"
(NO_INDEX,) = lacking(without(without(table(), INDEXES), "Replicas", 0, INDEXES), OF_REPLICA)

test_indexes = rule_test(
    "ActivePassive-DynamoDBIndexes",
    passes=[table(), *lacking(table(), OF_REPLICA), NO_INDEX],  # a replica without a list has all indexes
    fails=[
        contradicting(table(), f"{OF_REPLICA}.0.IndexName", "by_fiel", "'by_fiel', which the table does not have"),
        *lacking(table(), f"{OF_REPLICA}.0 {INDEXES} {INDEXES}.1"),
        *each(table(), f"{INDEXES}.1.IndexName", "by_file"),
        *each(table(), f"{OF_REPLICA}.1.IndexName", "by_file", either("by_hour", "by_day")),
    ],
    unresolved=[
        *unknown(table(), f"{INDEXES} {OF_REPLICA} {OF_REPLICA}.0.IndexName"),
        *lacking(table(), f"{INDEXES}.0.IndexName"),
    ],
)

REPLICAS = "ActivePassive-DynamoDBReplicas"
TURNED = copy.deepcopy(table())
for setting in ("Tags", INDEXES):
    TURNED["Properties"]["Replicas"][0][setting].reverse()

test_replicas = rule_test(
    REPLICAS,
    passes=[table(), TURNED],
    fails=[
        reports(f"{setting} of the replica", it)
        for setting in sorted(set(replica("")) - {"Region", "SSESpecification"})
        for it in lacking(table(), f"Replicas.0.{setting} Replicas.1.{setting}")
    ],
    unresolved=unknown(table(), "Replicas Replicas.0"),
)


@pytest.mark.property
@given(
    st.sampled_from([0, 1]), st.sampled_from(["TableClass", "ReadOnDemandThroughputSettings", "Tags", "Anything"]), st.data()
)
def test_setting_that_only_one_replica_has_fails(which: int, setting: str, data: st.DataObject) -> None:
    value: Any = data.draw(
        st.one_of(st.booleans(), st.text(min_size=1), st.dictionaries(st.text(), st.integers(), min_size=1))
    )
    assert says(REPLICAS, changed(table(), "Replicas", which, setting, to=value)) is FAIL
