"""Settings that are each valid and contradict each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from infra.naming import BUCKETS, DEFAULT_PREFIX, Naming, NamingError
from infra.settings.model import SettingsFields
from infra.settings.regions import OTHER_PARTITIONS, STRONG_REGION_SETS, ZONE_IDS, partition_of, witness_of

CONTRADICTION: Final = "contradiction"
"""The type of the validation error that carries contradictions."""


@dataclass(frozen=True)
class Contradiction:
    """Settings that contradict each other.

    Attributes:
        keys: Their dotted keys; the first is the one to change.
        wrong: Why they contradict each other.
        allowed: Values that are allowed for the first key.
        instead: A value for the first key that removes the contradiction.
    """

    keys: tuple[str, ...]
    wrong: str
    allowed: str
    instead: object


def contradictions_of(settings: SettingsFields) -> tuple[Contradiction, ...]:
    """Return every contradiction, not only the first."""
    return tuple(found for check in _CHECKS for found in check(settings))


def _regions(settings: SettingsFields) -> Iterator[Contradiction]:
    if settings.primary_region == settings.secondary_region:
        yield Contradiction(
            ("secondary_region", "primary_region"),
            f"both regions are {settings.primary_region}: a region cannot replace itself",
            "a region other than primary_region",
            _other_region(settings.primary_region),
        )


def _other_region(region: str) -> str:
    """Return another region of the same partition."""
    candidates = OTHER_PARTITIONS.get(partition_of(region), ("us-west-2", "us-east-2"))
    return next(each for each in candidates if each != region)


def _partitions(settings: SettingsFields) -> Iterator[Contradiction]:
    ours = partition_of(settings.primary_region)
    if partition_of(settings.secondary_region) != ours:
        yield Contradiction(
            ("secondary_region", "primary_region"),
            f"{' and '.join(settings.regions)} are of different partitions, which share no account, key or table",
            f"a region of {ours}, as {settings.primary_region} is",
            _other_region(settings.primary_region),
        )
    for key, arns in (
        ("callers", settings.callers),
        ("operators", settings.operators),
        ("iam.permissions_boundary", tuple(filter(None, [settings.iam.permissions_boundary]))),
    ):
        if strange := [arn for arn in arns if f"arn:{ours}:" not in arn]:
            corrected = [re.sub("arn:[a-z-]+:", f"arn:{ours}:", arn) for arn in arns]
            yield Contradiction(
                (key, "primary_region"),
                f"{', '.join(strange)} is of another partition than {settings.primary_region}",
                f"ARNs that begin with arn:{ours}:",
                corrected if key != "iam.permissions_boundary" else corrected[0],
            )


def _strong_consistency(settings: SettingsFields) -> Iterator[Contradiction]:
    if settings.consistency != "strong":
        return
    if settings.retention.attempts_days > 0:
        yield Contradiction(
            ("retention.attempts_days", "consistency"),
            'consistency is "strong", and DynamoDB refuses TTL on a strongly consistent global table',
            '0, which turns TTL off; or consistency = "eventual"',
            0,
        )
    if witness_of(*settings.regions) is None:
        sets = "; ".join(", ".join(each) for each in STRONG_REGION_SETS)
        yield Contradiction(
            ("consistency", "primary_region", "secondary_region"),
            "DynamoDB offers strong consistency among three regions of one set, here two and a witness, and no set "
            f"has {' and '.join(settings.regions)}",
            f'"eventual"; or primary_region and secondary_region of one set: {sets}',
            "eventual",
        )


def _protection(settings: SettingsFields) -> Iterator[Contradiction]:
    if settings.environment == "prod" and not settings.is_protected:
        yield Contradiction(
            ("protected", "environment"),
            "the gate holds an environment named prod to the rules of a protected one",
            "true; or false in an environment of another name",
            instead=True,
        )
    if not settings.is_protected:
        return
    if settings.vpc.mode == "none":
        yield Contradiction(
            ("vpc.mode", "protected", "environment"),
            "a protected environment's functions may not run outside a VPC",
            '"isolated"; "none" is for environments that are not protected',
            "isolated",
        )
    if settings.object_lock.mode == "none":
        yield Contradiction(
            ("object_lock.mode", "protected", "environment"),
            "a protected environment's audit trail must be locked: a trail that can be deleted proves nothing",
            '"governance" or "compliance"; "none" is for environments that are not protected',
            "governance",
        )


def _locks(settings: SettingsFields) -> Iterator[Contradiction]:
    if settings.object_lock.mode == "none":
        return
    for key, kept in (
        ("retention.trail_days", settings.retention.trail_days),
        ("retention.archive_days", settings.retention.archive_days),
    ):
        if kept < settings.object_lock.days:
            yield Contradiction(
                (key, "object_lock.days"),
                f"objects expire after {kept} days and are locked for {settings.object_lock.days}",
                f"{settings.object_lock.days} days or more; or a smaller object_lock.days",
                settings.object_lock.days,
            )


def _limits(settings: SettingsFields) -> Iterator[Contradiction]:
    limits = settings.limits
    if limits.processor_concurrency is not None and limits.event_source_concurrency > limits.processor_concurrency:
        yield Contradiction(
            ("limits.event_source_concurrency", "limits.processor_concurrency"),
            f"SQS would pass {limits.event_source_concurrency} batches at once to a function that may run "
            f"{limits.processor_concurrency} times, and the throttled ones would go to the dead-letter queue",
            f"at most limits.processor_concurrency, which is {limits.processor_concurrency}",
            limits.processor_concurrency,
        )
    if limits.maximum_expanded_bytes < limits.maximum_object_bytes:
        yield Contradiction(
            ("limits.maximum_expanded_bytes", "limits.maximum_object_bytes"),
            f"a plain file of {limits.maximum_object_bytes} bytes would be accepted and then refused for its size",
            f"at least limits.maximum_object_bytes, which is {limits.maximum_object_bytes}",
            limits.maximum_object_bytes,
        )
    if limits.shadow_maximum_age_seconds < limits.shadow_delay_seconds:
        yield Contradiction(
            ("limits.shadow_maximum_age_seconds", "limits.shadow_delay_seconds"),
            f"a message is received again after {limits.shadow_delay_seconds} seconds, and would be too old by then",
            f"at least limits.shadow_delay_seconds, which is {limits.shadow_delay_seconds}",
            limits.shadow_delay_seconds,
        )


def _prefix_lists(settings: SettingsFields) -> Iterator[Contradiction]:
    if settings.vpc.mode == "none":
        return
    services: tuple[Literal["s3", "dynamodb"], ...] = ("s3", "dynamodb")
    for service in services:
        lacking = [each for each in settings.regions if settings.vpc.prefix_list_of(service, each) is None]
        if not lacking:
            continue
        set_already = settings.vpc.s3_prefix_list if service == "s3" else settings.vpc.dynamodb_prefix_list
        commands = "; ".join(
            f"aws ec2 describe-managed-prefix-lists --region {region} "
            f"--filters Name=prefix-list-name,Values=com.amazonaws.{region}.{service}"
            for region in lacking
        )
        yield Contradiction(
            (f"vpc.{service}_prefix_list", "vpc.mode", "primary_region", "secondary_region"),
            f"functions reach {service} through its managed prefix list, whose id in {' and '.join(lacking)} is not "
            f"built in. Ask AWS for it: {commands}",
            f"a table from region to prefix list id with {' and '.join(lacking)}",
            {**set_already, **dict.fromkeys(lacking, "pl-0123456789abcdef0")},
        )


def _zones(settings: SettingsFields) -> Iterator[Contradiction]:
    vpc = settings.vpc
    if vpc.mode == "none":
        return
    for region in sorted({*settings.regions, *vpc.zone_ids}):
        ids = vpc.zone_ids_of(region)
        built_in = ZONE_IDS.get(region, ())
        strange = [each for each in ids if built_in and each.split("-")[0] != built_in[0].split("-")[0]]
        if strange:
            wrong = f"{', '.join(strange)} is not a zone of {region}, whose ids are like {built_in[0]}"
        elif len(set(ids)) < len(ids):
            wrong = f"{region} names a zone twice: {', '.join(ids)}"
        elif len(ids) < vpc.availability_zones:
            wrong = (
                f"{vpc.availability_zones} zones of {region} need a subnet, and {len(ids)} are known"
                f"{': ' if ids else ''}{', '.join(ids)}. Ask AWS for the ids: aws ec2 describe-availability-zones "
                f"--region {region} --filters Name=zone-type,Values=availability-zone --query AvailabilityZones[].ZoneId"
            )
        else:
            continue
        prefix = built_in[0].split("-")[0] if built_in else "use1"
        enough = built_in if len(built_in) >= vpc.availability_zones else tuple(f"{prefix}-az{n}" for n in (1, 2, 3))
        yield Contradiction(
            ("vpc.zone_ids", "vpc.availability_zones"),
            wrong,
            f"a list of {vpc.availability_zones} or more different zone ids of {region}",
            {**vpc.zone_ids, region: list(enough[: vpc.availability_zones])},
        )


def _client_vpcs(settings: SettingsFields) -> Iterator[Contradiction]:
    if not settings.client_vpcs:
        return
    if settings.domain is not None:
        yield Contradiction(
            ("client_vpcs", "domain.name"),
            "with a domain the failover records are in its public zone, and a private zone would have no users",
            "an empty table, or no domain",
            {},
        )
    lacking = [region for region in settings.regions if not settings.client_vpcs.get(region)]
    if lacking:
        yield Contradiction(
            ("client_vpcs", "primary_region", "secondary_region"),
            f"no VPC in {' and '.join(lacking)} can resolve the zone, so its clients could not find the active region",
            f"a table from region to a list of VPC ids with {' and '.join(settings.regions)}",
            {**settings.client_vpcs, **{region: ["vpc-0123456789abcdef0"] for region in lacking}},
        )


def _boundary(settings: SettingsFields) -> Iterator[Contradiction]:
    arn = settings.iam.permissions_boundary
    if arn and settings.has_account and arn.split(":")[4] not in {settings.account, "aws"}:
        yield Contradiction(
            ("iam.permissions_boundary", "account"),
            f"it is in account {arn.split(':')[4]}, and IAM takes a boundary of the role's own account or of AWS",
            f"a policy of account {settings.account}",
            arn.replace(arn.split(":")[4], settings.account, 1),
        )


def _names(settings: SettingsFields) -> Iterator[Contradiction]:
    too_long = dict(_too_long(settings, settings.prefix))
    if too_long and len(settings.prefix) > len(DEFAULT_PREFIX):
        cuts = (settings.prefix[:length].rstrip("-") for length in range(len(settings.prefix), 1, -1))
        yield Contradiction(
            ("prefix", "environment", "primary_region", "secondary_region"),
            "; ".join(too_long.values()),
            "a shorter prefix; or a region or an environment with a shorter name",
            next(cut for cut in cuts if not dict(_too_long(settings, cut))),
        )
        return
    for key, wrong in too_long.items():
        yield Contradiction(
            (key, "environment", "prefix"),
            wrong,
            "a region with a shorter name; or a shorter prefix, or a shorter name for the environment's table",
            "us-east-1" if key == "primary_region" else "us-west-2",
        )


def _too_long(settings: SettingsFields, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the key and the error of each region in which a bucket's name would be too long."""
    for key, region in (("primary_region", settings.primary_region), ("secondary_region", settings.secondary_region)):
        try:
            Naming(settings.environment, prefix).bucket_prefix(max(BUCKETS, key=len), region)
        except NamingError as error:
            yield key, str(error)


_CHECKS: Final[tuple[Callable[[SettingsFields], Iterator[Contradiction]], ...]] = (
    _regions,
    _partitions,
    _strong_consistency,
    _protection,
    _locks,
    _limits,
    _prefix_lists,
    _zones,
    _client_vpcs,
    _boundary,
    _names,
)
