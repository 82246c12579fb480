"""The rules about tags, in all three shapes that tags have."""

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import TAG_LIST, TAGS, good, template, verdicts
from unit_tests.compliance.rules.corruptions import ABSENT, Resource, Value, each, lacking, resource
from unit_tests.compliance.rules.verdicts import reports, rule_test

TABLE, OTHERS = good()["Table"], [tag for tag in TAG_LIST if tag["Key"] != "Environment"]
(BARE,) = (lacking(it, "Replicas.1.Tags")[0] for it in lacking(TABLE, "Replicas.0.Tags"))


def queue(tags: Value) -> Resource:
    return {"Type": "AWS::SQS::Queue", "Properties": {"Tags": tags}}


def project(value: Value) -> list[Value]:
    return [*TAG_LIST[1:], {"Key": "Project", "Value": value}]


def environment(value: Value) -> Resource:
    return queue([*OTHERS, {"Key": "Environment", "Value": value}])


def without(key: str) -> list[Resource]:
    """Return a resource of each shape that lacks a tag."""
    kept = [tag for tag in TAG_LIST if tag["Key"] != key]
    as_map = {name: value for name, value in TAGS.items() if name != key}
    return [
        queue(kept),
        *each(good()["Parameter"], "Tags", as_map),
        *each(good()["HealthCheck"], "HealthCheckTags", kept),
        *each(TABLE, "Replicas.1.Tags", kept),
        *each(TABLE, "Replicas.0.Tags", kept),
    ]


def test_good_tags_pass_in_every_shape() -> None:
    tagged = {name: Verdict.PASS for name in good() if name != "Alias"}
    assert verdicts("Tagging-Required", template(good())) == verdicts("Tagging-Environment", template(good())) == tagged


test_required = rule_test(
    "Tagging-Required",
    region="us-east-1",
    fails=[
        *(reports(f"lacks: {key}", it) for key in TAGS for it in without(key)),
        *(reports("Replicas[1].Tags (us-west-2)", without(key)[3]) for key in TAGS),
        *each(BARE, "Tags", TAG_LIST),  # the table's own do not count
        *map(queue, (None, [], ABSENT)),
        *(reports("has no value for: Project", queue(project(value))) for value in ("", "  ", ABSENT, None)),
        reports("has twice: Project", queue([*TAG_LIST, TAG_LIST[0]])),
    ],
    unresolved=[
        *map(queue, ({"Fn::If": ["C", TAG_LIST, []]}, [{"Fn::If": ["C", TAG_LIST[0], ABSENT]}])),
        *map(queue, ("Project=lockstep", project({"Ref": "P"}))),
        *each(TABLE, "Replicas", None, [], {"Ref": "R"}, ["us-east-1"], [{"Fn::If": ["C", {}, {}]}]),
    ],
    ignored=[
        *map(resource, ("KMS::Alias", "SQS::QueuePolicy", "CloudFormation::CustomResource")),
        {"Type": "Custom::Thing", "Properties": {}},
    ],
)

test_environment = rule_test(
    "Tagging-Environment",
    region="us-east-1",
    fails=[reports("'dev'; it must be 'prod'", environment("dev"))],
    unresolved=[queue([{"Key": "Environment", "Value": {"Ref": "E"}}])],
    ignored=[queue(OTHERS)],
)
