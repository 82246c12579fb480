"""The rules about CloudTrail."""

from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.builders import EAST, WEST, alone, log_group, pair, regional_bucket, replicating, table
from unit_tests.compliance.rules.corruptions import (
    ABSENT,
    UNKNOWN,
    Resource,
    Value,
    conditional,
    each,
    either,
    lacking,
    resource,
    unknown,
    without,
)
from unit_tests.compliance.rules.verdicts import FAIL, PASS, reports, rule_test

PRESENT = "ActivePassive-CloudTrailPresent"
EMPTY = resource("CloudTrail::Trail")


def present(east: dict[str, Resource], west: dict[str, Resource]) -> list[Verdict]:
    return [row.verdict for row in ask(PRESENT, template(east, EAST), template(west, WEST))]


def test_one_trail_for_all_regions_is_required_where_data_is_in_several() -> None:
    buckets = ({"Bucket": replicating()}, {"Bucket": regional_bucket()})
    assert present({"Table": table(), "Trail": EMPTY}, {}) == [PASS]
    assert present(buckets[0], {**buckets[1], "Trail": EMPTY}) == [PASS]
    assert present({"Table": table()}, {}) == present(*buckets) == [FAIL]
    assert present({"Table": table(), "Trail": conditional(EMPTY)}, {}) == [FAIL]
    assert present({"Queue": resource("SQS::Queue")}, {}) == []
    assert ask(PRESENT, template({"Table": table()}, EAST)) == []


SETTINGS = "ActivePassive-CloudTrailSettings"


def fields(*more: Value, **equal: Value) -> dict[str, list[Value]]:
    return {"FieldSelectors": [*({"Field": name.replace("_", "."), "Equals": it} for name, it in equal.items()), *more]}


def data(kind: str, *more: Value) -> dict[str, list[Value]]:
    return fields(*more, eventCategory=["Data"], resources_type=[f"AWS::{kind}"])


def arns(operator: str, *values: str) -> Value:
    return {"Field": "resources.ARN", operator: list(values)}


MANAGEMENT, OBJECTS = fields(eventCategory=["Management"]), data("S3::Object")
ITEMS = data("DynamoDB::Table", arns("Equals", "arn:aws:dynamodb:::x"))
OF_OBJECTS = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
OF_ITEMS = {"Type": "AWS::DynamoDB::Table", "Values": ["arn:aws:dynamodb"]}
PLAIN = {"ReadWriteType": "All", "DataResources": [OF_OBJECTS, OF_ITEMS]}
TRAIL = resource(
    "CloudTrail::Trail",
    IsLogging=True,
    IsMultiRegionTrail=True,
    IncludeGlobalServiceEvents=True,
    EnableLogFileValidation=True,
    KMSKeyId="arn:aws:kms:us-west-2:000000000000:key/1",
    S3BucketName={"Ref": "Bucket"},
    AdvancedEventSelectors=[MANAGEMENT, OBJECTS, ITEMS],
)
FLAGS = ("IsLogging", "IsMultiRegionTrail", "IncludeGlobalServiceEvents", "EnableLogFileValidation")
LOCKED = resource(
    "S3::Bucket",
    BucketName="serverless-trail-prod",
    ObjectLockEnabled=True,
    ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 365}},
    },
)
RETENTION = "ObjectLockConfiguration.Rule.DefaultRetention"


def selecting(*selectors: Value) -> Resource:
    return each(TRAIL, "AdvancedEventSelectors", list(selectors))[0]


def plain(selector: Value) -> Resource:
    """Return a trail with a selector of the older form."""
    return each(without(TRAIL, "AdvancedEventSelectors"), "EventSelectors", [selector])[0]


def kept(trail: Resource, bucket: Resource = LOCKED) -> Template:
    return template({"It": trail, "Bucket": bucket}, WEST)


def delivering(group: Value) -> Template:
    """Return a trail that also delivers to a log group, and the one that is declared."""
    it = each(TRAIL, "CloudWatchLogsLogGroupArn", group)[0]
    return template({"It": it, "Bucket": LOCKED, "Logs": log_group()}, WEST)


def locked(path: str, *values: Value) -> list[Template]:
    return [kept(TRAIL, bucket) for bucket in each(LOCKED, path, *values)]


def except_for(bucket: str) -> list[Resource]:
    """Return trails that leave out the objects of a bucket."""
    left_out = [arns(operator, f"arn:aws:s3:::{bucket}/") for operator in ("NotEquals", "NotStartsWith", "NotEndsWith")]
    return [selecting(MANAGEMENT, data("S3::Object", it), ITEMS) for it in left_out]


TABLES = [f"arn:aws:dynamodb:{region}:000000000000:table/serverless-ledger-prod" for region in (EAST, WEST)]
BUCKETS = [f"arn:aws:s3:::serverless-ingest-prod-000000000000-{region}-an/" for region in (EAST, WEST)]
OTHER = template({"Other": each(LOCKED, "BucketName", "serverless-other-prod")[0]}, EAST)


def of_tables(*tables: str) -> Resource:
    return selecting(MANAGEMENT, OBJECTS, data("DynamoDB::Table", arns("Equals", *tables)))


def recording(tables: list[str], buckets: list[str]) -> tuple[Template, ...]:
    """Return a trail of these ARNs alone, where a table and a pair of buckets replicate."""
    items = fields(*ITEMS["FieldSelectors"], arns("Equals", *tables))
    it = selecting(MANAGEMENT, data("S3::Object", arns("StartsWith", *buckets)), items)
    return kept(it), alone({"Table": table()}, WEST), *pair(replicating(), regional_bucket())


test_settings = rule_test(
    SETTINGS,
    kept,
    passes=[
        *(TRAIL, plain(PLAIN), selecting(MANAGEMENT, either(OBJECTS, OBJECTS), ITEMS)),
        *each(TRAIL, "IsMultiRegionTrail", "true"),
        *each(TRAIL, "S3BucketName", "serverless-trail-prod"),
        *locked(RETENTION, {"Mode": "COMPLIANCE", "Years": "1"}),
        *except_for("serverless-trail-prod"),  # its own bucket
        *((kept(it), OTHER) for it in (of_tables(*TABLES), plain(PLAIN))),
        recording(TABLES, BUCKETS),
        recording(["arn:aws:dynamodb"], ["arn:aws:s3:::serverless-ingest-"]),
        delivering({"Fn::GetAtt": ["Logs", "Arn"]}),
        delivering("arn:aws:logs:us-west-2:000000000000:log-group:serverless-processor-prod:*"),
    ],
    fails=[
        delivering("arn:aws:logs:us-west-2:000000000000:log-group:elsewhere:*"),
        *(
            reports(f"{flag} is not true", it)
            for flag in FLAGS
            for it in each(TRAIL, flag, False, "false", ABSENT, None, either(True, False))
        ),
        *each(TRAIL, "KMSKeyId", ABSENT),
        *lacking(TRAIL, "KMSKeyId S3BucketName AdvancedEventSelectors"),
        *(selecting(OBJECTS, ITEMS), selecting(MANAGEMENT, ITEMS), selecting(MANAGEMENT, OBJECTS)),
        selecting(fields(eventCategory=["Management"], readOnly=["false"]), OBJECTS, ITEMS),
        selecting(MANAGEMENT, OBJECTS, data("SNS::Topic")),
        *(plain({**PLAIN, **it}) for it in ({"ReadWriteType": "WriteOnly"}, {"IncludeManagementEvents": False})),
        *(plain({**PLAIN, "DataResources": it}) for it in ([OF_OBJECTS], [{**OF_OBJECTS, "Values": []}, OF_ITEMS])),
        *locked("ObjectLockEnabled", False, either(True, False)),
        *(
            kept(TRAIL, it)
            for it in lacking(LOCKED, "ObjectLockEnabled ObjectLockConfiguration ObjectLockConfiguration.Rule")
        ),
        *locked(RETENTION, {"Mode": "GOVERNANCE"}),
        *locked(f"{RETENTION}.Days", 0),
        *except_for("serverless-ingest-prod"),
        reports("are recorded in us-west-2, not in us-east-1", (kept(of_tables(TABLES[1])), OTHER)),
        *(recording(TABLES[left : left + 1], BUCKETS) for left in (0, 1)),
        *(recording(TABLES, BUCKETS[left : left + 1]) for left in (0, 1)),
        recording([arn.replace("-prod", "-other") for arn in TABLES], BUCKETS),
        recording(TABLES, [arn.replace("ingest", "archive") for arn in BUCKETS]),
    ],
    unresolved=[
        delivering(UNKNOWN),
        *unknown(TRAIL, "IsMultiRegionTrail S3BucketName AdvancedEventSelectors"),
        *each(TRAIL, "S3BucketName", "somebody-elses"),
        selecting(MANAGEMENT, UNKNOWN),
        plain({**PLAIN, "DataResources": UNKNOWN}),
        template({"It": TRAIL}, WEST),  # a trail alone cannot show its lock
        *locked("ObjectLockConfiguration", UNKNOWN),
    ],
)
