"""Test that any valid settings synthesize, and that the templates have the properties on which the platform depends.

Each check reads templates as plain data and gets their settings. The tests cannot prove that AWS accepts the templates.
"""

import copy
import dataclasses
import ipaddress
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from infra.settings import STRONG_REGION_SETS, Settings
from unit_tests.fixtures.examples import examples
from unit_tests.infra.iam.resolve import Resolver
from unit_tests.infra.strategies import valid_settings
from unit_tests.infra.synthesis import REGIONAL, Synthesis, everywhere, of_type, only, resources, synthesize
from unit_tests.infra.test_tagging import UNTAGGABLE, tags_in

OF_NAMES = ("Naming-Pattern", "Naming-Bucket", "Naming-Regions", "Naming-Stack")
OF_REGIONS = tuple(f"ActivePassive-CrossRegion{name}" for name in ("Outputs", "References", "Symmetry"))
CORS_TYPES = ("AWS::S3::Bucket", "AWS::ApiGatewayV2::Api")


def stacks_stand_where_the_settings_say(made: Synthesis) -> None:
    of = made.settings
    regions = {name: stack.region for name, stack in made.stacks.items()}
    assert regions == {
        "PrimaryKeys": of.primary_region,
        "SecondaryKeys": of.secondary_region,
        "PrimaryRegional": of.primary_region,
        "SecondaryRegional": of.secondary_region,
        "Data": of.control_region,
        "Failover": of.control_region,
    }
    assert {stack.account for stack in made.stacks.values()} == {of.account}
    assert {stack.protected for stack in made.stacks.values()} == {of.is_protected}


def names_follow_the_pattern(made: Synthesis) -> None:
    assert made.violations(*OF_NAMES) == []


def everything_taggable_carries_the_six_tags(made: Synthesis) -> None:
    of = made.settings
    expected = {
        "Project": of.tags.project,
        "Environment": of.environment,
        "Owner": of.tags.owner,
        "CostCenter": of.tags.cost_center,
        "DataClassification": of.tags.data_classification,
        "ManagedBy": "aws-cdk",
    }
    for where, resource in resources(made):
        if resource["Type"] in UNTAGGABLE or resource["Type"].startswith("Custom::"):
            continue
        found = tags_in(resource["Properties"])
        assert found, where
        assert all(expected.items() <= tags.items() for tags in found), where


def the_regions_are_alike(made: Synthesis) -> None:
    assert made.violations(OF_REGIONS[2]) == []


def the_regions_stand_alone(made: Synthesis) -> None:
    assert made.violations(*OF_REGIONS[:2]) == []
    # The secondary's health depends on nothing of the primary's region, with a domain or without.
    for check in of_type(made.templates["SecondaryRegional"], "AWS::Route53::HealthCheck").values():
        assert made.settings.primary_region not in repr(check), check


def browsers_are_let_in_from_the_origins_that_are_set(made: Synthesis) -> None:
    origins = list(made.settings.cors_origins)
    for stack in REGIONAL:
        template = made.templates[stack]
        by_bucket = [
            rule["AllowedOrigins"]
            for bucket in of_type(template, "AWS::S3::Bucket").values()
            for rule in bucket.get("CorsConfiguration", {}).get("CorsRules", ())
        ]
        assert by_bucket == ([origins] if origins else []), stack
        assert only(template, "AWS::ApiGatewayV2::Api").get("CorsConfiguration", {}).get("AllowOrigins", []) == origins, (
            stack
        )
    text = repr([[each.get("CorsConfiguration") for _, each in everywhere(made.templates, kind)] for kind in CORS_TYPES])
    assert "*" not in text


def the_table_is_in_both_regions(made: Synthesis) -> None:
    of, table = made.settings, only(made.templates["Data"], "AWS::DynamoDB::GlobalTable")
    assert {replica["Region"] for replica in table["Replicas"]} == set(of.regions)
    indexes = [index["IndexName"] for index in table["GlobalSecondaryIndexes"]]
    for replica in table["Replicas"]:
        assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert replica.get("DeletionProtectionEnabled", False) == of.is_protected
        assert [index["IndexName"] for index in replica["GlobalSecondaryIndexes"]] == indexes
        assert replica["SSESpecification"]["KMSMasterKeyId"]
    has_ttl = table.get("TimeToLiveSpecification", {}).get("Enabled", False)
    assert has_ttl == (of.consistency == "eventual")
    if of.consistency == "eventual":
        assert not table.keys() & {"MultiRegionConsistency", "GlobalTableWitnesses"}
        return
    assert not has_ttl
    assert table["MultiRegionConsistency"] == "STRONG"
    (witness,) = table["GlobalTableWitnesses"]
    quorum = {witness["Region"], *of.regions}
    assert len(quorum) == 3
    assert any(quorum <= set(each) for each in STRONG_REGION_SETS)


def the_secret_is_in_both_regions(made: Synthesis) -> None:
    secret = only(made.templates["Data"], "AWS::SecretsManager::Secret")
    assert {made.settings.control_region, *(each["Region"] for each in secret["ReplicaRegions"])} == set(
        made.settings.regions
    )


def functions_stand_in_the_network_that_is_set(made: Synthesis) -> None:
    vpc = made.settings.vpc
    functions = dict(everywhere(made.templates, "AWS::Lambda::Function"))
    if vpc.mode == "none":
        assert not [where for where, each in resources(made) if each["Type"].startswith("AWS::EC2::")]
        assert not [where for where, each in functions.items() if "VpcConfig" in each]
        return
    for stack in REGIONAL:
        template = made.templates[stack]
        inside = {
            each["FunctionName"].removeprefix(f"{made.settings.prefix}-").split("-")[0]
            for each in of_type(template, "AWS::Lambda::Function").values()
            if "VpcConfig" in each
        }
        assert inside == {"processor", "issuer", "rotation"}, stack
        subnets = [ipaddress.IPv4Network(each["CidrBlock"]) for each in of_type(template, "AWS::EC2::Subnet").values()]
        assert len(subnets) == vpc.availability_zones, stack
        zones = [each["AvailabilityZoneId"] for each in of_type(template, "AWS::EC2::Subnet").values()]
        assert zones == list(vpc.zone_ids_of(made.stacks[stack].region)[: vpc.availability_zones]), stack
        assert only(template, "AWS::EC2::VPC")["CidrBlock"] == vpc.cidr, stack
        assert all(each.subnet_of(ipaddress.IPv4Network(vpc.cidr)) for each in subnets), stack
        assert not any(one.overlaps(other) for one in subnets for other in subnets if one is not other), stack
        region = made.stacks[stack].region
        assert {
            rule["DestinationPrefixListId"]
            for group in of_type(template, "AWS::EC2::SecurityGroup").values()
            for rule in group.get("SecurityGroupEgress", ())
            if "DestinationPrefixListId" in rule
        } == {vpc.prefix_list_of("s3", region), vpc.prefix_list_of("dynamodb", region)}, stack


def nothing_leads_out_of_the_network(made: Synthesis) -> None:
    text = repr(made.templates)
    # Not `assert ... not in text`: pytest would look for the closest match in a megabyte for a quarter of a minute.
    assert [range_ for range_ in ("0.0.0.0/0", "::/0") if range_ in text] == []
    types = {resource["Type"] for _, resource in resources(made)}
    assert not types & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::EgressOnlyInternetGateway"}


def things_are_kept_as_long_as_is_set(made: Synthesis) -> None:
    retention, lock = made.settings.retention, made.settings.object_lock
    assert {each["RetentionInDays"] for _, each in everywhere(made.templates, "AWS::Logs::LogGroup")} == {
        retention.logs_days
    }
    for where, bucket in everywhere(made.templates, "AWS::S3::Bucket"):
        named = bucket["BucketNamePrefix"].removeprefix(f"{made.settings.prefix}-")
        word = named.removesuffix(f"-{made.settings.environment}")
        is_locked = word in {"trail", "archive"} and lock.mode != "none"
        assert bucket.get("ObjectLockEnabled", False) == is_locked, where
        if is_locked:
            assert bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {
                "Days": lock.days,
                "Mode": lock.mode.upper(),
            }, where
        days = {
            "ingest": retention.canary_days,
            "archive": retention.archive_days,
            "access-logs": retention.access_logs_days,
            "trail-access": retention.access_logs_days,
            "trail": retention.trail_days,
        }[word]
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert next((rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule), None) == days, where


def the_queue_outlasts_the_processor(made: Synthesis) -> None:
    limits = made.settings.limits
    for stack in REGIONAL:
        queues = {each["QueueName"]: each for each in of_type(made.templates[stack], "AWS::SQS::Queue").values()}
        queue = queues[f"{made.settings.prefix}-ingest-{made.settings.environment}"]
        assert queue["VisibilityTimeout"] == 6 * limits.processor_timeout_seconds <= 43_200
        mapping = only(made.templates[stack], "AWS::Lambda::EventSourceMapping")
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": limits.event_source_concurrency}
        assert mapping["BatchSize"] == limits.batch_size
        functions = {
            each["Handler"].split(".")[1]: each for each in of_type(made.templates[stack], "AWS::Lambda::Function").values()
        }
        reserved = {name: each.get("ReservedConcurrentExecutions") for name, each in functions.items()}
        assert reserved.pop("processor") == limits.processor_concurrency
        assert reserved.pop("issuer") == limits.issuer_concurrency
        assert reserved.pop("observer") == limits.observer_concurrency
        assert set(reserved.values()) == {limits.maintenance_concurrency}
        processor = functions["processor"]
        assert processor["Timeout"] == limits.processor_timeout_seconds
        assert processor["MemorySize"] == limits.processor_memory_mb


def alarms_act_where_they_stand(made: Synthesis) -> None:
    for stack in REGIONAL:
        (topic,) = of_type(made.templates[stack], "AWS::SNS::Topic")
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            for alarm in of_type(made.templates[stack], kind).values():
                assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": topic}], (stack, alarm["AlarmName"])
        subscribed = [each["Endpoint"] for each in of_type(made.templates[stack], "AWS::SNS::Subscription").values()]
        assert subscribed == ([made.settings.alarms_email] if made.settings.alarms_email else []), stack


def failover_is_by_the_domain_or_client_vpcs_or_by_no_record(made: Synthesis) -> None:
    def standing(kind: str) -> Mapping[str, dict[str, Any]]:
        return dict(everywhere(made.templates, kind))

    checks, records = standing("AWS::Route53::HealthCheck"), standing("AWS::Route53::RecordSet")
    routing = made.templates["Failover"]["Outputs"]["ClientRouting"]["Value"]
    # With private DNS, such an endpoint answers 403 for the platform's own, public APIs.
    assert not [where for where, each in standing("AWS::EC2::VPCEndpoint").items() if "execute-api" in repr(each)]
    if not made.settings.domain and not made.settings.client_vpcs:
        # Nobody could resolve a record, and a health check without a record moves nobody.
        assert (dict(checks), dict(records), routing) == ({}, {}, "ordered-endpoints")
        assert not dict(standing("AWS::Route53::HostedZone"))
        return
    assert routing == "failover-records"
    kinds = sorted(check["HealthCheckConfig"]["Type"] for check in checks.values())
    assert kinds == ["CALCULATED", "CLOUDWATCH_METRIC", "CLOUDWATCH_METRIC", "HTTPS", "HTTPS"]
    alarms = {each["AlarmName"] for each in of_type(made.templates["SecondaryRegional"], "AWS::CloudWatch::Alarm").values()}
    for check in (check["HealthCheckConfig"] for check in checks.values()):
        if check["Type"] == "HTTPS":
            assert check["ResourcePath"] == "/ready"
        if check["Type"] == "CALCULATED":
            assert check["HealthThreshold"] == len(check["ChildHealthChecks"]) == 3
        if check["Type"] == "CLOUDWATCH_METRIC":
            assert check["AlarmIdentifier"]["Region"] == made.settings.secondary_region
            assert check["AlarmIdentifier"]["Name"] in alarms
    places = {where.split(".")[0] for where in records}
    zones = {repr(record["HostedZoneId"]) for record in records.values()}
    failover = [record["Failover"] for record in records.values() if "Failover" in record]
    assert all(int(record["TTL"]) <= 60 for record in records.values() if "TTL" in record)
    if made.settings.domain:
        assert places == set(REGIONAL)
        assert zones == {repr(made.settings.domain.hosted_zone_id)}
        assert sorted(failover) == ["PRIMARY", "SECONDARY"]
    else:
        assert places == {"Failover"}
        assert sorted(failover) == ["PRIMARY", "PRIMARY", "SECONDARY", "SECONDARY"]


MOST_VARIABLES_BYTES = 4096
"""Lambda's limit for all environment variables of a function
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
"""


def environment_variables_fit_into_lambda(made: Synthesis) -> None:
    for stack, template in made.templates.items():
        resolver = Resolver.of(made, stack)
        for logical_id, function in of_type(template, "AWS::Lambda::Function").items():
            variables = resolver.value(function["Environment"]["Variables"])
            # Measured as the JSON that Lambda quotes when it refuses them.
            size = len(json.dumps(variables, separators=(",", ":")).encode())
            assert size <= MOST_VARIABLES_BYTES, f"{stack}.{logical_id}: {size} bytes"

    def given_to(word: str, variable: str) -> list[str]:
        return [
            each["Environment"]["Variables"].get(variable, "")
            for stack in REGIONAL
            for each in of_type(made.templates[stack], "AWS::Lambda::Function").values()
            if f"-{word}-" in each["FunctionName"]
        ]

    assert given_to("issuer", "CALLERS") == [",".join(made.settings.callers)] * 2
    assert given_to("processor", "FORMATS") == [",".join(made.settings.formats)] * 2


MOST_POLICY_CHARACTERS = 6144
"""IAM's limit for a managed policy, white space not counted
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
"""


def policies_fit_into_iam(made: Synthesis) -> None:
    for stack, template in made.templates.items():
        resolver = Resolver.of(made, stack)
        for logical_id, policy in of_type(template, "AWS::IAM::ManagedPolicy").items():
            size = len(json.dumps(resolver.value(policy["PolicyDocument"]), separators=(",", ":")))
            assert size <= MOST_POLICY_CHARACTERS, f"{stack}.{logical_id}: {size} characters"


CHECKS: tuple[Callable[[Synthesis], None], ...] = (
    stacks_stand_where_the_settings_say,
    names_follow_the_pattern,
    everything_taggable_carries_the_six_tags,
    the_regions_are_alike,
    the_regions_stand_alone,
    browsers_are_let_in_from_the_origins_that_are_set,
    the_table_is_in_both_regions,
    the_secret_is_in_both_regions,
    functions_stand_in_the_network_that_is_set,
    nothing_leads_out_of_the_network,
    things_are_kept_as_long_as_is_set,
    the_queue_outlasts_the_processor,
    alarms_act_where_they_stand,
    failover_is_by_the_domain_or_client_vpcs_or_by_no_record,
    environment_variables_fit_into_lambda,
    policies_fit_into_iam,
)


def check(of: Settings) -> None:
    made = synthesize(of)
    for each in CHECKS:
        each(made)


@pytest.mark.property
@settings(max_examples=examples(4), suppress_health_check=[HealthCheck.too_slow])  # an example takes two seconds
@given(of=valid_settings())
@example(of=Settings.model_validate({"environment": "dev", "vpc": {"cidr": "192.168.7.0/24", "availability_zones": 3}}))
@example(
    # The longest names that regions and environments may have, and as many callers as fit.
    of=Settings.model_validate(
        {
            "environment": "abc",
            "primary_region": "ap-southeast-1",
            "secondary_region": "ap-southeast-2",
            "iam": {"role_path": f"/{'p' * 126}/"},
            "formats": [f"{'f' * 1019}=csv"],
            "callers": [f"c{n:02}=arn:aws:iam::123456789012:role/{'r' * 26}" for n in range(33)],
        }
    )
)
@example(
    of=Settings.model_validate(
        {
            "environment": "abcdefghij",
            "prefix": "acme-data",
            "primary_region": "us-gov-east-1",
            "secondary_region": "us-gov-west-1",
            "vpc": {"mode": "none"},
        }
    )
)
def test_valid_settings_synthesize_and_pass_the_checks(of: Settings) -> None:
    check(of)


def _named(made: Synthesis, stack: str, kind: str) -> dict[str, Any]:
    return next(iter(of_type(made.templates[stack], kind).values()))


def _spoil(made: Synthesis, stack: str, kind: str, name: str, value: object) -> None:
    _named(made, stack, kind)[name] = value


SPOILS: dict[Callable[[Synthesis], None], Callable[[Synthesis], None]] = {
    names_follow_the_pattern: lambda made: _spoil(made, "Data", "AWS::DynamoDB::GlobalTable", "TableName", "ledger-prod"),
    everything_taggable_carries_the_six_tags: lambda made: _named(made, "Data", "AWS::DynamoDB::GlobalTable")["Replicas"][1][
        "Tags"
    ].pop(),
    the_regions_are_alike: lambda made: _spoil(made, "PrimaryRegional", "AWS::SQS::Queue", "MessageRetentionPeriod", 60),
    the_regions_stand_alone: lambda made: _spoil(
        made, "SecondaryRegional", "AWS::SNS::Topic", "DisplayName", {"Fn::GetStackOutput": {"Region": "us-east-1"}}
    ),
    browsers_are_let_in_from_the_origins_that_are_set: lambda made: _spoil(
        made, "PrimaryRegional", "AWS::S3::Bucket", "CorsConfiguration", {"CorsRules": [{"AllowedOrigins": ["*"]}]}
    ),
    the_table_is_in_both_regions: lambda made: _named(made, "Data", "AWS::DynamoDB::GlobalTable")["Replicas"].pop(),
    the_secret_is_in_both_regions: lambda made: _named(made, "Data", "AWS::SecretsManager::Secret")["ReplicaRegions"].pop(),
    functions_stand_in_the_network_that_is_set: lambda made: _named(made, "PrimaryRegional", "AWS::Lambda::Function").pop(
        "VpcConfig"
    ),
    nothing_leads_out_of_the_network: lambda made: _spoil(
        made, "PrimaryRegional", "AWS::EC2::SecurityGroup", "SecurityGroupEgress", [{"CidrIp": "0.0.0.0/0"}]
    ),
    things_are_kept_as_long_as_is_set: lambda made: _named(made, "Data", "AWS::S3::Bucket")["LifecycleConfiguration"][
        "Rules"
    ].pop(),
    the_queue_outlasts_the_processor: lambda made: _spoil(
        made, "PrimaryRegional", "AWS::Lambda::EventSourceMapping", "ScalingConfig", {}
    ),
    alarms_act_where_they_stand: lambda made: _spoil(made, "PrimaryRegional", "AWS::CloudWatch::Alarm", "AlarmActions", []),
    failover_is_by_the_domain_or_client_vpcs_or_by_no_record: lambda made: made.templates["Failover"]["Outputs"][
        "ClientRouting"
    ].update(Value="failover-records"),
    policies_fit_into_iam: lambda made: _named(made, "Data", "AWS::IAM::ManagedPolicy")["PolicyDocument"].update(
        Id="a" * 6144
    ),
    environment_variables_fit_into_lambda: lambda made: _named(made, "PrimaryRegional", "AWS::Lambda::Function")[
        "Environment"
    ]["Variables"].update(MORE="x" * MOST_VARIABLES_BYTES),
}


@pytest.mark.parametrize("holds", SPOILS, ids=lambda holds: holds.__name__)
def test_check_fails_for_a_faulty_template(holds: Callable[[Synthesis], None], prod: Synthesis) -> None:
    holds(prod)
    spoilt = dataclasses.replace(prod, templates=copy.deepcopy(dict(prod.templates)))
    SPOILS[holds](spoilt)
    with pytest.raises(AssertionError):
        holds(spoilt)


def test_checks_of_templates_are_all_shown_to_fail() -> None:
    assert set(CHECKS) - set(SPOILS) == {stacks_stand_where_the_settings_say}
