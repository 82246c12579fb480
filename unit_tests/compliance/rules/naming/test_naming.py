"""The rules about names."""

from dataclasses import replace

import pytest

from compliance.aws.names import NAME_PROPERTIES
from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, good, template, verdicts
from unit_tests.compliance.rules.corruptions import ABSENT, Resource, Value, resource
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, reports, rule_test


def queue(name: Value) -> Resource:
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}


def test_good_names_pass_wherever_a_name_can_be_set() -> None:
    answers = verdicts("Naming-Pattern", template(good()))
    assert answers == dict.fromkeys(["Queue", "Fifo", "Bucket", "Alias", "Api", "Table"], PASS)


test_pattern = rule_test(
    "Naming-Pattern",
    region="us-east-1",
    passes=[
        queue({"Fn::Join": ["-", ["serverless", "ingest", "prod"]]}),
        queue({"Fn::Sub": "serverless-ingest-prod"}),
        queue({"Fn::If": ["C", "serverless-a-prod", "serverless-b-prod"]}),
    ],
    fails=[
        *(
            reports("serverless-<resource>-prod", queue(name))
            for name in (
                *("ingest", "serverless-prod", "serverless-ingest-dev", "Serverless-ingest-prod", "serverless-Ingest-prod"),
                *("serverless--prod", "serverless-in--gest-prod", "serverless-in_gest-prod"),
                *("serverless-ingest-prod-us-east-1", "serverless-ingest-prod\n", " serverless-ingest-prod", ""),
            )
        ),
        *(reports("QueueName is not set", it) for it in (resource("SQS::Queue"), queue(ABSENT), queue(None))),
        queue({"Fn::If": ["C", "serverless-a-prod", "b"]}),
        resource("KMS::Alias", AliasName="serverless-data-prod"),
        *({"Type": kind, "Properties": {}} for kind in sorted(NAME_PROPERTIES)),
    ],
    unresolved=[
        *map(queue, ({"Ref": "Name"}, {"Fn::Sub": "serverless-${X}-prod"}, 7)),
        queue({"Fn::Join": ["-", ["serverless", {"Ref": "X"}]]}),
    ],
    ignored=map(resource, ("IAM::Role", "IAM::ManagedPolicy", "IAM::Policy")),
)


def prefixed(prefix: Value, region: str = "us-east-1", namespace: Value = "account-regional") -> Value:
    return template({"It": resource("S3::Bucket", BucketNamePrefix=prefix, BucketNamespace=namespace)}, region)


test_bucket = rule_test(
    "Naming-Bucket",
    region="us-east-1",
    passes=[prefixed("serverless-a-prod"), prefixed("p" * 37), prefixed("p" * 32, "")],
    fails=[
        *(prefixed("p" * 38), prefixed("p" * 33, "ap-southeast-1"), prefixed("p" * 38, "")),
        reports("3 more than the 37", prefixed("p" * 40)),
        prefixed("serverless-a-prod", namespace=None),
        *(resource("S3::Bucket", BucketName="serverless-a-prod", BucketNamespace=it) for it in (None, "account-regional")),
    ],
    unresolved=[*(prefixed("p" * 33, ""), prefixed({"Ref": "P"}), prefixed("serverless-a-prod", namespace={"Ref": "N"}))],
    ignored=[queue("serverless-a-prod")],
)


def test_same_resource_has_the_same_name_in_both_regions() -> None:
    east, west = good(), good()
    assert set(verdicts("Naming-Regions", template(east), template(west, "us-west-2")).values()) == {PASS}

    west["Queue"]["Properties"]["QueueName"] = "serverless-inbox-prod"
    rows = ask("Naming-Regions", template(east), template(west, "us-west-2"))

    failed = [(row.region, row.logical_id) for row in rows if row.verdict is FAIL]
    assert failed == [("us-east-1", "Queue"), ("us-west-2", "Queue")]


def test_names_of_other_stacks_or_unknown_stacks_are_not_compared() -> None:
    east, west = good(), good()
    west["Queue"]["Properties"]["QueueName"] = "serverless-inbox-prod"

    assert not verdicts("Naming-Regions", template(east), template(west, "us-west-2", "serverless-data-prod"))
    assert not verdicts("Naming-Regions", template(east, stack_name=""), template(west, "us-west-2", ""))


def test_name_that_cannot_be_compared_is_not_evaluated() -> None:
    east, west = good(), good()
    west["Queue"]["Properties"]["QueueName"] = {"Ref": "Name"}

    rows = ask("Naming-Regions", template(east), template(west, "us-west-2"))

    assert [row.verdict for row in rows if row.logical_id == "Queue"] == [NOT_EVALUATED, NOT_EVALUATED]


@pytest.mark.parametrize(
    ("stack_name", "expected"),
    [("serverless-data-prod", [PASS]), ("data", [FAIL]), ("serverless-data-dev", [FAIL]), ("", [])],
)
def test_stack_is_named_as_resources_are(stack_name: str, expected: list[Verdict]) -> None:
    rows = ask("Naming-Stack", template(good(), stack_name=stack_name))

    assert [row.verdict for row in rows] == expected


def declaring(prefix: Value, stack_name: str, **declared: Value) -> Template:
    """Return a template with a queue that declares a prefix, and perhaps more."""
    made = template({"It": queue("acme-ingest-prod")}, stack_name=stack_name)
    return replace(made, body={**made.body, "Metadata": {"Lockstep": {"Prefix": prefix, **declared}}})


@pytest.mark.parametrize(
    ("prefix", "others", "expected"),
    [
        ("acme", "acme", {PASS}),
        ("serverless", "serverless", {FAIL}),
        ("acme", "evil", {FAIL}),
        ("acme", None, {FAIL}),
        ({"Ref": "Prefix"}, "acme", {FAIL}),
        (".*", ".*", {FAIL}),
    ],
)
def test_prefix_counts_where_all_templates_declare_it(prefix: Value, others: Value, expected: set[Verdict]) -> None:
    other = declaring(others, "acme-data-prod") if others else template({}, stack_name="acme-data-prod")
    given = [declaring(prefix, "acme-regional-prod"), other]
    for rule in ("Naming-Pattern", "Naming-Stack"):
        assert {row.verdict for row in ask(rule, *given)} == expected, rule


@pytest.mark.parametrize(("declared", "is_kept"), [(True, True), ("no", True), (False, False)])
def test_protected_environment_is_judged_as_prod(declared: Value, is_kept: bool) -> None:  # noqa: FBT001 - pytest's
    rows = ask(
        "ActivePassive-CrossRegionRetention", declaring("acme", "acme-data-dev", Protected=declared), environment="dev"
    )
    assert [row.verdict for row in rows] == ([FAIL] if is_kept else [])
