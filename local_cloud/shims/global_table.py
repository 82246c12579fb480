"""`AWS::DynamoDB::GlobalTable`: replicas, and the settings of each replica.

Faithful: a replica in every region of `Replicas`, each with its own key, point-in-time recovery, deletion protection,
table class, resource policy, contributor insights and tags; TTL; adding and dropping a replica on update; a
protected table cannot be deleted; no table is created or changed while the region of a replica is down.
`MultiRegionConsistency: STRONG`: three replicas, or two and a witness, of one set of regions; it cannot be changed later;
no TTL, no local secondary index, no transactions. `table_replication` describes the replication of writes.
Different from AWS: a key that is disabled or denied does not make a table inaccessible; backups hold the latest state
only; throughput is not limited; a witness never fails.
Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-dynamodb-globaltable-globaltablewitness.html
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from ministack.core.responses import get_region
from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from local_cloud import regions
from local_cloud.shims import _api, _templates
from local_cloud.shims._api import renamed, truthful

WITNESSES: Final = "_witnesses"
"""Key of the regions of a table's witnesses; only strongly consistent tables have it."""
_QUORUM_OF: Final = 3
_REGION_SETS: Final = (
    {"us-east-1", "us-east-2", "us-west-2"},
    {"eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3"},
    {"ap-northeast-1", "ap-northeast-2", "ap-northeast-3"},
)
_NO_TTL: Final = "A strongly consistent global table has no TTL."
_NO_TRANSACTIONS: Final = "A strongly consistent global table has no transactions."


def install() -> None:
    """Create the replicas of global tables."""
    _keep_the_name()
    _templates.extend("AWS::DynamoDB::GlobalTable", _apply, rewrite=_without_replicas, before_delete=_delete_replicas)
    _describe_members()
    _refuse_what_strong_tables_lack()


def _keep_the_name() -> None:
    """Keep the name on an update; the stock update would replace a table without TableName by an empty one."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::GlobalTable"]
    stock = handler["update"]

    def update(name: str, old: _templates.Properties, new: _templates.Properties, stack_name: str, logical_id: str) -> Any:  # noqa: ANN401  what the stock handler answers
        generated = provisioners._physical_name(stack_name, logical_id, max_len=255)
        return stock(name, old, {"TableName": generated, **new}, stack_name)

    handler.update(update=update, update_with_logical_id=True)


def _without_replicas(properties: _templates.Properties) -> _templates.Properties:
    """Return the stock handler's properties of the home table. The API sets protection, encryption and TTL later."""
    later = (
        *("Replicas", "SSESpecification", "TimeToLiveSpecification", "DeletionProtectionEnabled"),
        *("MultiRegionConsistency", "GlobalTableWitnesses"),
    )
    return {name: value for name, value in properties.items() if name not in later}


def _apply(table: _templates.Resource) -> _templates.Attributes:
    name, home = table.physical_id, get_region()
    wanted = {replica["Region"]: replica for replica in table.properties["Replicas"]}
    if home not in wanted:
        raise ValueError(f"Replicas must contain the stack's own region {home}; it has {sorted(wanted)}.")
    if unreachable := sorted(region for region in wanted if regions.is_down(region)):
        raise ValueError(f"The replica of {name} in {unreachable[0]} cannot be made or changed: that region is down (503).")
    witnesses = [one["Region"] for one in table.properties.get("GlobalTableWitnesses", [])]
    if wrong := _wrong_consistency(table, [*wanted, *witnesses], witnesses):
        raise ValueError(wrong)
    try:
        _match_replicas(name, home, set(wanted))
        _set_consistency(name, list(wanted), witnesses if _is_strong(table.properties) else None)
        for region, replica in wanted.items():
            _configure(name, region, replica, table)
        _set_ttl(name, table)
    except Exception:
        if not table.previous:
            # The caller undoes the home table; a replica that is left would block the next attempt.
            _match_replicas(name, home, {home})
        raise
    described = _api.client("dynamodb").describe_table(TableName=name)["Table"]
    return {"Arn": described["TableArn"], "TableId": described["TableId"], "StreamArn": described["LatestStreamArn"]}


def _is_strong(properties: dict[str, Any]) -> bool:
    return properties.get("MultiRegionConsistency") == "STRONG"


def _wrong_consistency(table: _templates.Resource, members: list[str], witnesses: list[str]) -> str:
    """Return why DynamoDB refuses a table's consistency; empty if it accepts it."""
    new = table.properties
    if table.previous and _is_strong(table.previous) != _is_strong(new):
        return "The consistency of a global table cannot be changed after its creation."
    if not _is_strong(new):
        return f"An eventually consistent global table has no witness; it has {witnesses}." if witnesses else ""
    if truthful(new.get("TimeToLiveSpecification", {}), "Enabled").get("Enabled"):
        return _NO_TTL
    if new.get("LocalSecondaryIndexes"):
        return "A strongly consistent global table has no local secondary indexes."
    if len(set(members)) != _QUORUM_OF or len(witnesses) > 1 or not any(set(members) <= each for each in _REGION_SETS):
        return f"Strong consistency takes three replicas, or two and a witness, of one set of regions; not {members}."
    return ""


def _set_consistency(name: str, replicas: list[str], witnesses: list[str] | None) -> None:
    for region in replicas:
        table = dynamodb._tables.get_scoped(dynamodb.get_account_id(), region, name)
        table.pop(WITNESSES, None)
        if witnesses is not None:
            table[WITNESSES] = witnesses


def _match_replicas(name: str, home: str, wanted: set[str]) -> None:
    client = _api.client("dynamodb")
    have = {replica["RegionName"] for replica in client.describe_table(TableName=name)["Table"].get("Replicas", [])}
    for region in sorted(wanted - have - {home}):
        client.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": region}}])
    for region in sorted(have - wanted - {home}):
        client.update_table(TableName=name, ReplicaUpdates=[{"Delete": {"RegionName": region}}])


def _configure(name: str, region: str, replica: dict[str, Any], table: _templates.Resource) -> None:
    client = _api.client("dynamodb", region)
    changes: dict[str, Any] = {
        "DeletionProtectionEnabled": truthful(replica, "DeletionProtectionEnabled").get("DeletionProtectionEnabled", False)
    }
    if table.properties.get("SSESpecification"):
        changes["SSESpecification"] = _encryption(table.properties["SSESpecification"], replica)
    if "TableClass" in replica:
        changes["TableClass"] = replica["TableClass"]
    client.update_table(TableName=name, **changes)
    recovery = truthful(replica.get("PointInTimeRecoverySpecification", {}), "PointInTimeRecoveryEnabled")
    client.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": recovery.get("PointInTimeRecoveryEnabled", False)},
    )
    _tag(client, name, replica.get("Tags", []))
    if insights := replica.get("ContributorInsightsSpecification"):
        enabled = truthful(insights, "Enabled")["Enabled"]
        client.update_contributor_insights(TableName=name, ContributorInsightsAction="ENABLE" if enabled else "DISABLE")
    if policy := replica.get("ResourcePolicy"):
        arn = client.describe_table(TableName=name)["Table"]["TableArn"]
        client.put_resource_policy(ResourceArn=arn, Policy=json.dumps(policy["PolicyDocument"]))


def _encryption(specification: dict[str, Any], replica: dict[str, Any]) -> dict[str, Any]:
    answer = truthful(renamed(specification, SSEEnabled="Enabled"), "Enabled")
    if key := replica.get("SSESpecification", {}).get("KMSMasterKeyId"):
        answer["KMSMasterKeyId"] = key
    return answer


def _tag(client: Any, name: str, tags: list[dict[str, str]]) -> None:  # noqa: ANN401  a boto3 client
    arn = client.describe_table(TableName=name)["Table"]["TableArn"]
    wanted = {tag["Key"] for tag in tags}
    stale = [tag["Key"] for tag in client.list_tags_of_resource(ResourceArn=arn)["Tags"] if tag["Key"] not in wanted]
    if stale:
        client.untag_resource(ResourceArn=arn, TagKeys=stale)
    if tags:
        client.tag_resource(ResourceArn=arn, Tags=tags)


def _set_ttl(name: str, table: _templates.Resource) -> None:
    client = _api.client("dynamodb")
    if ttl := table.properties.get("TimeToLiveSpecification"):
        client.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={
                "Enabled": truthful(ttl, "Enabled")["Enabled"],
                "AttributeName": ttl.get("AttributeName", "ttl"),
            },
        )
    elif old := table.previous.get("TimeToLiveSpecification"):
        client.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": False, "AttributeName": old.get("AttributeName", "ttl")}
        )


def _delete_replicas(name: str, _properties: _templates.Properties) -> None:
    client = _api.client("dynamodb")
    try:
        described = client.describe_table(TableName=name)["Table"]
    except client.exceptions.ResourceNotFoundException:
        return
    if described.get("DeletionProtectionEnabled"):
        raise ValueError(f"The table {name} is protected against deletion; disable DeletionProtectionEnabled first.")
    for replica in described.get("Replicas", []):
        client.update_table(TableName=name, ReplicaUpdates=[{"Delete": {"RegionName": replica["RegionName"]}}])


def _describe_members() -> None:
    """Add the key of every other replica, the consistency and the witness to DescribeTable."""
    stock = dynamodb._table_description

    def describe(name: str) -> dict[str, Any]:
        answer: dict[str, Any] = stock(name)
        for replica in answer.get("Replicas", []):
            member = dynamodb._tables.get_scoped(dynamodb.get_account_id(), replica["RegionName"], name) or {}
            if key := (member.get("SSEDescription") or {}).get("KMSMasterKeyArn"):
                replica["KMSMasterKeyId"] = key
        witnesses = dynamodb._tables[name].get(WITNESSES)
        if witnesses is not None:
            answer["MultiRegionConsistency"] = "STRONG"
            answer["GlobalTableWitnesses"] = [{"RegionName": each, "WitnessStatus": "ACTIVE"} for each in witnesses]
        return answer

    dynamodb._table_description = describe


def _refuse_what_strong_tables_lack() -> None:
    """Refuse transactions and TTL on a strongly consistent table."""
    stock_ttl, stock_write, stock_get = dynamodb._update_ttl, dynamodb._transact_write_items, dynamodb._transact_get_items

    def update_ttl(data: dict[str, Any]) -> Any:  # noqa: ANN401  what the stock handler answers
        return _refusal(_NO_TTL) if _has_strong([data]) else stock_ttl(data)

    def transact(stock: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
        def act(data: dict[str, Any]) -> Any:  # noqa: ANN401  what the stock handler answers
            operations = [one for item in data.get("TransactItems", []) for one in item.values()]
            return _refusal(_NO_TRANSACTIONS) if _has_strong(operations) else stock(data)

        return act

    dynamodb._update_ttl = update_ttl
    dynamodb._transact_write_items, dynamodb._transact_get_items = transact(stock_write), transact(stock_get)


def _has_strong(requests: list[dict[str, Any]]) -> bool:
    names = [dynamodb._normalize_table_name(one.get("TableName")) for one in requests]
    return any(WITNESSES in (dynamodb._tables.get(name) or {}) for name in names)


def _refusal(why: str) -> Any:  # noqa: ANN401  what the stock handlers answer
    return dynamodb.error_response_json("ValidationException", why, 400)
