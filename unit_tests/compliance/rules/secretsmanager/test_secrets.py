"""The rules about a secret's policy, replicas and rotation."""

from typing import Any

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, alone, function, key_arn, rotation, secret
from unit_tests.compliance.rules.corruptions import (
    UNKNOWN,
    Resource,
    Value,
    changed,
    conditional,
    each,
    either,
    lacking,
    resource,
    unknown,
)
from unit_tests.compliance.rules.verdicts import on, reports, rule_test

NAME = "serverless-receipt-signing-prod"
DENIAL: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": "secretsmanager:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def policy(*statements: Value, of: Value = None) -> Resource:
    document = {"Statement": list(statements)}
    it = {"SecretId": of or {"Ref": "It"}, "ResourcePolicy": document, "BlockPublicPolicy": True}
    return resource("SecretsManager::ResourcePolicy", **it)


OF_NAME = policy(DENIAL, of=NAME)
NARROW = {**DENIAL["Condition"], "StringEquals": {"aws:PrincipalAccount": "1"}}

test_policy = rule_test(
    "ActivePassive-SecretsManagerPolicy",
    lambda policy: {"It": secret(), "Policy": policy},
    region=EAST,
    passes=[policy(DENIAL), OF_NAME, policy({**DENIAL, "Action": "*"}, DENIAL)],
    fails=[
        alone({"It": secret()}),
        policy({**DENIAL, "Effect": "Allow"}),
        policy({**DENIAL, "Action": "secretsmanager:GetSecretValue"}),
        policy({**DENIAL, "Principal": {"AWS": "000000000000"}}),
        policy({**DENIAL, "Resource": "arn:aws:secretsmanager:us-east-1:000000000000:secret:another"}),
        policy({**DENIAL, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        policy({**DENIAL, "Condition": NARROW}),
        policy(DENIAL, of="another-secret"),
        conditional(policy(DENIAL)),
        policy(either(DENIAL, {**DENIAL, "Effect": "Allow"})),
        (alone({"It": secret()}), template({"Policy": OF_NAME}, WEST)),
        *each(policy(DENIAL), "BlockPublicPolicy", False),
        *lacking(policy(DENIAL), "BlockPublicPolicy"),
    ],
    unresolved=[policy(DENIAL, of=UNKNOWN), policy(UNKNOWN)],
)

REPLICA = "ReplicaRegions.0"
MOVED = changed(secret(), "ReplicaRegions", 0, to={"Region": "eu-west-1", "KmsKeyId": key_arn("eu-west-1")})
BOTH = (template({}, EAST), template({}, WEST))

test_replication = rule_test(
    "ActivePassive-SecretsManagerReplication",
    region=EAST,
    passes=[
        secret(),
        (alone({"It": secret()}), *BOTH),
        alone({"Key": {"Type": "AWS::KMS::Key"}, "It": changed(secret(), "KmsKeyId", to={"Ref": "Key"})}),
    ],
    fails=[
        {"Type": "AWS::SecretsManager::Secret"},
        *lacking(secret(), f"KmsKeyId ReplicaRegions {REPLICA}.KmsKeyId"),
        *each(secret(), "KmsKeyId", "alias/aws/secretsmanager", key_arn(WEST)),
        *each(secret(), "ReplicaRegions", [], either(secret()["Properties"]["ReplicaRegions"], [])),
        *each(secret(), f"{REPLICA}.KmsKeyId", key_arn(EAST), "alias/aws/secretsmanager"),
        *each(secret(), f"{REPLICA}.Region", EAST),
        reports("no replica is in us-west-2", (alone({"It": MOVED}), *BOTH)),
    ],
    unresolved=unknown(secret(), f"KmsKeyId ReplicaRegions {REPLICA} {REPLICA}.Region {REPLICA}.KmsKeyId"),
)

DAYS = "RotationRules.AutomaticallyAfterDays"
PERMISSION = resource(
    "Lambda::Permission",
    Action="lambda:InvokeFunction",
    FunctionName={"Ref": "Function"},
    Principal="secretsmanager.amazonaws.com",
)


def invoking(permission: Resource | None = None, **others: Resource) -> Value:
    """Return the secret, its schedule and the function that rotates it."""
    more = others if permission is None else {"Permission": permission, **others}
    return alone({"It": secret(), "Schedule": rotation(), "Function": function(), **more})


def by_itself(schedule: Resource) -> Value:
    """Return a row about a schedule without its secret, beside a function that Secrets Manager may invoke."""
    by_name = {"Principal": "secretsmanager.amazonaws.com", "FunctionName": "serverless-processor-prod"}
    others = {"F": function(), "Permission": resource("Lambda::Permission", **by_name)}
    return on("Schedule", alone({"Schedule": schedule, **others}))


test_rotation = rule_test(
    "ActivePassive-SecretsManagerRotation",
    lambda schedule: {"It": secret(), "Schedule": schedule},
    region=EAST,
    passes=[
        *(rotation(), rotation({"Ref": "It"})),
        (alone({"It": secret()}), template({"Schedule": rotation()})),
        alone(
            {
                "It": secret(),
                "Schedule": rotation({"Ref": "Attachment"}),
                "Attachment": resource("SecretsManager::SecretTargetAttachment", SecretId={"Ref": "It"}),
            }
        ),
        *each(rotation(), "RotationRules", *({"ScheduleExpression": f"rate({rate})"} for rate in ("30 days", "4 hours"))),
        alone({"It": conditional(secret()), "Schedule": conditional(rotation())}),
        invoking(PERMISSION),
        *map(by_itself, each(rotation(), "RotationLambdaARN", "serverless-processor-prod")),
    ],
    fails=[
        alone({"It": secret()}),
        rotation("serverless-other-prod"),
        (alone({"It": secret()}), template({"Schedule": rotation()}, WEST)),
        *lacking(rotation(), "RotationLambdaARN RotationRules SecretId"),
        *each(rotation(), "RotationRules", {}, {"ScheduleExpression": "rate(100 days)"}),
        *each(rotation(), DAYS, 91, either(30, 365)),
        *each(rotation(), "SecretId", either({"Ref": "It"}, "serverless-other-prod")),
        conditional(rotation()),
        *(invoking(), invoking(changed(PERMISSION, "Principal", to="s3.amazonaws.com"))),
        invoking(changed(PERMISSION, "FunctionName", to={"Ref": "Other"}), Other=function("other")),
        *map(by_itself, each(rotation(), "RotationLambdaARN", "arn:aws:lambda:us-east-1:999999999999:function:x")),
        *map(by_itself, each(rotation(), DAYS, 2560)),
    ],
    unresolved=[
        *unknown(rotation(), f"RotationRules {DAYS}"),
        *each(rotation(), "RotationRules", {"ScheduleExpression": "cron(0 0 1 * ? *)"}),
        rotation(UNKNOWN),
        by_itself(rotation()),  # a function that is in no template
    ],
)
