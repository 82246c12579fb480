"""Properties of every rule and path in the tables `rules/<service>/required.py`."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from compliance.engine.requirements import RequirementsJudge, is_true, require
from compliance.rules import our_rules
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.builders import (
    EAST,
    WEST,
    alone,
    bucket,
    function,
    key_arn,
    log_group,
    pipeline,
    queue,
    table,
)
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, Path, Resource, changed, either, resource, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says, verdict_in

INSIGHTS: Final = [{"InsightType": "ApiCallRateInsight"}, {"InsightType": "ApiErrorRateInsight"}]


def key() -> Resource:
    return {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": True}}


def trail() -> Resource:
    """Return a trail that looks for unusual rates."""
    return {"Type": "AWS::CloudTrail::Trail", "Properties": {"InsightSelectors": INSIGHTS}}


def configured() -> Resource:
    """Return a function with a variable under a key of ours."""
    it = changed(function(), "Environment", to={"Variables": {"QUEUE": "ingest"}})
    return changed(it, "KmsKeyArn", to=key_arn(WEST))


def topic() -> Resource:
    """Return a topic under a key of ours."""
    return {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": "alias/serverless-queue-prod"}}


def certificate() -> Resource:
    return {"Type": "AWS::CertificateManager::Certificate", "Properties": {"ValidationMethod": "DNS"}}


def domain_name() -> Resource:
    return {"Type": "AWS::ApiGatewayV2::DomainName", "Properties": {"DomainNameConfigurations": [{}, {}]}}


def api_mapping() -> Resource:
    return {"Type": "AWS::ApiGatewayV2::ApiMapping", "Properties": {"ApiId": {"Ref": "It"}, "DomainName": {"Ref": "It"}}}


def stage() -> Resource:
    """Return a stage with the settings of both kinds of API."""
    return {
        "Type": "AWS::ApiGateway::Stage",
        "Properties": {"DefaultRouteSettings": {}, "MethodSettings": [{"HttpMethod": "*"}, {"HttpMethod": "GET"}]},
    }


def proxy() -> Resource:
    """Return an integration of an HTTP API with a function."""
    return {
        "Type": "AWS::ApiGatewayV2::Integration",
        "Properties": {"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0"},
    }


def locked_bucket() -> Resource:
    """Return a bucket that locks its objects."""
    retention = {"Mode": "GOVERNANCE", "Days": 365}
    return changed(bucket(), "ObjectLockConfiguration", to={"Rule": {"DefaultRetention": retention}})


def logged_bucket() -> Resource:
    """Return a bucket that is its own access log."""
    return changed(bucket(), "LoggingConfiguration", to={"DestinationBucketName": {"Ref": "It"}})


class Case(NamedTuple):
    """Values of one path that pass and that fail, and the verdict where the path leads to nothing."""

    rule: str
    path: str
    make: Callable[[], Resource]
    good: tuple[Any, ...]
    bad: tuple[Any, ...]
    absent: Verdict = FAIL


Values = tuple[tuple[Any, ...], tuple[Any, ...]]
"""The values that pass, and those that fail."""

ON: Final[Values] = ((True, "true"), (False, "false"))
AWS_MANAGED: Final = ("alias/aws/sqs", f"arn:aws:kms:{WEST}:000000000000:alias/aws/s3")
KEYS: Final[Values] = ((key_arn(WEST), "alias/ours", "0f6b1d7e"), (*AWS_MANAGED, key_arn(EAST)))
RECOVERY: Final = "Replicas[+].PointInTimeRecoverySpecification"
DOMAINS: Final = "DomainNameConfigurations"
VARIABLES: Final = "Environment.Variables"
LOCK_DAYS: Final = "ObjectLockConfiguration.Rule.DefaultRetention.Days"
TAGS: Final = [{"Key": "Owner", "Value": "platform"}]

CASES: Final = (
    Case("APIGatewayCertificate", "KeyAlgorithm", certificate, ("RSA_2048", "EC_prime256v1"), ("RSA_1024", ""), PASS),
    Case("APIGatewayCertificate", "ValidationMethod", certificate, ("DNS",), ("EMAIL", "")),
    Case(
        "APIGatewayCertificate", "CertificateTransparencyLoggingPreference", certificate, ("ENABLED",), ("DISABLED",), PASS
    ),
    Case(
        "APIGatewayDomainName", "DomainNameConfigurations[+].SecurityPolicy", domain_name, ("TLS_1_2",), ("TLS_1_0",), PASS
    ),
    *(
        Case("APIGatewayMapping", path, api_mapping, ({"Ref": "It"}, {"Fn::GetAtt": ["It", "Id"]}), ("a1b2c3",))
        for path in ("ApiId", "DomainName")
    ),
    Case("APIGatewayPayload", "PayloadFormatVersion", proxy, ("2.0",), ("1.0", "")),
    Case(
        *("S3AccessLogs", "LoggingConfiguration.DestinationBucketName", logged_bucket),
        ({"Ref": "It"}, "serverless-ingest-prod"),
        ("elsewhere", {"Fn::Sub": "elsewhere-${AWS::AccountId}-${AWS::Region}-an"}),
    ),
    Case("DynamoDBDeletion", "Replicas[+].DeletionProtectionEnabled", table, *ON),
    Case("DynamoDBTags", "Replicas[+].Tags", table, (TAGS, [UNKNOWN]), ([],)),
    Case("DynamoDBRecovery", f"{RECOVERY}.PointInTimeRecoveryEnabled", table, *ON),
    Case("DynamoDBRecovery", f"{RECOVERY}.RecoveryPeriodInDays", table, (7, "35"), (1, 6, "6"), PASS),
    # A key's good values are of one region, so its replica is the western one; see `places`.
    Case("DynamoDBEncryption", "Replicas[+].SSESpecification.KMSMasterKeyId", table, *KEYS),
    Case("DynamoDBEncryption", "SSESpecification.SSEEnabled", table, *ON),
    Case("DynamoDBEncryption", "SSESpecification.SSEType", table, ("KMS",), ("AES256", ""), PASS),
    Case("SQSEncryption", "KmsMasterKeyId", queue, *KEYS),
    Case("SQSEncryption", "KmsMasterKeyId", topic, *KEYS),
    Case("SQSBacklog", "MessageRetentionPeriod", queue, (86_400, "345600"), (60, 86_399, "60"), PASS),
    Case("S3Lock", LOCK_DAYS, locked_bucket, (30, "365"), (29, 0, "29")),
    Case("S3Versioning", "VersioningConfiguration.Status", bucket, ("Enabled",), ("Suspended", "Disabled", "")),
    *(
        Case("S3Public", f"PublicAccessBlockConfiguration.{flag}", bucket, *ON)
        for flag in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    ),
    Case("S3Public", "OwnershipControls.Rules[*].ObjectOwnership", bucket, ("BucketOwnerEnforced",), ("ObjectWriter", "")),
    Case("KMSRotation", "EnableKeyRotation", key, *ON),
    Case("KMSRotation", "Enabled", key, *ON, PASS),
    Case("SQSDelivery", "DelaySeconds", queue, (0, 60, "5"), (61, 900, "900"), PASS),
    Case("SQSDelivery", "MaximumMessageSize", queue, (65_536, "262144"), (1024, 65_535, "1024"), PASS),
    Case("CloudTrailInsights", "InsightSelectors", trail, (INSIGHTS, INSIGHTS[1:]), ([], [{"InsightType": "Other"}])),
    *(
        Case(rule, path, make, (False, "false"), (True, "true"), PASS)
        for rule, path, make in (
            ("APIGatewayTrace", "DefaultRouteSettings.DataTraceEnabled", stage),
            ("APIGatewayTrace", "MethodSettings[*].DataTraceEnabled", stage),
            ("KMSLockout", "BypassPolicyLockoutSafetyCheck", key),
            ("LogsTokens", "BearerTokenAuthenticationEnabled", log_group),
        )
    ),
    Case("KMSRegion", "MultiRegion", key, (False, "false"), (True, "true"), PASS),
    Case("KMSLife", "PendingWindowInDays", key, (30, "30"), (7, 29, "7"), PASS),
    Case("KMSLife", "Origin", key, ("AWS_KMS", "AWS_CLOUDHSM"), ("EXTERNAL", ""), PASS),
    Case("KMSLife", "RotationPeriodInDays", key, (90, "365"), (367, 2560, "2560"), PASS),
    Case("LogsClass", "LogGroupClass", log_group, ("STANDARD",), ("DELIVERY", "INFREQUENT_ACCESS", ""), PASS),
    Case("LogsGroup", "RetentionInDays", log_group, (14, "365"), (1, 13, "7")),
    Case("LogsGroup", "KmsKeyId", log_group, *KEYS),
    Case("LambdaTimeout", "Timeout", function, (10, "300"), (1, 9)),
    Case("LambdaConcurrency", "ReservedConcurrentExecutions", function, (1, "50"), (0, -1, "0")),
    Case("LambdaLogLevel", "LoggingConfig.ApplicationLogLevel", function, ("INFO", "ERROR"), ("FATAL", ""), PASS),
    Case("LambdaLogLevel", f"{VARIABLES}.POWERTOOLS_LOG_LEVEL", configured, ("INFO", "ERROR"), ("CRITICAL", ""), PASS),
    Case("LambdaLogLevel", f"{VARIABLES}.POWERTOOLS_LOGGER_LOG_EVENT", configured, (False, "false"), (True, "true"), PASS),
    Case("LambdaLogLevel", f"{VARIABLES}.POWERTOOLS_METRICS_DISABLED", configured, (False, "false"), (True, "true"), PASS),
    Case("LambdaVariables", "KmsKeyArn", configured, *KEYS),
    Case("LambdaRuntime", "Runtime", function, ("python3.14", "nodejs24.x"), ("python3.9", "go1.x", "java8")),
)
EMPTIED: Final = {
    **{("S3Lock", LOCK_DAYS.rsplit(".", above)[0]): None for above in (1, 2, 3)},  # a bucket without a lock
    ("S3AccessLogs", "LoggingConfiguration"): None,  # AwsSolutions-S1 asks for one
    ("S3Versioning", "VersioningConfiguration"): None,  # a bucket without versions need not have them
    ("S3Public", "OwnershipControls"): PASS,  # S3 enforces the owner where nothing is set
    ("S3Public", "OwnershipControls.Rules"): PASS,
    ("DynamoDBEncryption", "SSESpecification"): FAIL,  # though SSEType alone may be absent
    ("DynamoDBRecovery", "Replicas.PointInTimeRecoverySpecification"): FAIL,  # though RecoveryPeriodInDays alone may be
}
"""The verdict where a map or a list above a path is not set, where it is not that of the path itself."""
cases = st.sampled_from(CASES)
"""One rule and one of its paths."""


def places(case: Case) -> st.SearchStrategy[Path]:
    """Return the places in the compliant resource that the case's path may mean; of keys, the western one."""
    number = st.just(1) if case.bad == KEYS[1] else st.integers(0, 1)
    entries = st.just(0) if "OwnershipControls" in case.path else number
    steps = re.findall(r"\w+|\[", case.path)
    return st.tuples(*(entries if step == "[" else st.just(step) for step in steps))


def verdict(case: Case, resource: Resource) -> Verdict | None:
    """Return the verdict of the case's rule on a resource of the west."""
    return says(f"ActivePassive-{case.rule}", resource, WEST)


def compliant(case: Case) -> Resource:
    """Return a resource that the rule passes, with what is above the path in place."""
    made = case.make()
    if made["Type"] == "AWS::Logs::LogGroup":
        made = changed(made, "KmsKeyId", to=key_arn(WEST))
    return made


def test_each_path_of_each_table_has_a_case() -> None:
    tables = {
        (rule.id.removeprefix("ActivePassive-"), path)
        for rule in our_rules()
        if isinstance(rule.judge, RequirementsJudge)
        for path in rule.judge.requirements
    }
    assert tables == {(case.rule, case.path) for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}:{case.path}")
def test_compliant_resource_passes_and_another_type_is_not_judged(case: Case) -> None:
    assert verdict(case, compliant(case)) is PASS
    assert verdict(case, {**compliant(case), "Type": "AWS::IAM::User"}) is None


@pytest.mark.parametrize(
    ("declared", "retention", "expected"),
    [
        ({"Mode": "GOVERNANCE", "Days": 365}, {"Mode": "GOVERNANCE", "Days": 365}, PASS),
        ({"Mode": "GOVERNANCE", "Days": 365}, {"Mode": "COMPLIANCE", "Years": 1}, PASS),
        ({"Mode": "GOVERNANCE", "Days": 365}, {"Mode": "GOVERNANCE", "Days": 31}, FAIL),
        ({"Mode": "GOVERNANCE", "Days": 365}, None, FAIL),
        ({"Mode": "COMPLIANCE", "Days": 30}, {"Mode": "GOVERNANCE", "Days": 365}, FAIL),
        ("COMPLIANCE", {"Mode": "COMPLIANCE", "Days": 365}, NOT_EVALUATED),
    ],
)
def test_lock_is_as_long_and_strict_as_declared(declared: object, retention: object, expected: Verdict) -> None:
    made = template({"It": changed(bucket(), "ObjectLockConfiguration", to={"Rule": {"DefaultRetention": retention}})}, WEST)
    judged = replace(made, body={**made.body, "Metadata": {"Lockstep": {"ObjectLock": declared}}})
    assert verdict_in("ActivePassive-S3Lock", "It", judged) is expected


@pytest.mark.parametrize(
    ("path", "prefix", "expected"),
    [("/ingest/*", "ingest/", PASS), ("/*", ABSENT, PASS), ("/ingest/*", "archive/", FAIL), ("/ingest/*", ABSENT, FAIL)],
)
def test_policy_of_the_log_bucket_admits_the_prefix(path: str, prefix: object, expected: Verdict) -> None:
    it = changed(bucket(), "LoggingConfiguration", to={"DestinationBucketName": {"Ref": "Logs"}, "LogFilePrefix": prefix})
    arn = {"Fn::Join": ["", [{"Fn::GetAtt": ["Logs", "Arn"]}, path]]}
    service = {"Service": "logging.s3.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": service, "Action": "s3:PutObject", "Resource": arn}
    policy = resource("S3::BucketPolicy", Bucket={"Ref": "Logs"}, PolicyDocument={"Statement": [statement]})
    judged = template({"It": it, "Logs": bucket("logs"), "Policy": policy}, WEST)
    assert verdict_in("ActivePassive-S3AccessLogs", "It", judged) is expected


@pytest.mark.property
@given(st.data())
def test_each_value_has_its_verdict_and_each_branch_counts(data: st.DataObject) -> None:
    case = data.draw(cases)
    place = data.draw(places(case))
    good, other, bad = (data.draw(st.sampled_from(values)) for values in (case.good, case.good, case.bad))

    def of(value: object) -> Verdict | None:
        return verdict(case, changed(compliant(case), *place, to=value))

    assert (of(good), of(bad)) == (PASS, FAIL)
    assert of(either(good, other)) is PASS
    assert of(data.draw(st.sampled_from([either(good, bad), either(bad, good)]))) is FAIL
    assert of(data.draw(st.sampled_from([either(bad, UNKNOWN), either(UNKNOWN, bad)]))) is FAIL
    assert of(data.draw(st.sampled_from([UNKNOWN, either(good, UNKNOWN)]))) is NOT_EVALUATED


@pytest.mark.property
@given(st.data())
def test_value_of_the_wrong_type_is_not_evaluated_anywhere_on_the_path(data: st.DataObject) -> None:
    case = data.draw(cases)
    whole = data.draw(places(case))
    place = whole[: data.draw(st.integers(1, len(whole)))]
    unresolved = [UNKNOWN, {"Fn::GetAtt": ["Nowhere", "Arn"]}, {"Fn::If": ["C"]}]
    value = data.draw(st.sampled_from([*unresolved, {"A": 1}] if place == whole else [*unresolved, "text", 7.5, True]))

    assert verdict(case, changed(compliant(case), *place, to=value)) is NOT_EVALUATED


@pytest.mark.property
@given(st.data())
def test_missing_value_has_its_verdict_anywhere_on_the_path(data: st.DataObject) -> None:
    case = data.draw(cases)
    place = data.draw(places(case))
    length = data.draw(st.sampled_from([n for n in range(1, len(place) + 1) if isinstance(place[n - 1], str)]))
    above = ".".join(step for step in place[:length] if isinstance(step, str))
    expected = NOT_EVALUATED if above in {"Replicas", DOMAINS} else EMPTIED.get((case.rule, above), case.absent)
    present = changed(compliant(case), *place, to=case.good[0])
    nothing = data.draw(st.sampled_from([None, ABSENT, either(ABSENT, None)]))

    assert verdict(case, changed(present, *place[:length], to=nothing)) is expected
    assert verdict(case, without(present, *place[:length])) is expected


@pytest.mark.parametrize(
    ("rule", "resource", "expected"),
    [
        (
            "DynamoDBTags",
            without(table(), "Replicas", 0, "Tags"),
            "Replicas[us-east-1].Tags is not set; it must be a list with an entry or more",
        ),
        (
            "DynamoDBDeletion",
            changed(
                changed(table(), "Replicas", 1, "Region", to={"Ref": "AWS::Region"}),
                "Replicas",
                1,
                "DeletionProtectionEnabled",
                to=False,
            ),
            "Replicas[1].DeletionProtectionEnabled is False; it must be true",
        ),
        (
            "DynamoDBEncryption",
            changed(table(), "Replicas", 1, "SSESpecification", "KMSMasterKeyId", to=key_arn(EAST)),
            "Replicas[us-west-2].SSESpecification.KMSMasterKeyId is a key of us-east-1; it must be one of us-west-2",
        ),
        (
            "S3Versioning",
            changed(bucket(), "VersioningConfiguration", "Status", to="Suspended"),
            "VersioningConfiguration.Status is 'Suspended'; it must be Enabled",
        ),
        (
            "SQSBacklog",
            changed(queue(), "MessageRetentionPeriod", to=60),
            "MessageRetentionPeriod is 60; it must be 86400 or more",
        ),
    ],
)
def test_message_names_the_place_the_value_and_what_is_allowed(rule: str, resource: Resource, expected: str) -> None:
    assert message(f"ActivePassive-{rule}", resource) == expected


@pytest.mark.parametrize("path", ["", ".Tags", "Replicas[*", "Replicas[0].Tags", "Replicas[*]Tags", "Replicas..Tags"])
def test_path_of_another_form_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not of the form"):
        require("AWS::DynamoDB::GlobalTable", path, is_true, id="x", title="t", why="w", fix="f", controls=())


def test_backlog_rule_does_not_concern_dead_letter_queues() -> None:
    assert verdict_in("ActivePassive-SQSBacklog", "Dead", alone(pipeline())) is None


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"KeySpec": "SYMMETRIC_DEFAULT"}, FAIL),
        ({"KeySpec": either("SYMMETRIC_DEFAULT", "RSA_2048")}, FAIL),
        ({"KeySpec": UNKNOWN}, NOT_EVALUATED),
        ({"KeySpec": "RSA_2048"}, None),
        ({"KeySpec": "HMAC_256"}, None),
        ({"Origin": "EXTERNAL"}, None),
    ],
)
def test_rotation_rule_concerns_keys_that_kms_can_rotate(properties: dict[str, Any], expected: Verdict | None) -> None:
    assert says("ActivePassive-KMSRotation", {"Type": "AWS::KMS::Key", "Properties": properties}) is expected


def test_variables_rule_does_not_concern_a_function_without_variables() -> None:
    rule = "ActivePassive-LambdaVariables"
    assert says(rule, function()) is says(rule, changed(function(), "Environment", to={"Variables": {}})) is None
    assert says(rule, changed(function(), "Environment", to=UNKNOWN)) is NOT_EVALUATED


def test_runtime_rule_does_not_concern_images_and_knows_no_other_runtime() -> None:
    image = changed(without(function(), "Runtime"), "PackageType", to="Image")
    assert says("ActivePassive-LambdaRuntime", image) is None
    assert says("ActivePassive-LambdaRuntime", changed(function(), "Runtime", to="python9.9")) is NOT_EVALUATED


@pytest.mark.parametrize(
    "changes",
    [
        {"IntegrationType": "HTTP_PROXY"},
        {"IntegrationSubtype": "SQS-SendMessage"},
        {"ApiId": {"Ref": "Socket"}},  # WebSocket APIs know version 1.0 alone
    ],
)
def test_payload_rule_does_not_concern_other_integrations(changes: dict[str, Any]) -> None:
    it = {"Type": "AWS::ApiGatewayV2::Integration", "Properties": {"IntegrationType": "AWS_PROXY", **changes}}
    socket = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "WEBSOCKET"}}
    assert verdict_in("ActivePassive-APIGatewayPayload", "It", alone({"It": it, "Socket": socket})) is None


def test_encryption_of_a_queue_by_sqs_itself_fails() -> None:
    own = changed(without(queue(), "KmsMasterKeyId"), "SqsManagedSseEnabled", to=True)
    assert says("ActivePassive-SQSEncryption", own) is FAIL


def test_key_of_the_templates_is_followed_by_attribute_and_by_export() -> None:
    rule, key_id = "ActivePassive-DynamoDBEncryption", ("Replicas", 1, "SSESpecification", "KMSMasterKeyId")
    own = changed(table(), *key_id, to={"Fn::GetAtt": ["Key", "Arn"]})
    imported = alone({"It": changed(table(), *key_id, to={"Fn::ImportValue": "keys:Data"})}, WEST)

    def exporting(region: str) -> Template:
        output = {"Value": {"Fn::GetAtt": ["Key", "Arn"]}, "Export": {"Name": "keys:Data"}}
        body = {"Resources": {"Key": key()}, "Outputs": {"Data": output}}
        return Template(name="keys", body=body, region=region, stack_name="serverless-keys-prod")

    assert verdict_in(rule, "It", alone({"Key": key(), "It": own}, WEST)) is PASS
    assert verdict_in(rule, "It", imported, exporting(WEST)) is PASS
    assert verdict_in(rule, "It", imported, exporting(EAST)) is NOT_EVALUATED
    assert verdict_in(rule, "It", imported) is NOT_EVALUATED


def test_key_of_the_same_template_passes_where_the_region_is_unknown() -> None:
    group = changed(log_group(), "KmsKeyId", to={"Fn::GetAtt": ["Key", "Arn"]})
    assert verdict_in("ActivePassive-LogsGroup", "It", alone({"Key": key(), "It": group}, "")) is PASS


def test_lock_may_be_in_years_and_shorter_outside_prod() -> None:
    retention = LOCK_DAYS.rpartition(".")[0].split(".")
    years = changed(locked_bucket(), *retention, to={"Mode": "COMPLIANCE", "Years": 1})
    short = changed(locked_bucket(), *retention, "Days", to=1)
    assert says("ActivePassive-S3Lock", years) is PASS
    assert ask("ActivePassive-S3Lock", template({"It": short}), environment="dev") == []
