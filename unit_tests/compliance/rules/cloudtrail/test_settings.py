"""ActivePassive-CloudTrailSettings."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.builders import EAST, WEST, alone, pair, regional_bucket, replicating, table
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, says, verdict_in

RULE = "ActivePassive-CloudTrailSettings"


def _fields(**fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "FieldSelectors": [{"Field": name.replace("_", "."), "Equals": value} for name, value in fields.items()],
    }


MANAGEMENT = _fields(eventCategory=["Management"])
OBJECTS = _fields(eventCategory=["Data"], resources_type=["AWS::S3::Object"])
ITEMS = _fields(eventCategory=["Data"], resources_type=["AWS::DynamoDB::Table"], resources_ARN=["arn:aws:dynamodb:::x"])
PLAIN = {
    "ReadWriteType": "All",
    "DataResources": [
        {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]},
        {"Type": "AWS::DynamoDB::Table", "Values": ["arn:aws:dynamodb"]},
    ],
}


def _trail(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    properties = {
        "IsLogging": True,
        "IsMultiRegionTrail": True,
        "IncludeGlobalServiceEvents": True,
        "EnableLogFileValidation": True,
        "KMSKeyId": "arn:aws:kms:us-west-2:000000000000:key/1",
        "S3BucketName": {"Ref": "Bucket"},
        "AdvancedEventSelectors": [MANAGEMENT, OBJECTS, ITEMS],
        **changes,
    }
    return {"Type": "AWS::CloudTrail::Trail", "Properties": properties}


def _bucket(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    properties = {
        "BucketName": "serverless-trail-prod",
        "ObjectLockEnabled": True,
        "ObjectLockConfiguration": {
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 365}},
        },
        **changes,
    }
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


def _selected(plain: Any) -> dict[str, Any]:  # noqa: ANN401
    return without(_trail(EventSelectors=[plain]), "AdvancedEventSelectors")


def _stack(trail: Any, bucket: Any = None) -> Any:  # noqa: ANN401
    return template({"It": trail, "Bucket": bucket or _bucket()}, WEST)


def _says(trail: Any, bucket: Any = None) -> Verdict | None:  # noqa: ANN401
    return verdict_in(RULE, "It", _stack(trail, bucket))


@pytest.mark.parametrize(
    "trail",
    [
        _trail(),
        _trail(IsMultiRegionTrail="true"),
        _trail(S3BucketName="serverless-trail-prod"),
        _trail(AdvancedEventSelectors=[MANAGEMENT, either(OBJECTS, OBJECTS), ITEMS]),
        _selected(PLAIN),
    ],
)
def test_whole_trail_passes(trail: dict[str, Any]) -> None:
    assert _says(trail) is PASS


def test_either_mode_and_unit_of_retention_locks() -> None:
    retention = ("ObjectLockConfiguration", "Rule", "DefaultRetention")

    assert _says(_trail(), changed(_bucket(), *retention, to={"Mode": "COMPLIANCE", "Years": "1"})) is PASS


@pytest.mark.parametrize(
    "flag", ["IsLogging", "IsMultiRegionTrail", "IncludeGlobalServiceEvents", "EnableLogFileValidation"]
)
@pytest.mark.parametrize("value", [False, "false", ABSENT, None, either(True, False)])
def test_each_flag_must_be_set(flag: str, value: Any) -> None:  # noqa: ANN401
    assert _says(_trail(**{flag: value})) is FAIL
    assert f"{flag} is not true" in message_in(RULE, "It", _stack(_trail(**{flag: value})))


@pytest.mark.parametrize(
    "trail",
    [
        _trail(KMSKeyId=ABSENT),
        without(_trail(), "KMSKeyId"),
        without(_trail(), "S3BucketName"),
        without(_trail(), "AdvancedEventSelectors"),
        _trail(AdvancedEventSelectors=[OBJECTS, ITEMS]),
        _trail(AdvancedEventSelectors=[MANAGEMENT, ITEMS]),
        _trail(AdvancedEventSelectors=[MANAGEMENT, OBJECTS]),
        _trail(AdvancedEventSelectors=[_fields(eventCategory=["Management"], readOnly=["false"]), OBJECTS, ITEMS]),
        _trail(
            AdvancedEventSelectors=[MANAGEMENT, OBJECTS, _fields(eventCategory=["Data"], resources_type=["AWS::SNS::Topic"])]
        ),
        _selected({**PLAIN, "ReadWriteType": "WriteOnly"}),
        _selected({**PLAIN, "IncludeManagementEvents": False}),
        _selected({**PLAIN, "DataResources": PLAIN["DataResources"][:1]}),
        _selected({**PLAIN, "DataResources": [{"Type": "AWS::S3::Object", "Values": []}, PLAIN["DataResources"][1]]}),
    ],
)
def test_trail_that_leaves_something_out_fails(trail: dict[str, Any]) -> None:
    assert _says(trail) is FAIL


@pytest.mark.parametrize(
    "bucket",
    [
        _bucket(ObjectLockEnabled=False),
        without(_bucket(), "ObjectLockEnabled"),
        without(_bucket(), "ObjectLockConfiguration"),
        without(_bucket(), "ObjectLockConfiguration", "Rule"),
        changed(_bucket(), "ObjectLockConfiguration", "Rule", "DefaultRetention", to={"Mode": "GOVERNANCE"}),
        changed(_bucket(), "ObjectLockConfiguration", "Rule", "DefaultRetention", "Days", to=0),
        _bucket(ObjectLockEnabled=either(True, False)),
    ],
)
def test_bucket_that_is_not_locked_fails(bucket: dict[str, Any]) -> None:
    assert _says(_trail(), bucket) is FAIL


@pytest.mark.parametrize("operator", ["NotEquals", "NotStartsWith", "NotEndsWith"])
def test_only_the_trails_own_bucket_may_be_left_out(operator: str) -> None:
    def leaving_out(arn: str) -> dict[str, Any]:
        fields = [*OBJECTS["FieldSelectors"], {"Field": "resources.ARN", operator: [arn]}]
        return _trail(AdvancedEventSelectors=[MANAGEMENT, {"FieldSelectors": fields}, ITEMS])

    assert _says(leaving_out("arn:aws:s3:::serverless-trail-prod/")) is PASS
    assert _says(leaving_out("arn:aws:s3:::serverless-ingest-prod/")) is FAIL


def _of_tables(*regions: str) -> dict[str, Any]:
    arns = [f"arn:aws:dynamodb:{region}:000000000000:table/serverless-ledger-prod" for region in regions]
    items = _fields(eventCategory=["Data"], resources_type=["AWS::DynamoDB::Table"], resources_ARN=arns)
    return _trail(AdvancedEventSelectors=[MANAGEMENT, OBJECTS, items])


def test_table_is_recorded_in_every_region() -> None:
    east = template({"Other": _bucket(BucketName="serverless-other-prod")}, EAST)

    assert verdict_in(RULE, "It", _stack(_of_tables(EAST, WEST)), east) is PASS
    assert verdict_in(RULE, "It", _stack(_selected(PLAIN)), east) is PASS
    assert verdict_in(RULE, "It", _stack(_of_tables(WEST)), east) is FAIL
    assert "are recorded in us-west-2, not in us-east-1" in message_in(RULE, "It", _stack(_of_tables(WEST)), east)


@pytest.mark.parametrize(("days", "verdict"), [(29, FAIL), (30, PASS)])
def test_log_files_of_prod_stay_locked_for_a_month(days: int, verdict: Verdict) -> None:
    locked = changed(_bucket(), "ObjectLockConfiguration", "Rule", "DefaultRetention", "Days", to=days)

    assert _says(_trail(), locked) is verdict
    assert ask(RULE, _stack(_trail(), locked), environment="dev")[0].verdict is PASS


@pytest.mark.parametrize(
    "trail",
    [
        _trail(IsMultiRegionTrail=UNKNOWN),
        _trail(S3BucketName=UNKNOWN),
        _trail(S3BucketName="somebody-elses"),
        _trail(AdvancedEventSelectors=UNKNOWN),
        _trail(AdvancedEventSelectors=[MANAGEMENT, UNKNOWN]),
        _selected({**PLAIN, "DataResources": UNKNOWN}),
    ],
)
def test_unresolved_value_is_not_evaluated(trail: dict[str, Any]) -> None:
    assert _says(trail) is NOT_EVALUATED


def test_trail_alone_cannot_show_its_lock() -> None:
    assert says(RULE, _trail()) is NOT_EVALUATED
    assert _says(_trail(), changed(_bucket(), "ObjectLockConfiguration", to=UNKNOWN)) is NOT_EVALUATED


BOTH_TABLES = [f"arn:aws:dynamodb:{region}:000000000000:table/serverless-ledger-prod" for region in (EAST, WEST)]
BOTH_BUCKETS = [f"arn:aws:s3:::serverless-ingest-prod-000000000000-{region}-an/" for region in (EAST, WEST)]


def _recording(tables: list[str], buckets: list[str]) -> Verdict | None:
    """Return the verdict on a trail of these ARNs alone, where a table and a pair of buckets replicate."""
    items, objects = (
        {"FieldSelectors": [*selector["FieldSelectors"], {"Field": "resources.ARN", operator: arns}]}
        for selector, operator, arns in ((ITEMS, "Equals", tables), (OBJECTS, "StartsWith", buckets))
    )
    trail = _stack(_trail(AdvancedEventSelectors=[MANAGEMENT, objects, items]))
    data = alone({"Table": table()}, WEST)
    return verdict_in(RULE, "It", trail, data, *pair(replicating(), regional_bucket()))


def test_each_table_and_each_replicated_bucket_is_recorded_in_each_region() -> None:
    assert _recording(BOTH_TABLES, BOTH_BUCKETS) is PASS
    assert _recording(["arn:aws:dynamodb"], ["arn:aws:s3:::serverless-ingest-"]) is PASS


@pytest.mark.parametrize("left", [0, 1])
def test_table_or_a_bucket_that_is_left_out_fails(left: int) -> None:
    assert _recording(BOTH_TABLES[left : left + 1], BOTH_BUCKETS) is FAIL
    assert _recording(BOTH_TABLES, BOTH_BUCKETS[left : left + 1]) is FAIL
    assert _recording([arn.replace("-prod", "-other") for arn in BOTH_TABLES], BOTH_BUCKETS) is FAIL
    assert _recording(BOTH_TABLES, [arn.replace("ingest", "archive") for arn in BOTH_BUCKETS]) is FAIL
