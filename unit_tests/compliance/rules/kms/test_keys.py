"""The rules about KMS keys and their aliases."""

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, alone, key_arn, replicating, secret
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, Value, changed, either, given, resource
from unit_tests.compliance.rules.verdicts import on, reports, rule_test

OURS = "alias/serverless-data-prod"


def keys(name: Value = OURS, target: Value = None) -> dict[str, Resource]:
    """Return a key and its alias, or an alias of another key."""
    alias = {"AliasName": name, "TargetKeyId": target or {"Fn::GetAtt": ["Key", "Arn"]}}
    return {"Key": {"Type": "AWS::KMS::Key", "Properties": {}}, "Alias": {"Type": "AWS::KMS::Alias", "Properties": alias}}


def both(east: dict[str, Resource], west: dict[str, Resource]) -> Value:
    """Return the same stack in both regions, each with its own resources."""
    return template(east, EAST), template(west, WEST)


KEY_ALONE = {"Key": keys()["Key"]}

test_alias = rule_test(
    "ActivePassive-KMSAlias",
    lambda name: both(keys(name), keys(name)),
    of="Alias",
    passes=[
        *(on(name, both(keys(), keys())) for name in ("Key", "Alias")),
    ],
    fails=[
        reports(
            "alias alias/serverless-data-prod is in us-east-1 and not in us-west-2",
            both(keys(), keys("alias/serverless-other-prod")),
        ),
        *(on("Key", it) for it in (template(KEY_ALONE), template(keys(target="another-key")), both(KEY_ALONE, keys()))),
    ],
    unresolved=[UNKNOWN, {"Fn::Sub": "alias/${Name}"}, None],
)


def alias(name: Value) -> Resource:
    return resource("KMS::Alias", AliasName=name, TargetKeyId="1")


def named(it: Resource, west: Value = OURS) -> Value:
    """Return a resource that names keys, and the aliases of both regions."""
    here = {"Data": alias(OURS), "Other": alias("alias/data")}
    return alone({"It": it}, EAST), alone(here, EAST), alone({"Data": alias(west)}, WEST)


def queue(key: Value) -> Resource:
    return resource("SQS::Queue", KmsMasterKeyId=key)


NOWHERE = ("alias/serverless-data-other", key_arn(WEST).replace("data", "dota"))

test_named = rule_test(
    "ActivePassive-KMSNamed",
    named,
    passes=[replicating(), secret(), queue(OURS)],
    fails=[
        *map(queue, NOWHERE),
        *(changed(secret(), "ReplicaRegions", 0, "KmsKeyId", to=key) for key in NOWHERE),
        named(replicating(), west="alias/serverless-other-prod"),
        reports(
            "it names alias/serverless-data-prod in us-west-2, and no template declares that alias there",
            (alone({"It": queue(key_arn(WEST))}), alone({"A": alias("alias/a")}, WEST)),
        ),
    ],
    ignored=[
        *map(queue, ("alias/aws/sqs", "1234-5678", UNKNOWN, {"Fn::GetAtt": ["Key", "Arn"]})),
        alone({"It": replicating()}, EAST),  # no template of the region shows its aliases
        named(queue(key_arn(WEST)), west=UNKNOWN),
    ],
)

ACCOUNT = "arn:aws:iam::000000000000"
ROOT = {"Effect": "Allow", "Principal": {"AWS": f"{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
USER = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "kms:Decrypt", "Resource": "*"}


def key(*statements: Value, kind: str = "Key") -> Resource:
    return resource(f"KMS::{kind}", KeyPolicy={"Statement": list(statements)})


def using(**changes: Value) -> Resource:
    """Return a key with a statement beside the account's."""
    return key(ROOT, given(**{**USER, **changes}))


test_policy = rule_test(
    "ActivePassive-KMSPolicy",
    passes=[
        *(key(ROOT), key(ROOT, kind="ReplicaKey"), using(), resource("KMS::Key")),
        key({**ROOT, "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}}),
        key({**ROOT, "Principal": {"AWS": {"Ref": "AWS::AccountId"}}}),
        using(Action=["kms:GenerateDataKey*", "kms:ReEncrypt*"]),
        using(Principal="*", Condition={"StringEquals": {"kms:CallerAccount": "000000000000"}}),
        using(Effect="Deny", Principal="*", Action="kms:*"),
    ],
    fails=[
        key(USER),
        key({**ROOT, "Effect": "Deny"}),
        key({**ROOT, "Action": "kms:Decrypt"}),
        key({**ROOT, "Condition": {"StringEquals": {"aws:SourceIp": "1"}}}),
        key({**ROOT, "Principal": {"AWS": f"{ACCOUNT}:role/admin"}}),
        key({**ROOT, "Principal": {"AWS": [f"{ACCOUNT}:root", f"{ACCOUNT}:role/admin"]}}),
        reports("allows kms:* to s3.amazonaws.com", using(Action="kms:*")),
        using(Action="*"),
        using(Action="KMS:*", Condition={"StringEquals": {"aws:SourceAccount": "1"}}),
        *(using(Principal=principal) for principal in ("*", {"AWS": "*"}, {"AWS": "arn:aws:iam::*:role/x"})),
        using(Principal=None, NotPrincipal={"AWS": f"{ACCOUNT}:root"}),
        using(Action=None, NotAction="kms:Delete*"),
        key(ROOT, either(USER, {**USER, "Principal": "*"})),
    ],
    unresolved=[key(UNKNOWN), using(Action=UNKNOWN), using(Effect=UNKNOWN)],
)
