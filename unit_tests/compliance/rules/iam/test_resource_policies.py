"""The rules about the policies of resources and the trust of roles."""

import json

import pytest

from compliance.rules.iam.deputy import SENDS, SILENT, UNVERIFIED
from compliance.rules.iam.policy import DOCUMENTS
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import WEST
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, Resource, Value, either, given, resource
from unit_tests.compliance.rules.verdicts import FAIL, PASS, message, reports, rule_test, says

FLOW_LOGS, LAMBDA = "vpc-flow-logs.amazonaws.com", "lambda.amazonaws.com"
S3, SNS = {"Service": "s3.amazonaws.com"}, {"Service": "sns.amazonaws.com"}
ACCOUNT = {"aws:SourceAccount": "000000000000"}
OURS = {"StringEquals": ACCOUNT}
OUR_LOGS = {"ArnLike": {"aws:SourceArn": {"Fn::Sub": "arn:aws:ec2:us-west-2:${AWS::AccountId}:vpc-flow-log/*"}}}


def assumed_by(service: Value = FLOW_LOGS, **changes: Value) -> dict[str, Value]:
    """Return a statement by which a service may assume a role."""
    whole = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}, "Condition": OURS}
    return given(**{**whole, **changes})


def role(*statements: Value) -> Resource:
    return resource("IAM::Role", AssumeRolePolicyDocument={"Statement": list(statements)})


def on_condition(*conditions: Value) -> list[Resource]:
    return [role(assumed_by(Condition=condition)) for condition in conditions]


test_deputy = rule_test(
    "ActivePassive-IAMDeputy",
    passes=[
        *on_condition(OURS, OUR_LOGS, {**OURS, **OUR_LOGS}, either(OURS, OUR_LOGS)),
        *on_condition({"StringLike": {"AWS:SourceAccount": {"Ref": "AWS::AccountId"}}}),
        *on_condition({"StringEquals": {"aws:SourceOrgID": "o-1"}}),
        *(role(assumed_by([LAMBDA, FLOW_LOGS])), role(assumed_by("unheard-of.amazonaws.com"))),
        role(assumed_by(), assumed_by(LAMBDA, Condition=None)),
        *(role(assumed_by(service, Condition=None)) for service in SILENT),
        *(role(assumed_by(service)) for service in SENDS),
    ],
    fails=[
        *(reports(SENDS[service], role(assumed_by(service, Condition=None))) for service in SENDS),
        reports(
            f"Trust lets {FLOW_LOGS} assume the role on behalf of any account", role(assumed_by(Sid="Trust", Condition=None))
        ),
        reports("unverified: the page was read", role(assumed_by("codebuild.amazonaws.com", Condition=None))),
        *on_condition(
            {},
            {"StringEquals": {"sts:ExternalId": "x"}},
            {"StringEquals": {"aws:PrincipalAccount": "000000000000"}},
            *({operator: ACCOUNT} for operator in ("StringEqualsIfExists", "StringNotEquals", "ForAllValues:StringEquals")),
            {"Null": {"aws:SourceAccount": "false"}},
            {"StringLike": {"aws:SourceAccount": "*"}},
            *({"ArnLike": {"aws:SourceArn": arn}} for arn in ("arn:aws:ec2:*:*:vpc-flow-log/*", "*", "arn:aws:s3:::a")),
            either(OURS, ABSENT),
        ),
        *(role(assumed_by(it, Condition=None)) for it in ([LAMBDA, FLOW_LOGS], either(LAMBDA, FLOW_LOGS))),
        role(assumed_by(LAMBDA, Condition=None), assumed_by(Condition=None)),
        role(assumed_by(Action="sts:*", Condition=None)),
    ],
    unresolved=[
        *(role(assumed_by(service, Condition=None)) for service in ("unheard-of.amazonaws.com", UNKNOWN)),
        *(role(assumed_by(Condition=UNKNOWN)), resource("IAM::Role")),
    ],
    ignored=[
        role(assumed_by(Effect="Deny", Condition=None)),
        role(assumed_by(Principal={"AWS": "arn:aws:iam::000000000000:role/deployer"}, Condition=None)),
    ],
)


def test_each_service_has_a_source_of_aws_and_one_answer() -> None:
    assert "unverified" not in message("ActivePassive-IAMDeputy", role(assumed_by(Condition=None)))
    assert set(UNVERIFIED) <= {*SENDS, *SILENT}
    assert not set(SENDS) & set(SILENT)
    for service, source in {**SENDS, **SILENT}.items():
        assert service.endswith(".amazonaws.com")
        assert source.startswith("https://docs.aws.amazon.com/")


POLICY = "ActivePassive-IAMPolicy"
ROLE_A = {"AWS": "arn:aws:iam::000000000000:role/a"}


def admitting(**changes: Value) -> dict[str, Value]:
    """Return a statement that admits S3 to a queue for one account."""
    whole = {"Effect": "Allow", "Principal": S3, "Action": "sqs:SendMessage", "Resource": "*", "Condition": OURS}
    return given(**{**whole, **changes})


def policy(*statements: Value, kind: str = "SQS::QueuePolicy", name: str = "PolicyDocument") -> Resource:
    return resource(kind, **{name: {"Statement": list(statements)}})


def key(**changes: Value) -> Resource:
    return policy(admitting(**changes), kind="KMS::Key", name="KeyPolicy")


def queue(**changes: Value) -> Resource:
    return policy(admitting(**changes))


def from_arn(*arns: Value, operator: str = "ArnLike", principal: Value = S3, **beside: Value) -> list[Resource]:
    """Return a queue policy for each ARN of a source."""
    return [queue(Principal=principal, Condition={operator: {"aws:SourceArn": arn}, **beside}) for arn in arns]


def permission(**changes: Value) -> Resource:
    whole = {"Action": "lambda:InvokeFunction", "FunctionName": "f", "Principal": "apigateway.amazonaws.com"}
    return resource("Lambda::Permission", **{**whole, "SourceArn": "arn:aws:execute-api:us-west-2:0:a/*/*/x", **changes})


def tables(document: Value) -> list[Resource]:
    """Return a table or stream of each kind with a policy."""
    it = {"ResourcePolicy": {"PolicyDocument": document}}
    return [
        resource("DynamoDB::GlobalTable", Replicas=[{"Region": "us-east-1"}, {"Region": "us-west-2", **it}]),
        resource("DynamoDB::GlobalTable", Replicas=[{"Region": "us-east-1", "ReplicaStreamSpecification": it}]),
        resource("DynamoDB::Table", **it),
        resource("DynamoDB::Table", StreamSpecification=it),
    ]


READING = admitting(Action="dynamodb:GetItem", Principal=ROLE_A, Condition=None)
UPLOADS = ({"Fn::GetAtt": ["Uploads", "Arn"]}, {"Fn::GetAtt": "Uploads.Arn"}, {"Fn::Sub": "${Uploads.Arn}"})


def beside(kind: str, **conditions: Value) -> list[Value]:
    """Return a policy that names the resource `Uploads`, of a kind, by each form of reference."""
    named = from_arn(*UPLOADS, principal=SNS, **conditions)
    return [template({"It": it, "Uploads": resource(kind)}) for it in named]


test_policy = rule_test(
    POLICY,
    passes=[
        policy(admitting()),
        queue(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::a"}, **OURS}),
        queue(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:sns:us-west-2:000000000000:a"}}),
        *from_arn({"Fn::Sub": "arn:aws:sns:*:${AWS::AccountId}:*"}),
        *from_arn({"Fn::Sub": "${Api.Arn}/*"}, principal=SNS),
        queue(Condition={"ForAnyValue:StringLike": {"aws:SourceOrgPaths": "o-1/r-2/*"}}),
        queue(Principal=ROLE_A, Condition=None),
        queue(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        queue(Effect="Deny", Principal="*", Action="sqs:*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        queue(Effect="Deny", Principal="*", Action="sqs:DeleteQueue", Condition=None),
        queue(Effect="Deny", Principal=ROLE_A, Action="sqs:SendMessage", Condition=None),
        policy(
            admitting(Effect="Deny", Principal="*", Action="s3:PutObject", Resource="arn:aws:s3:::a/b/*", Condition=None)
        ),
        policy(admitting(), kind="SecretsManager::ResourcePolicy", name="ResourcePolicy"),
        key(Action="kms:*", Principal={"AWS": "arn:aws:iam::0:root"}, Condition=None),
        key(Action="kms:Decrypt", Condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:x"}}),
        *(permission(), permission(SourceArn=None, SourceAccount="000000000000")),
        permission(Principal="000000000000", SourceArn=None),
        permission(Principal="*", SourceArn=None, PrincipalOrgID="o-1"),
        resource("Events::EventBusPolicy", Statement=admitting()),
        *tables({"Statement": READING}),
        *beside("S3::Bucket", **OURS),
        *beside("SQS::Queue"),
    ],
    fails=[
        resource("Events::EventBusPolicy", StatementId="a", Principal="*", Action="events:PutEvents"),
        resource("Events::EventBusPolicy", StatementId="a", Principal="999999999999"),
        queue(Effect="Deny", Principal="*", Action="sqs:*", Condition=None),
        key(
            Effect="Deny",
            Principal={"AWS": "*"},
            Action="kms:Decrypt*",
            Condition={"DateGreaterThan": {"aws:CurrentTime": "2"}},
        ),
        policy(admitting(Effect="Deny", Principal="*", Action="s3:PutObject", Resource="arn:aws:s3:::a/*", Condition=None)),
        reports("admits s3.amazonaws.com on behalf of any account; add aws:SourceAccount, or", queue(Condition=None)),
        queue(Condition={"StringEquals": {"aws:SourceIp": "10.0.0.1"}}),
        *(queue(Condition={"StringLike": {"aws:SourceAccount": pattern}}) for pattern in ("*", "0*")),
        *from_arn("*:*", "arn:*", "arn:aws:s3:*:*:*", "arn:aws:s3:::*"),
        # The ARN of a bucket names no account.
        queue(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::a"}}),
        *from_arn("arn:aws:s3:::a-*", operator="ArnEquals"),
        *from_arn(["arn:aws:sns:us-west-2:0:a", "arn:aws:s3:::a"], ["arn:aws:s3:::a", "arn:aws:s3:*:*:*"]),
        *from_arn("arn:aws-cn:s3:::a", operator="StringEquals"),
        *from_arn({"Fn::Sub": "arn:${AWS::Partition}:s3:::a"}, {"Fn::ImportValue": "BucketArn"}, {"Ref": "BucketArn"}),
        *from_arn("arn:aws:route53:::hostedzone/Z1", "arn:aws:apigateway:us-west-2::/apis/a", principal=SNS),
        permission(Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::a"),
        *beside("S3::Bucket"),
        *from_arn("arn:aws:sns:us-west-2:*:alarm"),
        *(queue(Condition={it: ACCOUNT}) for it in ("ForAllValues:StringEquals", "StringEqualsIfExists")),
        queue(Condition={"StringNotEquals": {"aws:SourceAccount": "1"}}),
        queue(Principal="*", Condition={"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        queue(Principal="*", Condition={"StringLike": {"aws:PrincipalOrgID": "o-*"}}),
        queue(Principal="*", Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/a"}}),
        *(queue(Principal=principal, Condition=None) for principal in ("*", {"AWS": "*"})),
        *(queue(Principal="*"), queue(Principal=None), queue(Action="sqs:*"), queue(Action="*")),
        queue(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::0:root"}),
        queue(Action=None, NotAction="sqs:DeleteQueue"),
        policy(admitting(), admitting(Condition=None)),
        policy(either(admitting(), admitting(Condition=None))),
        key(Action="kms:Decrypt", Condition=None),
        policy(admitting(Action="s3:GetObject", Principal="*", Condition=None), kind="S3::BucketPolicy"),
        *(permission(SourceArn=None), permission(SourceArn="*"), permission(Action="lambda:*")),
        permission(Principal="*", SourceArn=None),
        *(reports("admits everybody", it) for it in tables({"Statement": {**READING, "Principal": "*"}})),
    ],
    unresolved=[
        *(policy(UNKNOWN), queue(Action=UNKNOWN), permission(Action=None)),
        resource("SQS::QueuePolicy", PolicyDocument=UNKNOWN),
        *tables(UNKNOWN),
    ],
    ignored=[resource("KMS::Key"), resource("DynamoDB::GlobalTable", Replicas=[{"Region": "us-east-1"}])],
)


@pytest.mark.parametrize("kind", sorted(DOCUMENTS))
def test_service_without_a_source_fails_in_every_type_of_policy(kind: str) -> None:
    name, type_ = DOCUMENTS[kind], kind.removeprefix("AWS::")
    statement = admitting(Action="sns:Publish", Condition=None)
    body = {"Statement": [statement]}
    value = statement if kind == "AWS::Events::EventBusPolicy" else body
    assert says(POLICY, {"Type": kind, "Properties": {name: value}}) is FAIL
    assert says(POLICY, policy(admitting(Action="sns:Publish"), kind=type_, name=name)) is PASS or value is statement
    if value is body:
        assert says(POLICY, {"Type": kind, "Properties": {name: json.dumps(body)}}) is FAIL


BUCKET_ARN = {"Fn::GetAtt": ["It", "Arn"]}
OBJECTS = {"Fn::Join": ["", [BUCKET_ARN, "/*"]]}
ALLOW = {"Effect": "Allow", "Principal": S3, "Action": "sqs:SendMessage", "Resource": "*"}
NO_TLS = {"Bool": {"aws:SecureTransport": "false"}}
ROOT_1 = {"AWS": "arn:aws:iam::1:root"}


def denial(**changes: Value) -> dict[str, Value]:
    """Return a statement that denies everyone every action without TLS."""
    whole = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": [BUCKET_ARN, OBJECTS]}
    return given(**{**whole, "Condition": NO_TLS, **changes})


def bucket(*statements: Value, of: Value = None, **more: Value) -> dict[str, Resource]:
    whole = resource("S3::BucketPolicy", Bucket=of or {"Ref": "It"}, PolicyDocument={"Statement": list(statements)})
    it = resource("S3::Bucket", BucketName="serverless-ingest-prod")
    return {"It": it, "Other": resource("S3::Bucket"), "Policy": {**whole, **more}}


def denying(**changes: Value) -> dict[str, Resource]:
    return bucket(denial(**changes))


def denying_queue(**changes: Value) -> dict[str, Resource]:
    document = {"Statement": [ALLOW, denial(**{"Action": "sqs:*", "Resource": BUCKET_ARN, **changes})]}
    return {
        "It": resource("SQS::Queue", QueueName="serverless-ingest-prod"),
        "Policy": resource("SQS::QueuePolicy", Queues=[{"Ref": "It"}], PolicyDocument=document),
    }


def denying_topic(**changes: Value) -> dict[str, Resource]:
    document = {"Statement": [denial(**{"Action": "sns:Publish", "Resource": {"Ref": "It"}, **changes})]}
    topic_policy = resource("SNS::TopicPolicy", Topics=[{"Ref": "It"}], PolicyDocument=document)
    return {"It": resource("SNS::Topic"), "Policy": topic_policy}


SECOND = resource("SQS::QueueInlinePolicy", Queue={"Ref": "It"}, PolicyDocument={"Statement": [ALLOW]})
UNGUARDED = {name: it for name, it in denying().items() if name != "Policy"}

test_tls = rule_test(
    "ActivePassive-IAMTLS",
    lambda resources: resources,
    passes=[
        denying(),
        bucket(denial(Resource=BUCKET_ARN), ALLOW, denial(Resource=OBJECTS)),
        denying(Principal="*", Action="*", Resource="*"),
        denying(Principal={"AWS": ["*", "arn:aws:iam::1:root"]}),
        denying(Resource=["arn:aws:s3:::serverless-ingest-prod", "arn:aws:s3:::serverless-ingest-prod/*"]),
        denying(Resource={"Fn::Sub": "arn:${AWS::Partition}:s3:::${It}*"}),
        denying(Condition={"BoolIfExists": {"AWS:SecureTransport": False}}),
        bucket(denial(), of="serverless-ingest-prod"),
        bucket(either(denial(), denial(Resource="*"))),
        *(denying_queue(), denying_queue(Resource="*"), denying_topic()),
        denying_queue(Resource={"Fn::Sub": "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:serverless-ingest-prod"}),
    ],
    fails=[
        *({"It": resource(kind)} for kind in ("S3::Bucket", "SQS::Queue", "SNS::Topic")),
        bucket(ALLOW),
        *(bucket(denial(), of=other) for other in ({"Ref": "Other"}, "serverless-other-prod")),
        *(denying(Effect="Allow"), denying(Principal=ROOT_1), denying(Principal=None, NotPrincipal=ROOT_1)),
        *(denying(Action="s3:Get*"), denying(Action=None, NotAction="s3:PutObject")),
        *(denying(Resource=it) for it in (BUCKET_ARN, OBJECTS, [{"Fn::GetAtt": ["Other", "Arn"]}, OBJECTS])),
        denying(Condition=None),
        denying(Condition={"Bool": {"aws:SecureTransport": "true"}}),
        denying(Condition={"StringEquals": {"aws:SecureTransport": "false"}}),
        denying(Condition={**NO_TLS, "StringEquals": {"aws:SourceIp": "1"}}),
        denying(Condition={"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}),
        bucket(either(denial(), ALLOW)),
        *(denying_queue(Action="sqs:SendMessage"), denying_queue(Principal=S3)),
        denying_queue(Resource="arn:aws:sqs:us-west-2:000000000000:serverless-other-prod"),
        *(denying_topic(Action="sns:Subscribe"), denying_topic(Effect="Allow")),
        reports("Second does not deny sqs:*", {**denying_queue(), "Second": SECOND}),
        (template(UNGUARDED, WEST), template(denying())),  # a policy of the other region
    ],
    unresolved=[
        *(bucket(denial(), of=UNKNOWN), denying(Resource=UNKNOWN), denying(Effect=UNKNOWN)),
        *(bucket(denial(), Condition="Sometimes"), bucket(UNKNOWN)),
    ],
)
