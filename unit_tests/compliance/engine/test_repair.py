"""A repair ends its finding, opens no other, and touches nothing that no finding names."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compliance.cfn.loading import LoadError, load_template
from compliance.cfn.templates import Template, TemplateSet
from compliance.engine.judge import FindingsBuilder
from compliance.engine.repair import Repairer, Repairs
from compliance.mutants.mutant import damage
from compliance.mutants.operators import mutants_of
from compliance.packs import native
from compliance.rules import our_rules
from unit_tests.compliance.fixtures import good, template
from unit_tests.compliance.rules.builders import bucket, pipeline, regional_bucket, replicating, table
from unit_tests.compliance.rules.corruptions import changed, without
from unit_tests.compliance.test_hostile import CORPUS
from unit_tests.fixtures.examples import examples


def repair_by(world: TemplateSet, *names: str) -> Repairs:
    """Repair by some rules of ours, or by all, and by AWS's validation."""
    rules = [rule for rule in our_rules() if not names or rule.id.rpartition("-")[2] in names]
    return Repairer(rules, native.validate if not names else lambda _world: FindingsBuilder()).repair(world)


def alone(resource: Any, *others: Any) -> TemplateSet:  # noqa: ANN401
    """Return templates with one resource, `It`, and others beside it."""
    resources = {"It": resource, **{f"Other{number}": each for number, each in enumerate(others)}}
    return TemplateSet(templates=(template(resources),), environment="prod", taggable=frozenset({"AWS::SQS::Queue"}))


def queue(**properties: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def key(**properties: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::KMS::Key", "Properties": properties}


STATEMENT = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}}
FOREIGN = {**STATEMENT, "Principal": {"AWS": "arn:aws:iam::999999999999:root"}}
TERMS = ("ReplicationConfiguration", "Rules", 0)
KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
OFF = changed(bucket(), "PublicAccessBlockConfiguration", "BlockPublicAcls", to=False)


@pytest.mark.parametrize(
    ("rule", "broken", "repaired"),
    [
        ("KMSRotation", key(), key(EnableKeyRotation=True)),
        ("KMSRotation", key(EnableKeyRotation=False, Enabled=False), key(EnableKeyRotation=True, Enabled=True)),
        ("KMSLife", key(PendingWindowInDays=7), key()),
        ("KMSRegion", key(MultiRegion=True), key(MultiRegion=False)),
        ("SQSDelivery", queue(DelaySeconds=900), queue()),
        ("SQSDelivery", queue(DelaySeconds={"Fn::If": ["C", 900, 5]}), queue()),
        ("DynamoDBDeletion", without(table(), "Replicas", 0, "DeletionProtectionEnabled"), table()),
        ("S3Public", OFF, bucket()),
        ("S3Public", without(bucket(), "PublicAccessBlockConfiguration"), bucket()),
        ("NamingPattern", queue(QueueName="serverless-work-test"), queue(QueueName="serverless-work-prod")),
        ("NamingPattern", queue(QueueName="work"), queue(QueueName="serverless-work-prod")),
        ("CrossRegionRetention", queue(), {**queue(), **KEPT}),
        ("TemplateSecrets", queue(QueueName="sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc"), queue()),
        ("S3ReplicationTerms", changed(replicating(), *TERMS, "Status", to="Disabled"), replicating()),
    ],
)
def test_rule_repairs_what_it_refuses(rule: str, broken: Any, repaired: Any) -> None:  # noqa: ANN401
    name = {"NamingPattern": "Pattern", "TemplateSecrets": "Secrets"}.get(rule, rule)
    found = repair_by(alone(broken), name)
    assert found.world.templates[0].body["Resources"]["It"] == repaired
    assert found.done
    assert not found.left


@pytest.mark.parametrize(
    ("rule", "broken", "others", "repaired"),
    [
        ("SQSEncryption", queue(), [queue(KmsMasterKeyId="alias/a")] * 2, queue(KmsMasterKeyId="alias/a")),
        ("SQSEncryption", queue(), [queue(KmsMasterKeyId="alias/a"), queue(KmsMasterKeyId="alias/b")], queue()),
        ("SQSEncryption", queue(), [], queue()),
    ],
    ids=["all others agree", "two values would do", "no other has one"],
)
def test_value_of_similar_resources_is_taken_only_if_it_is_the_one(
    rule: str,
    broken: dict[str, Any],
    others: list[dict[str, Any]],
    repaired: dict[str, Any],
) -> None:
    found = repair_by(alone(broken, *others), rule)
    assert found.world.templates[0].body["Resources"]["It"] == repaired
    assert all("By hand: Set KmsMasterKeyId" in each.reason for each in found.left)
    assert bool(found.left) == (broken == repaired)


@pytest.mark.parametrize(
    ("statements", "left"),
    [
        ([STATEMENT, FOREIGN], [STATEMENT]),
        ([STATEMENT, {**FOREIGN, "Effect": "Deny"}], [STATEMENT, {**FOREIGN, "Effect": "Deny"}]),
    ],
    ids=["what allows a stranger goes", "what denies stays"],
)
def test_of_a_policy_only_what_allows_is_removed(statements: list[Any], left: list[Any]) -> None:
    policy = {"Version": "2012-10-17", "Statement": statements}
    found = repair_by(alone(key(KeyPolicy=policy)), "IAMStranger")
    assert found.world.templates[0].body["Resources"]["It"]["Properties"]["KeyPolicy"]["Statement"] == left


ALLOWED = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*", "Principal": {"Service": "logs.amazonaws.com"}}
DENIED = {**STATEMENT, "Effect": "Deny", "Action": "kms:ScheduleKeyDeletion"}
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyName": "p"}]}}
BROAD = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
UNDONE = {**BROAD, "Effect": "Deny"}
OPEN_TO_ALL = {"IpProtocol": "tcp", "CidrIp": "0.0.0.0/0", "FromPort": 22, "ToPort": 22}


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("IAMPolicy", key(KeyPolicy={"Statement": [{**STATEMENT, "Principal": {"AWS": "*"}}, DENIED]})),
        ("IAMStranger", key(KeyPolicy={"Statement": [FOREIGN, ALLOWED]})),
        (
            "IAMResource",
            changed(ROLE, "Policies", 0, "PolicyDocument", to={"Statement": [BROAD, UNDONE]}),
        ),
        ("VPCIngress", {"Type": "AWS::EC2::SecurityGroup", "Properties": {"SecurityGroupIngress": [OPEN_TO_ALL]}}),
        (
            "IAMStranger",
            {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {"AlarmActions": ["arn:aws:sns:us-east-1:999999999999:x"]},
            },
        ),
    ],
    ids=["a key nobody administers", "a key only a service uses", "a role without a grant", "no ingress", "a mute alarm"],
)
def test_last_entry_that_gives_something_its_use_stays(rule: str, broken: Any) -> None:  # noqa: ANN401
    found = repair_by(alone(broken), rule)
    assert found.world.templates[0].body["Resources"]["It"] == broken
    assert found.left


def test_repaired_names_keep_their_words_and_stay_different() -> None:
    found = repair_by(alone(*(queue(QueueName=name) for name in ("my-data", "my-logs", "x-dev", "x-test"))), "Pattern")
    names = [each["Properties"]["QueueName"] for each in found.world.templates[0].body["Resources"].values()]
    assert names == ["serverless-my-data-prod", "serverless-my-logs-prod", "serverless-x-prod", "serverless-x-test-prod"]


@pytest.mark.parametrize("order", [1, -1])
def test_counterpart_that_retains_nothing_is_not_taken(order: int) -> None:
    kept, lost = {**queue(DelaySeconds=5), **KEPT}, queue(DelaySeconds=5)
    regions = dict(zip(("us-east-1", "us-west-2"), (kept, lost)[::order], strict=True))
    both = [Template(name=name, body={"Resources": {"It": it}}, region=name, stack_name="s") for name, it in regions.items()]
    found = repair_by(TemplateSet(templates=tuple(both), environment="dev"), "CrossRegionSymmetry")
    assert [each.body["Resources"]["It"] for each in found.world.templates] == [kept, kept]


def test_condition_of_a_resource_is_deleted_in_both_regions() -> None:
    body = {"Conditions": {"Never": {"Fn::Equals": ["a", "b"]}}, "Resources": {"It": {**queue(), "Condition": "Never"}}}
    both = [Template(name=name, body=body, region=name, stack_name="s") for name in ("us-east-1", "us-west-2")]
    found = repair_by(TemplateSet(templates=tuple(both), environment="prod"), "CrossRegionPresence", "CrossRegionSymmetry")
    assert [each.body["Resources"]["It"] for each in found.world.templates] == [queue()] * 2


REGIONAL = {**good(), **pipeline()}
ORIGINAL = TemplateSet(
    templates=(
        template({**REGIONAL, "It": replicating()}),
        template({**REGIONAL, "It": regional_bucket()}, "us-west-2"),
    ),
    environment="prod",
)
MUTANTS = list(mutants_of(ORIGINAL))
IGNORED_ACLS = next(each for each in MUTANTS if each.pointer[-1:] == ("IgnorePublicAcls",) and len(each.stacks) == 2)


@pytest.mark.property
@given(st.sampled_from(MUTANTS))
@example(IGNORED_ACLS)  # a repair of one bucket, which another bucket then copies
@settings(max_examples=examples(4))
def test_repair_of_any_damage_opens_nothing_and_is_its_own_repair(mutant: Any) -> None:  # noqa: ANN401
    repairer = Repairer(our_rules(), native.validate)
    damaged = damage(ORIGINAL, mutant)

    once = repairer.repair(damaged)
    twice = repairer.repair(once.world)

    assert twice.world == once.world
    assert not twice.done
    changes = " ".join(each.change for each in once.done)
    for before, after in zip(damaged.templates, once.world.templates, strict=True):
        untouched = {key: body for key, body in before.body["Resources"].items() if after.body["Resources"][key] == body}
        assert changes or untouched == before.body["Resources"]
    assert {each.finding.rule for each in once.left} >= {each.finding.rule for each in twice.left}


def test_templates_without_a_finding_are_left_as_they_are() -> None:
    world = alone(key(EnableKeyRotation=True))
    assert repair_by(world, "KMSRotation").world is world


def test_no_public_template_makes_a_repair_raise(tmp_path: Path) -> None:
    with zipfile.ZipFile(CORPUS) as corpus:
        names = corpus.namelist()[:: 1 if examples(1) > 1 else 16]
        corpus.extractall(tmp_path)
    for name in names:
        try:
            found = load_template(tmp_path / name, "us-east-1")
        except LoadError:
            continue
        repair_by(TemplateSet(templates=(found,), environment="prod"))
