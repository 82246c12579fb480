"""The rules about what identities may do."""

import pytest

from compliance.aws.authorization_reference import accepts, actions_of
from compliance.aws.permissions import MADE_AT_RUN_TIME, is_wild_resource, knows_no_resource
from compliance.cfn.values import UnresolvedError
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, Value, either, given, resource, unknown
from unit_tests.compliance.rules.identities import managed, shapes
from unit_tests.compliance.rules.verdicts import reports, rule_test


def role(*arns: Value) -> Resource:
    return resource("IAM::Role", ManagedPolicyArns=list(arns))


def aws_managed(name: str) -> Resource:
    return role(f"arn:aws:iam::aws:policy/{name}")


test_action = rule_test(
    "ActivePassive-IAMAction",
    passes=[
        *shapes(),
        managed(Effect="Deny", Action="*", Resource="*"),
        managed(Effect="Deny", Action=None, NotAction="s3:*"),
        *(aws_managed("service-role/AWSLambdaBasicExecutionRole"), role({"Ref": "OurPolicy"})),
    ],
    fails=[
        *shapes(Action="s3:*"),
        *(managed(Action=action) for action in ("*", "*:*", ["s3:GetObject", "dynamodb:*"], "s3:Get*", "s3:?etObject")),
        managed(Action=None, NotAction="iam:*"),
        managed(Action=either("s3:GetObject", "s3:*")),
        *map(aws_managed, ("AdministratorAccess", "AmazonS3FullAccess")),
        role({"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/PowerUserAccess"}),
        reports("allows s3:*, kms:Re*;", managed(Sid="Read", Action=["s3:*", "kms:Re*", "sqs:SendMessage"])),
    ],
    unresolved=[
        *(managed(Action=UNKNOWN), managed(Effect=UNKNOWN), *unknown(managed(), "PolicyDocument")),
        resource("IAM::ManagedPolicy"),
        *(resource("IAM::Role", Policies=policies) for policies in (UNKNOWN, [{"PolicyName": "a"}])),
        resource("IAM::Role", ManagedPolicyArns=UNKNOWN),
    ],
    ignored=[resource("IAM::Role"), resource("IAM::RolePolicy")],
)

KEYS = {"Fn::Sub": "arn:aws:kms:us-west-2:${AWS::AccountId}:key/*"}
ALIASES = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/serverless-data-prod"}}
ROWS = "ForAllValues:StringLike"
TRACING = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
TABLE_A = "arn:aws:dynamodb:us-west-2:0:table/a"
SECRET = "arn:aws:secretsmanager:us-west-2:0:secret"


def on_objects(arn: Value) -> Resource:
    return managed(Action="s3:GetObject", Resource=arn)


def decrypting(**changes: Value) -> Resource:
    return managed(**{"Action": "kms:Decrypt", "Resource": KEYS, **changes})


test_resource = rule_test(
    "ActivePassive-IAMResource",
    passes=[
        *shapes(),
        managed(Action=TRACING, Resource="*"),
        managed(Condition={ROWS: {"dynamodb:LeadingKeys": ["A#*", "B#c"]}}),
        managed(Action="XRAY:puttracesegments", Resource="*"),
        managed(Action=["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces"], Resource="*"),
        managed(Action=["kms:Encrypt", "kms:GenerateDataKey"], Resource=KEYS, Condition=ALIASES),
        on_objects({"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/incoming/*"]]}),
        on_objects("arn:aws:s3:::serverless-ingest-prod/*"),
        managed(Action="secretsmanager:GetSecretValue", Resource=f"{SECRET}:receipt-??????"),
        managed(Action="logs:PutLogEvents", Resource="arn:aws:logs:us-west-2:0:log-group:/aws/lambda/x:*"),
        managed(Effect="Deny", Action="s3:*", Resource="*"),
        managed(Resource=[{"Fn::GetAtt": ["Table", "Arn"]}, {"Fn::ImportValue": "arn"}]),
        template({"It": managed(Action="sns:Publish", Resource={"Ref": "Topic"}), "Topic": resource("SNS::Topic")}),
    ],
    fails=[
        *shapes(Resource="*"),
        reports("allows s3:GetObject on *", managed(Action=[*TRACING, "s3:GetObject"], Resource="*")),
        managed(Action="ec2:RevokeSecurityGroupIngress", Resource="*"),
        managed(Resource=[TABLE_A, "*"]),
        managed(Resource="arn:aws:dynamodb:us-west-2:000000000000:table/*"),
        managed(Resource={"Fn::Sub": "arn:aws:dynamodb:${AWS::Region}:${AWS::AccountId}:table/*"}),
        *(managed(Resource=arn) for arn in ("arn:aws:dynamodb:*:*:*", "arn:*", None)),
        managed(Resource=[]),
        *map(on_objects, ("arn:aws:s3:::*", "arn:aws:s3:::*/*")),
        *(decrypting(), decrypting(Condition={"StringEquals": {"aws:SourceIp": "10.0.0.1"}})),
        decrypting(Condition={"StringLike": {"kms:ResourceAliases": "*"}}),
        decrypting(Resource="*", Condition=ALIASES),
        *(decrypting(Condition={"ForAnyValue:StringLike": {"kms:ResourceAliases": alias}}) for alias in ("alias/*", "*")),
        *(
            managed(Condition={operator: {"dynamodb:LeadingKeys": key}})
            for operator, key in (("ForAnyValue:StringLike", "A#*"), ("ForAllValues:StringNotLike", "A#*"), (ROWS, "*"))
        ),
        managed(Resource=None, NotResource=TABLE_A),
        managed(Resource=either(TABLE_A, "*")),
    ],
    unresolved=[
        *(managed(Resource=UNKNOWN), managed(Resource=[["*"]]), managed(Action=UNKNOWN, Resource="*")),
        managed(Action="quantumthings:Do", Resource="*"),
    ],
)


def test_table_says_what_the_service_authorization_reference_says() -> None:
    for action in (*TRACING, "ec2:DescribeSubnets", "sqs:ListQueues", "kms:CreateKey", "cloudwatch:PutMetricData"):
        assert knows_no_resource(action), action
    for action in ("s3:GetObject", "ec2:RevokeSecurityGroupEgress", "sqs:SendMessage", "kms:Decrypt", "iam:PassRole"):
        assert not knows_no_resource(action), action
    for action in MADE_AT_RUN_TIME:
        assert knows_no_resource(action)
    with pytest.raises(UnresolvedError, match="is not in AWS's Service Authorization Reference"):
        knows_no_resource("quantumthings:Do")


def test_pattern_is_wild_if_it_names_nothing() -> None:
    api = "arn:aws:execute-api:us-west-2:0"
    for pattern in ("*", "**", "arn:aws:iam::0:role/*", f"{api}:*", f"{api}:*/*/*"):
        assert is_wild_resource(pattern), pattern
    for pattern in (f"{api}:a1b2c3/*", "arn:aws:s3:::a-bucket/*", "${Bucket.Arn}/*", "${Table.Arn}", "a"):
        assert not is_wild_resource(pattern), pattern


GITHUB, COGNITO = "token.actions.githubusercontent.com", "cognito-identity.amazonaws.com"
OIDC = f"arn:aws:iam::000000000000:oidc-provider/{GITHUB}"
DEPLOYER, ROOT = "arn:aws:iam::000000000000:role/deployer", "arn:aws:iam::000000000000:root"
LAMBDA = {"Service": "lambda.amazonaws.com"}


def trusting(principal: Value, **changes: Value) -> Resource:
    """Return a role that a principal may assume."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **changes}
    return resource("IAM::Role", AssumeRolePolicyDocument={"Statement": [given(**statement)]})


def root(operator: str, key: str, value: str) -> Resource:
    """Return a role that the account's users may assume under one condition."""
    return trusting({"AWS": ROOT}, Condition={operator: {key: value}})


def github(subject: str) -> Resource:
    """Return a role that GitHub's workflows of a subject may assume."""
    return trusting({"Federated": OIDC}, Condition={"StringLike": {f"{GITHUB}:sub": subject}})


test_trust = rule_test(
    "ActivePassive-IAMTrust",
    passes=[
        *(trusting(LAMBDA), trusting({"AWS": DEPLOYER}), trusting("*", Effect="Deny")),
        trusting({"AWS": DEPLOYER}, Action=["sts:AssumeRole", "sts:TagSession"]),
        trusting({"Service": {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}}),
        trusting({"Service": ["lambda.amazonaws.com", "edgelambda.amazonaws.com"]}),
        root("StringEquals", "sts:ExternalId", "x"),
        root("Bool", "aws:MultiFactorAuthPresent", "true"),
        root("NumericLessThan", "aws:MultiFactorAuthAge", "3600"),
        github("repo:us/code:ref:refs/heads/main"),
        github("repo:us/code:environment:*"),
        trusting({"Federated": COGNITO}, Condition={"StringEquals": {f"{COGNITO}:aud": "us-east-1:pool"}}),
        template({"It": trusting({"AWS": {"Fn::GetAtt": ["Other", "Arn"]}}), "Other": trusting(LAMBDA)}),
    ],
    fails=[
        reports("trusts everybody in the world", trusting("*")),
        *(trusting(LAMBDA, Action=action) for action in ("*", ["sts:AssumeRole", "sts:*"])),
        trusting(LAMBDA, Action=None, NotAction="sts:TagSession"),
        *(trusting({"AWS": it}) for it in ("*", [DEPLOYER, "*"], ROOT, "000000000000", {"Ref": "AWS::AccountId"})),
        trusting({"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}),
        trusting({"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        *(trusting({"Service": service}) for service in ("*", "*.amazonaws.com")),
        root("Bool", "aws:MultiFactorAuthPresent", "false"),
        root("BoolIfExists", "aws:MultiFactorAuthPresent", "true"),
        root("NumericGreaterThan", "aws:MultiFactorAuthAge", "0"),
        root("StringLike", "aws:PrincipalArn", "*"),
        root("StringEquals", "aws:RequestedRegion", "us-east-1"),
        trusting({"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]}),
        trusting({"Service": "ec2.amazonaws.com", "AWS": DEPLOYER}),
        trusting({"Federated": OIDC}, Condition={"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}),
        trusting({"Federated": OIDC}, Condition={"StringNotEquals": {f"{GITHUB}:sub": "repo:us/code:ref:refs/heads/main"}}),
        *(
            github(subject)
            for subject in ("*", "repo:*", "repo:us/*", "repo:us*/code:ref:a", "repo:us/code*", "repo:us/code:*")
        ),
        trusting({"Federated": COGNITO}, Condition={"StringLike": {f"{COGNITO}:aud": "*"}}),
        *(trusting({"Federated": OIDC}), trusting(None), trusting(None, NotPrincipal={"AWS": ROOT})),
        trusting(either(LAMBDA, {"AWS": "*"})),
    ],
    unresolved=[
        *(trusting({"AWS": UNKNOWN}), trusting(UNKNOWN), resource("IAM::Role")),
        resource("IAM::Role", AssumeRolePolicyDocument=UNKNOWN),
    ],
)

TABLE, BUCKET = "arn:aws:dynamodb:us-west-2:000000000000:table/serverless-ledger-prod", "arn:aws:s3:::serverless-ingest-prod"
QUEUE = "arn:aws:sqs:us-west-2:000000000000:serverless-ingest-prod"
SENDING = {
    "Effect": "Allow",
    "Principal": {"Service": "s3.amazonaws.com"},
    "Action": "sqs:SendMesage",
    "Resource": QUEUE,
    "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}},
}
MISSPELT = ("dynamo:GetItem", "s3:GetObject ", "dynamodb:Getitm*", "nothing")


def on_condition(action: Value, arn: str, condition: dict[str, Value]) -> Resource:
    return managed(Action=action, Resource=arn, Condition=condition)


test_reference = rule_test(
    "ActivePassive-IAMReference",
    passes=[
        *shapes(),
        on_objects(f"{BUCKET}/*"),
        on_objects({"Fn::Sub": "arn:${AWS::Partition}:s3:::a-${AWS::AccountId}/incoming/*"}),
        managed(Action=["s3:GetObject", "s3:ListBucket"], Resource=[BUCKET, f"{BUCKET}/*"]),
        decrypting(Resource={"Fn::Sub": "arn:aws:kms:us-east-1:${AWS::AccountId}:key/*"}),
        managed(Action="secretsmanager:GetSecretValue", Resource=f"{SECRET}:a/b-??????"),
        managed(Action="dynamodb:Query", Resource=[TABLE, f"{TABLE}/index/by_file"]),
        managed(Action="xray:PutTraceSegments", Resource="*"),
        managed(Effect="Deny", Action="*", Resource="*"),
        # Requests carry these keys.
        on_condition("kms:Decrypt", "*", {"StringEquals": {"KMS:viaService": "s3.us-west-2.amazonaws.com"}}),
        on_condition("kms:Decrypt", "*", {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": BUCKET}}),
        on_condition("s3:ListBucket", BUCKET, {"StringLike": {"s3:prefix": "incoming/*"}}),
        on_condition("dynamodb:PutItem", TABLE, {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "CONTROL"}}),
        on_condition("iam:PassRole", "arn:aws:iam::0:role/a", {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}}),
        on_condition(
            "s3:GetObject",
            f"{BUCKET}/*",
            {"StringEquals": {"aws:PrincipalTag/team": "a"}, "Bool": {"aws:SecureTransport": "true"}},
        ),
    ],
    fails=[
        *(it for action in ("dynamodb:GetItems", *MISSPELT) for it in shapes(Action=["dynamodb:GetItem", action])),
        reports("did you mean dynamodb:GetItem", managed(Action="dynamodb:GetItems")),
        managed(Effect="Deny", Action="s3:DeleteObjects", Resource="*"),
        managed(Effect="Deny", Action=None, NotAction=["s3:GetObject", "iam:GetRoll"], Resource="*"),
        managed(Action=either("dynamodb:GetItem", "dynamodb:GetItm")),
        resource("SQS::QueuePolicy", PolicyDocument={"Statement": [SENDING]}),
        resource(
            "IAM::Role",
            AssumeRolePolicyDocument={"Statement": {"Effect": "Allow", "Principal": LAMBDA, "Action": "sts:AsumeRole"}},
        ),
        resource("Lambda::Permission", Action="lambda:InvokeFunktion", FunctionName="f", Principal="s3.amazonaws.com"),
        resource("EC2::VPCEndpoint", PolicyDocument={"Statement": [SENDING]}),
        # The action accepts no resource of this type.
        *(
            reports(text, managed(Sid="Read", Action="s3:GetObject", Resource=BUCKET))
            for text in (
                f"Read names the resource {BUCKET}, which is of no type that s3:GetObject accepts",
                "arn:${Partition}:s3:::${BucketName}/${ObjectName}",
            )
        ),
        *(managed(Action=action, Resource=f"{BUCKET}/*") for action in ("s3:ListBucket", ["s3:GetObject", "s3:ListBucket"])),
        *(managed(Action="dynamodb:GetItem", Resource=arn) for arn in (f"{TABLE}/index/*", [TABLE, QUEUE])),
        managed(Action="sqs:SendMessage", Resource="arn:aws:sns:us-west-2:000000000000:a"),
        managed(Action="xray:PutTraceSegments", Resource="arn:aws:xray:us-west-2:000000000000:group/a/b"),
        decrypting(Resource="arn:aws:kms:us-west-2:000000000000:alias/serverless-data-prod"),
        managed(Effect="Deny", Action="s3:DeleteObject", Resource=BUCKET),
        # No request carries these keys.
        on_condition("kms:Decrypt", "*", {"StringEquals": {"kms:ViaServices": "s3.us-west-2.amazonaws.com"}}),
        on_condition("s3:GetObject", f"{BUCKET}/*", {"StringLike": {"s3:prefix": "incoming/*"}}),
        *(
            on_condition("dynamodb:PutItem", TABLE, {operator: {"dynamodb:LeadingKey": "CONTROL"}})
            for operator in ("ForAnyValue:StringEquals", "ForAllValues:StringEquals")
        ),
        on_condition("iam:PassRole", "arn:aws:iam::0:role/a", {"StringEquals": {"iam:PassToService": "s3.amazonaws.com"}}),
        on_condition("sqs:SendMessage", "arn:aws:sqs:us-west-2:0:a", {"StringEquals": {"aws:SourceAcount": "0"}}),
        on_condition("sqs:SendMessage", "arn:aws:sqs:us-west-2:0:a", {"StringEqualsIfExists": {"sqs:Colour": "red"}}),
        *(
            on_condition(action, TABLE, {operator: {"dynamodb:LeadingKeys": "CONTROL"}})
            for action, operator in (
                ("dynamodb:Scan", "ForAllValues:StringEquals"),  # it holds, and the whole table is allowed
                (["dynamodb:GetItem", "dynamodb:Scan"], "ForAllValues:StringEquals"),
                ("dynamodb:Scan", "StringEqualsIfExists"),
            )
        ),
        managed(
            Effect="Deny", Action="dynamodb:Scan", Resource=TABLE, Condition={"StringEquals": {"dynamodb:LeadingKeys": "A"}}
        ),
    ],
    unresolved=[managed(Action=UNKNOWN)],
)


def test_accepts_thousands_of_wildcards_ends() -> None:
    action = actions_of("secretsmanager:GetSecretValue")[0]
    assert not accepts(action, "arn:aws:sqs:us-west-2:0:" + "*a" * 2000)
    assert accepts(action, f"{SECRET}:" + "*a" * 500)
