"""Custom resource that sets one replication rule on a bucket, and replicates the objects that are older than the rule.

S3 refuses a rule whose destination does not exist yet. So when two buckets replicate to each other, only one can have its
rule in its template. This resource sets the rule of the other one last, and removes only that rule. After the rule is set
and the older objects are replicated, it writes a row of the table with the hosts of both APIs. The observers wait for this
row before they send their first canary, and send requests for the other region's API only to that host.

Resource properties:

| property                   | value                                                                        |
|----------------------------|------------------------------------------------------------------------------|
| `Bucket`                   | name of the source bucket                                                    |
| `BucketRegion`             | region of the bucket                                                         |
| `ReplicationConfiguration` | as for an `AWS::S3::Bucket`, with one rule, which has an `Id`                |
| `AccountId`                | the bucket's owner, 12 digits                                                |
| `BatchRole`                | ARN of the role by which S3 Batch Operations replicates the older objects    |
| `TableName`                | name of the table; the row goes to the replica in the function's own region  |
| `ApiHosts`                 | host of each region's API, by the region                                     |

The physical id is the bucket's name, a slash and the rule's id: the rule that an Update replaces and a Delete removes.
"""

import re
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import ClientError

from handlers.bucket_replication.api_mapping import to_api
from handlers.bucket_replication.existing_objects import Source, replicate_existing
from handlers.shared import custom_resource, schema
from handlers.shared.custom_resource import Context, Outcome, PropertyError, Request, RequestType

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ReplicationConfigurationOutputTypeDef, ReplicationRuleOutputTypeDef

logger = Logger()

CONFIGURATION: Final = "ReplicationConfiguration"
TEXTS: Final = ("AccountId", "BatchRole", "TableName", "Bucket", "BucketRegion")
HOSTS: Final = "ApiHosts"
PROPERTIES: Final = (*TEXTS, CONFIGURATION, HOSTS)
CLOUDFORMATION_S_OWN: Final = frozenset({"ServiceToken", "ServiceTimeout"})
"""Properties that CloudFormation itself uses."""

READ_BACK_ATTEMPTS: Final = 10
READ_BACK_PAUSE_SECONDS: Final = 2.0
"""S3 may return a bucket's former configuration for some seconds."""
AFTER_THE_JOB_SECONDS: Final = 15.0
"""Seconds reserved, after the wait for the job, to write the row and to send the answer."""

_PATIENT: Final = Config(retries={"mode": "standard", "total_max_attempts": 5})
_HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


class ReadBackError(Exception):
    """Raised when S3 accepted a rule and does not return it."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Context) -> None:
    """Answer CloudFormation's request; see `provide`."""
    until = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - AFTER_THE_JOB_SECONDS
    custom_resource.answer(event, context, partial(provide, until=until))


def provide(request: Request, *, until: float) -> Outcome:
    """Set the rule and replicate the older objects (Create, Update), or remove the rule (Delete).

    Args:
        request: The request of CloudFormation.
        until: When to stop waiting for the older objects, by the monotonic clock.

    Raises:
        PropertyError: A property is missing, unknown or of the wrong type.
        ReadBackError: S3 does not return the rule that was put; the rule stays, and the next request finds it.
        ExistingObjectsError: The rule is set, but not every older object could be replicated.
        ClientError: AWS returned an error.
    """
    if request.type is RequestType.DELETE:
        bucket, rule_id = _named(request)
        remove_rule(_client(request), bucket, rule_id)
        return Outcome(f"{bucket}/{rule_id}")
    account, batch_role, table_name, bucket, region = map(request.text, TEXTS)
    configuration, hosts = desired(request), api_hosts(request)
    replaced_id = _replaced_rule(request, bucket)
    (rule,) = configuration["Rules"]
    rule_id = rule["ID"]
    set_rule(_client(request), bucket, configuration["Role"], rule, replaced_id=replaced_id)
    control = boto3.client("s3control", region_name=region, config=_PATIENT)
    source = Source(account=account, bucket=bucket, role=batch_role)
    existing = replicate_existing(control, source, token=request.request_id, seconds=until - time.monotonic())
    logger.info("the objects that are older than the rule are replicated", bucket=bucket, job=existing)
    note_ready(table_name, region, bucket=bucket, rule_id=rule_id, hosts=hosts)
    return Outcome(f"{bucket}/{rule_id}", {"Bucket": bucket, "RuleId": rule_id, "ExistingObjects": existing})


def desired(request: Request) -> "ReplicationConfigurationOutputTypeDef":
    """Return the configuration as S3 takes it, with the one rule.

    Raises:
        PropertyError: A property is missing, unknown or of the wrong kind.
    """
    if unknown := sorted(request.properties.keys() - {*PROPERTIES, *CLOUDFORMATION_S_OWN}):
        raise PropertyError(
            f"{', '.join(unknown)} of {request.logical_resource_id}: no such property; allowed are: {', '.join(PROPERTIES)}"
        )
    if CONFIGURATION not in request.properties:
        raise PropertyError(f"property {CONFIGURATION} of {request.logical_resource_id} is missing; add it")
    configuration = to_api(request.properties[CONFIGURATION], CONFIGURATION)
    if len(configuration["Rules"]) != 1:
        raise PropertyError(f"{CONFIGURATION}.Rules must hold one rule; it holds {len(configuration['Rules'])}")
    if "ID" not in configuration["Rules"][0]:
        raise PropertyError(f"{CONFIGURATION}.Rules[0].Id is missing; add it, because later requests find the rule by it")
    return configuration


def set_rule(
    s3: "S3Client", bucket: str, role: str, rule: "ReplicationRuleOutputTypeDef", *, replaced_id: str | None = None
) -> None:
    """Put the rule and the role into the bucket's configuration; write only if they are not in place.

    Args:
        s3: A client of the bucket's region.
        bucket: The source bucket.
        role: The role that S3 assumes for all rules of the bucket.
        rule: Replaces the rule with the same id.
        replaced_id: Former id of this rule, which is removed.

    Raises:
        ReadBackError: S3 does not return the rule that was put.
    """
    current = _read(s3, bucket)
    ours = {rule["ID"], replaced_id}
    others = [other for other in (current["Rules"] if current else []) if other.get("ID") not in ours]
    wanted = [*others, rule]
    if current and current["Role"] == role and _canonical(current["Rules"]) == _canonical(wanted):
        logger.info("the replication rule is in place already", bucket=bucket, rule=rule["ID"])
        return
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": role, "Rules": wanted})
    _read_back(s3, bucket, role, rule)
    logger.info("the replication rule is set", bucket=bucket, rule=rule["ID"])


def remove_rule(s3: "S3Client", bucket: str, rule_id: str) -> None:
    """Remove the rule of an id from a bucket; succeed if the rule or the bucket does not exist."""
    try:
        current = _read(s3, bucket)
        if current is None:
            return
        others = [rule for rule in current["Rules"] if rule.get("ID") != rule_id]
        if len(others) == len(current["Rules"]):
            return
        if others:
            s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": current["Role"], "Rules": others})
        else:
            s3.delete_bucket_replication(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
        logger.info("the bucket does not exist, so it has no rule", bucket=bucket)


def api_hosts(request: Request) -> dict[str, str]:
    """Return the host of each region's API.

    Raises:
        PropertyError: The property is missing, or not a map of host names.
    """
    hosts = request.properties.get(HOSTS)
    if not isinstance(hosts, Mapping) or not all(isinstance(host, str) and _HOST.fullmatch(host) for host in hosts.values()):
        raise PropertyError(
            f"property {HOSTS} of {request.logical_resource_id} is {str(hosts)[:200]!r}, not a map of host names; "
            'write one like {"us-east-1": "abc123.execute-api.us-east-1.amazonaws.com"}'
        )
    return dict(hosts)


def note_ready(table_name: str, region: str, *, bucket: str, rule_id: str, hosts: Mapping[str, str]) -> None:
    """Write the row that files replicate both ways: this rule is the last of the two to be set.

    Args:
        table_name: Name of the table.
        region: Region of the bucket.
        bucket: The source bucket.
        rule_id: Id of the rule.
        hosts: Host of each region's API.
    """
    boto3.client("dynamodb", config=_PATIENT).put_item(
        TableName=table_name,
        Item={
            schema.PARTITION_KEY: {"S": schema.replication_partition_key(region)},
            schema.SORT_KEY: {"S": schema.READY},
            "bucket": {"S": bucket},
            "rule_id": {"S": rule_id},
            schema.API_HOSTS: {"M": {name: {"S": host} for name, host in hosts.items()}},
        },
    )


def _read(s3: "S3Client", bucket: str) -> "ReplicationConfigurationOutputTypeDef | None":
    try:
        return s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ReplicationConfigurationNotFoundError":
            raise
        return None


def _read_back(s3: "S3Client", bucket: str, role: str, rule: "ReplicationRuleOutputTypeDef") -> None:
    """Wait until S3 returns the rule that was put; S3 may add terms but not change any."""
    put = {"Role": role, "Rule": _plain(rule)}
    for attempt in range(READ_BACK_ATTEMPTS):
        if attempt:
            time.sleep(READ_BACK_PAUSE_SECONDS)
        current = _read(s3, bucket)
        held = [_plain(one) for one in current["Rules"] if one.get("ID") == rule["ID"]] if current else []
        answered = {"Role": current["Role"] if current else None, "Rule": held[0] if held else None}
        lost = list(_lost(put, answered))
        if not lost:
            return
    raise ReadBackError(f"S3 accepted rule {rule['ID']} of bucket {bucket} and returns another: {'; '.join(lost)}")


def _lost(put: object, answered: object, place: str = "") -> Iterator[str]:
    if isinstance(put, Mapping) and isinstance(answered, Mapping):
        for name, value in put.items():
            yield from _lost(value, answered.get(name), f"{place}.{name}" if place else name)
    elif put != answered:
        yield f"{place} is {answered!r}, not {put!r}"


def _client(request: Request) -> "S3Client":
    return boto3.client("s3", region_name=request.text("BucketRegion"), config=_PATIENT)


def _named(request: Request) -> tuple[str, str]:
    """Return the bucket and the rule's id from the physical id; a bucket's name has no slash, a rule's id may."""
    bucket, _, rule_id = (request.physical_resource_id or "").partition("/")
    if not bucket or not rule_id:
        raise PropertyError(
            f"the physical id of {request.logical_resource_id} is {request.physical_resource_id!r}; "
            "a bucket's name, a slash and a rule's id are needed"
        )
    return bucket, rule_id


def _replaced_rule(request: Request, bucket: str) -> str | None:
    """Return the former id of a rule that an Update renames: S3 refuses two rules of one priority on a bucket."""
    if request.type is not RequestType.UPDATE:
        return None
    old_bucket, old_id = _named(request)
    return old_id if old_bucket == bucket else None


def _canonical(rules: "list[ReplicationRuleOutputTypeDef]") -> list[dict[str, Any]]:
    """Return rules in a comparable form: S3 may return a filter of everything as an empty one, and rules in any order."""
    return sorted(map(_plain, rules), key=lambda rule: str(rule.get("ID")))


def _plain(rule: "ReplicationRuleOutputTypeDef") -> dict[str, Any]:
    return {**rule, "Filter": rule.get("Filter") or {"Prefix": ""}}
