"""The rules about what S3 notifies, expires and lets browsers do."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.aws.admission import KEY_ACTIONS
from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.builders import (
    EAST,
    WEST,
    alone,
    bucket,
    dead_letter_queue,
    pair,
    queue,
    regional_bucket,
    replicating,
    role,
)
from unit_tests.compliance.rules.clocks import key
from unit_tests.compliance.rules.corruptions import (
    ABSENT,
    UNKNOWN,
    Resource,
    Value,
    changed,
    each,
    either,
    lacking,
    resource,
    unknown,
    without,
)
from unit_tests.compliance.rules.verdicts import FAIL, PASS, reports, rule_test, says

CONFIGURATION = "NotificationConfiguration"
SILENT = without(bucket(), CONFIGURATION)
FIRST = f"{CONFIGURATION}.QueueConfigurations.0"
CORS = "ActivePassive-S3CORSOrigins"
OURS = "https://app.example.com"


def of_bucket(origins: Value) -> Resource:
    rule = {"AllowedOrigins": origins, "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"]}
    return resource("S3::Bucket", CorsConfiguration={"CorsRules": [rule]})


def of_api(**cors: Value) -> Resource:
    return resource("ApiGatewayV2::Api", Name="a", CorsConfiguration={"AllowOrigins": [OURS], **cors})


def of_url(**cors: Value) -> Resource:
    return resource("Lambda::Url", Cors={"AllowOrigins": [OURS], **cors})


def described(**cors: Value) -> Resource:
    """Return an HTTP API whose description sets CORS."""
    return resource("ApiGatewayV2::Api", Body={"x-amazon-apigateway-cors": cors})


test_cors_origins = rule_test(
    CORS,
    passes=[
        *(of_bucket([OURS]), of_api(AllowHeaders=["*"]), of_url(), described(allowOrigins=[OURS])),
        of_api(AllowCredentials=True, AllowHeaders=["content-type"], AllowMethods=["POST"]),
    ],
    fails=[
        *(
            it
            for origin in ("*", "https://*", "https://*.example.com", "http://app.example.com", "app.example.com", "")
            for it in (
                *(of_bucket([OURS, origin]), of_bucket([either(OURS, origin)]), of_api(AllowOrigins=[origin])),
                *(of_url(AllowOrigins=[origin]), described(allowOrigins=[origin])),
            )
        ),
        *(
            reports("together with credentials", it)
            for what in ("AllowHeaders", "AllowMethods")
            for it in (of_api(AllowCredentials=True, **{what: ["*"]}), of_url(AllowCredentials=True, **{what: ["*"]}))
        ),
        described(allowOrigins=[OURS], allowCredentials=True, allowHeaders=["*"]),
    ],
    unresolved=[
        *(of_bucket(origins) for origins in (UNKNOWN, [UNKNOWN])),
        *(of_api(AllowOrigins=UNKNOWN), of_api(AllowCredentials=UNKNOWN)),
        resource("ApiGatewayV2::Api", BodyS3Location={"Bucket": "b", "Key": "k"}),
    ],
    ignored=[bucket(), resource("ApiGatewayV2::Api")],
)


@pytest.mark.property
@given(st.text(max_size=8), st.text(max_size=8))
def test_origin_with_an_asterisk_fails(before: str, after: str) -> None:
    assert says(CORS, of_bucket([f"https://{before}*{after}"])) is FAIL


EXPIRY = "ActivePassive-S3Expiry"


def locked(bucket: Resource) -> Resource:
    """Return the bucket with a lock of a year."""
    lock = {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 1}}}
    return changed(bucket, "ObjectLockConfiguration", to=lock)


def expiring(*rules: Value) -> Resource:
    """Return a bucket that notifies of `incoming/`, with lifecycle rules."""
    return changed(bucket(), "LifecycleConfiguration", "Rules", to=[{"Status": "Enabled", **rule} for rule in rules])


def archiving(storage: Value, **more: Value) -> dict[str, Value]:
    """Return a rule that moves objects to another storage class."""
    return {"Transitions": [{"StorageClass": storage, "TransitionInDays": 0}], **more}


ARCHIVES = ("GLACIER", "DEEP_ARCHIVE", either("STANDARD_IA", "GLACIER"))

test_expiry = rule_test(
    EXPIRY,
    lambda rule: {"It": rule if "Type" in rule else expiring(rule)},
    passes=[
        {"ExpirationInDays": 30},
        {"ExpiredObjectDeleteMarker": True, "NoncurrentVersionExpiration": {"NoncurrentDays": 7}},
        {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
        {"ExpirationInDays": 1, "Prefix": "tmp/"},
        {"ExpirationInDays": 1, "Filter": {"Prefix": "tmp/"}},
        {"ExpirationInDays": 1, "Filter": {"And": {"Prefix": "incoming/", "TagFilters": [{"Key": "a", "Value": "b"}]}}},
        {"ExpirationInDays": 1, "Status": "Disabled"},
        locked(expiring({"ExpirationInDays": 365})),
        *(archiving(storage, Prefix="tmp/") for storage in ARCHIVES),
        *(without(expiring(archiving(storage)), CONFIGURATION) for storage in ARCHIVES),
        {"Transitions": [{"StorageClass": "STANDARD_IA", "TransitionInDays": 30}]},
    ],
    fails=[
        locked(expiring({"ExpirationInDays": 364})),
        *(
            expiring({"ExpirationInDays": 400}, rule)
            for rule in (
                {"ExpirationInDays": 1},
                {"ExpirationInDays": "29"},
                {"ExpirationDate": "2030-01-01T00:00:00Z"},
                {"NoncurrentVersionExpiration": {"NoncurrentDays": 6}},
                {"NoncurrentVersionExpirationInDays": 1},
                {"ExpirationInDays": 1, "Prefix": ""},
                {"ExpirationInDays": 1, "ObjectSizeGreaterThan": "1"},
                {"ExpirationInDays": 1, "Filter": {"And": {"ObjectSizeLessThan": 1099511627776}}},
                {"ExpirationInDays": 1, "Filter": {"Prefix": "incoming/uploads/"}},
                {"ExpirationInDays": 1, "Filter": {"Prefix": "in"}},
                {"ExpirationInDays": either(30, 1)},
                {"ExpirationInDays": 1, "Status": either("Disabled", "Enabled")},
            )
        ),
        reports(
            "lifecycle rule clean deletes objects after 1 days; they must stay for 30 or more",
            {"Id": "clean", "ExpirationInDays": 1},
        ),
        *(archiving(storage) for storage in ARCHIVES),
        *({"Transition": archiving(storage)["Transitions"][0]} for storage in ARCHIVES),
    ],
    unresolved=[
        *({name: UNKNOWN} for name in ("ExpirationInDays", "Filter", "Prefix")),
        {"Transitions": [{"StorageClass": UNKNOWN, "TransitionInDays": 1}]},
    ],
    ignored=lacking(bucket(), "LifecycleConfiguration"),
)


@pytest.mark.parametrize(("days", "verdict"), [(7, PASS), (6, FAIL)])
def test_outside_prod_a_week_is_enough(days: int, verdict: Verdict) -> None:
    template = alone({"It": expiring({"ExpirationInDays": days})})
    assert [row.verdict for row in ask(EXPIRY, template, environment="dev")] == [verdict]


def filtered(**rules: Value) -> Resource:
    """Return a bucket that replicates and notifies by a filter."""
    listed = [{"Name": name, "Value": value} for name, value in rules.items()]
    return each(replicating(), f"{FIRST}.Filter.S3Key.Rules", listed)[0]


def granting(it: Resource, key: str = "incoming/uploads/*", action: str = "s3:PutObject") -> tuple[Template, Template]:
    """Return the bucket with a role that may act on the keys, and the bucket of the other region."""
    grant = role(action, on={"Fn::Join": ["", [{"Fn::GetAtt": ["It", "Arn"]}, f"/{key}"]]})
    return template({"It": it, **grant}, EAST), template({"It": regional_bucket()}, WEST)


NOTIFIED = {"Event": "s3:ObjectCreated:*", "Queue": "q"}
SHARED = [
    {**NOTIFIED, "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": value}]}}} for value in ("incoming/", "other/")
]

test_notification_filter = rule_test(
    "ActivePassive-S3NotificationFilter",
    granting,
    passes=[
        *(filtered(prefix="incoming/"), filtered(Prefix="incoming/uploads/"), filtered()),
        *lacking(replicating(), f"{FIRST}.Filter"),
        granting(filtered(prefix="incoming/"), "archive/*", "s3:GetObject"),
        granting(changed(replicating(), CONFIGURATION, to={"QueueConfigurations": SHARED}), "other/*"),
    ],
    fails=[
        *(filtered(prefix="outgoing/"), filtered(prefix="incoming/uploads/x")),
        *(filtered(suffix=".csv"), filtered(SUFFIX="a")),
        *(granting(filtered(prefix="incoming/"), key) for key in ("*", "in*", "other/*")),
        reports(
            "objects may be put as 'incoming/*', and notifications are only of keys that begin with 'outgoing/'",
            granting(filtered(prefix="outgoing/"), "incoming/*"),
        ),
    ],
    unresolved=[filtered(prefix=UNKNOWN), *unknown(replicating(), f"{FIRST}.Filter.S3Key.Rules")],
    ignored=[
        template({"It": regional_bucket()}, EAST),
        pair(without(replicating(), CONFIGURATION), without(regional_bucket(), CONFIGURATION)),
    ],
)

TWO = regional_bucket()
PUT = {**TWO["Properties"][CONFIGURATION]["QueueConfigurations"][0], "Event": "s3:ObjectCreated:Put"}
TWO["Properties"][CONFIGURATION]["QueueConfigurations"].append(PUT)


def replica(it: Resource) -> tuple[Template, ...]:
    """Return the bucket of the west, and before it the one that it receives copies of."""
    east, _ = pair(replicating(), regional_bucket())
    return template({"It": it}, WEST), east


KINDS = ("s3:ObjectCreated:Put", "s3:ObjectCreated:CompleteMultipartUpload", "s3:ObjectRemoved:*")

test_notification_replicas = rule_test(
    "ActivePassive-S3NotificationReplicas",
    replica,
    passes=[
        regional_bucket(),
        template({"It": replicating()}, WEST),
        *each(regional_bucket(), CONFIGURATION, {"EventBridgeConfiguration": {}}),
        TWO,
    ],
    fails=[
        *each(regional_bucket(), f"{FIRST}.Event", *KINDS, *(either("s3:ObjectCreated:*", kind) for kind in KINDS)),
        *lacking(regional_bucket(), CONFIGURATION),
        *each(regional_bucket(), f"{CONFIGURATION}.QueueConfigurations", []),
        *each(regional_bucket(), CONFIGURATION, {"EventBridgeConfiguration": {"EventBridgeEnabled": False}}),
    ],
    unresolved=unknown(regional_bucket(), f"{CONFIGURATION} {FIRST}.Event"),
    ignored=[
        *(template({"It": it}, WEST) for it in each(bucket(), f"{FIRST}.Event", "s3:ObjectCreated:Put")),
        template({"It": {"Type": "AWS::S3::Bucket"}}, WEST),
    ],
)


def policy(source: Value = "arn:aws:s3:::serverless-ingest-prod", **statement: Value) -> Resource:
    """Return a queue policy that admits a bucket."""
    admits = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
        **statement,
    }
    return resource("SQS::QueuePolicy", Queues=[{"Ref": "Queue"}], PolicyDocument={"Statement": [admits]})


def targets(it: Resource, admitting: Resource | None = None, key: Resource | None = None) -> Template:
    """Return the bucket with the queues, the policy of one of them and its key."""
    queues = {"Queue": changed(queue(), "KmsMasterKeyId", to={"Ref": "Key"}), "Dead": dead_letter_queue()}
    return alone({"It": it, **queues, "Policy": admitting or policy(), "Key": key or of_service(*KEY_ACTIONS)})


of_service = partial(key, service="s3.amazonaws.com")
OTHERS = (
    policy(Condition={"ArnNotEquals": {"aws:SourceArn": "arn:aws:s3:::serverless-ingest-prod"}}),
    policy("arn:aws:s3:::serverless-other-prod"),
    policy(Effect="Deny"),
    policy(Principal={"Service": "sns.amazonaws.com"}),
    policy(Action="sqs:ReceiveMessage"),
)

test_notification_target = rule_test(
    "ActivePassive-S3NotificationTarget",
    targets,
    passes=[
        bucket(),
        targets(bucket(), policy({"Fn::GetAtt": ["It", "Arn"]})),
        targets(bucket(), policy(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::serverless-*"}})),
        targets(bucket(), policy(Condition={"StringEquals": {"aws:SourceAccount": "000000000000"}})),
    ],
    fails=[
        SILENT,
        *each(bucket(), CONFIGURATION, {"EventBridgeConfiguration": {}}),
        *each(bucket(), CONFIGURATION, either(bucket()["Properties"][CONFIGURATION], ABSENT)),
        *each(bucket(), f"{FIRST}.Queue", {"Fn::GetAtt": ["Dead", "Arn"]}),
        *(targets(bucket(), key=other) for other in (of_service(KEY_ACTIONS[0]), key(*KEY_ACTIONS), resource("KMS::Key"))),
        *(targets(bucket(), other) for other in (*OTHERS, changed(policy(), "Queues", to=[{"Ref": "Dead"}]))),
    ],
    unresolved=[
        *unknown(bucket(), CONFIGURATION),
        *(targets(bucket(), unclear) for unclear in unknown(policy(), "PolicyDocument")),
    ],
    ignored=[*(targets(SILENT, other) for other in OTHERS), alone({"It": {"Type": "AWS::S3::Bucket"}})],
)
