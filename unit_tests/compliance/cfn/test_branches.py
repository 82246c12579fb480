"""The packs judge every branch of every Fn::If, and a rule must hold in each."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.cfn import branches as module
from compliance.cfn.branches import BranchesError, branches
from compliance.cfn.loading import LoadError
from compliance.cfn.templates import Template
from compliance.engine.acknowledgements import Registry
from compliance.engine.branch_verdicts import worst
from compliance.engine.findings import Place, RuleInfo, Verdict
from compliance.engine.judge import FindingsBuilder
from compliance.engine.matrix import Configuration
from compliance.gate import judge_app, judge_templates
from unit_tests.compliance.test_admit import TODAY

pytestmark = pytest.mark.property

_IDS = iter(range(10**9))


@st.composite
def _leaf(draw: st.DrawFn) -> str:
    """Return a unique text, which identifies a branch."""
    draw(st.none())
    return f"leaf-{next(_IDS)}"


_CONDITIONS = st.sampled_from(["A", "B", "C"])
_VALUES = st.recursive(
    _leaf() | st.just({"Ref": "AWS::NoValue"}),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["x", "y"]), inner, max_size=2)
        | st.builds(lambda condition, then, otherwise: {"Fn::If": [condition, then, otherwise]}, _CONDITIONS, inner, inner)
    ),
    max_leaves=8,
)


def _leaves(value: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(value, str) and value.startswith("leaf-"):
        yield value
    elif isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _leaves(child)


def _reachable(value: Any, given: dict[str, bool]) -> Iterator[str]:  # noqa: ANN401
    """The leaves that some outcome of the conditions deploys."""
    if isinstance(value, dict) and set(value) == {"Fn::If"}:
        condition, then, otherwise = value["Fn::If"]
        for outcome, child in ((True, then), (False, otherwise)):
            if given.get(condition, outcome) is outcome:
                yield from _reachable(child, {**given, condition: outcome})
    elif isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _reachable(child, given)
    else:
        yield from _leaves(value)


@given(properties=_VALUES)
def test_branches_cover_every_deployment_without_conditions(properties: Any) -> None:  # noqa: ANN401
    found = branches(Template(name="t", body={"Resources": {"R": {"Type": "T", "Properties": {"p": properties}}}}))

    shown = [branch.body["Resources"] for branch in found]
    assert {leaf for body in shown for leaf in _leaves(body)} == set(_reachable(properties, {}))
    assert "Fn::If" not in repr(shown)
    assert len({tuple(sorted(branch.choice.items())) for branch in found}) == len(found)


def test_template_without_conditions_has_one_branch() -> None:
    body = {"Resources": {"R": {"Type": "T", "Properties": {"p": [1, {"Ref": "Q"}]}}}, "Outputs": {}}

    (branch,) = branches(Template(name="t", body=body))

    assert branch.body == body


def test_too_many_branches_are_refused() -> None:
    chain: Any = "x"
    for number in range(module.MAXIMUM + 1):
        chain = {"Fn::If": [f"C{number}", "y", chain]}

    with pytest.raises(BranchesError, match=str(module.MAXIMUM)):
        branches(Template(name="t", body={"Resources": {"R": {"Properties": chain}}}))
    template = Template(name="t", body={"Resources": {"R": {"Type": "AWS::SQS::Queue", "Properties": {"p": chain}}}})
    with pytest.raises(LoadError, match="cannot be judged in full"):
        judge_templates([template], "prod", TODAY, print)


SOMETIMES = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
NO_VALUE = {"Ref": "AWS::NoValue"}
KEY = "arn:aws:kms:us-east-1:000000000000:key/0"


@pytest.mark.parametrize(
    ("kind", "name", "value", "rule"),
    [
        ("AWS::S3::Bucket", "VersioningConfiguration", {"Status": "Enabled"}, "PCI.DSS.321-S3BucketVersioningEnabled"),
        ("AWS::Logs::LogGroup", "KmsKeyId", KEY, "NIST.800.53.R5-CloudWatchLogGroupEncrypted"),
        ("AWS::Logs::LogGroup", "RetentionInDays", 30, "HIPAA.Security-CloudWatchLogGroupRetentionPeriod"),
        (
            "AWS::SQS::Queue",
            "RedrivePolicy",
            {"deadLetterTargetArn": KEY, "maxReceiveCount": 5},
            "Serverless-SQSRedrivePolicy",
        ),
    ],
)
def test_packs_fail_a_property_that_is_set_in_one_branch_only(
    kind: str,
    name: str,
    value: Any,  # noqa: ANN401
    rule: str,
) -> None:
    """The same for AWS::NoValue without any condition, and for the branch being the other one."""
    verdicts = []
    for given_ in (value, {"Fn::If": ["C", value, NO_VALUE]}, {"Fn::If": ["C", NO_VALUE, value]}, NO_VALUE):
        body = {
            "Parameters": {"Stage": {"Type": "String", "Default": "prod"}},
            "Conditions": {"C": SOMETIMES},
            "Resources": {"It": {"Type": kind, "Properties": {name: given_}}},
        }
        ledger = judge_templates([Template(name="t", body=body, region="us-east-1")], "prod", TODAY, print)
        (row,) = (row for row in ledger.findings if row.rule.endswith(f"::{rule}"))
        verdicts.append(row.verdict)

    assert verdicts == [Verdict.PASS, Verdict.FAIL, Verdict.FAIL, Verdict.FAIL]


def test_packs_are_not_asked_about_a_resource_that_is_never_deployed() -> None:
    only_in_the_east = {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}
    resources = {"Here": {"Type": "AWS::SNS::Topic"}, "There": {"Type": "AWS::SNS::Topic", "Condition": "East"}}
    body = {"Conditions": {"East": only_in_the_east}, "Resources": resources}
    ledger = judge_templates([Template(name="t", body=body, region="us-west-2")], "prod", TODAY, print)

    assert "Here" in {row.logical_id for row in ledger.findings if row.rule.startswith("AwsSolutions::")}
    assert not [row for row in ledger.findings if row.rule.endswith("::Ran")]


def test_packs_fail_a_condition_of_the_app_in_one_branch() -> None:
    """Among its constructs the property looks set; what it synthesizes tells."""
    name = "unit_tests.compliance.sample:build_app_with_condition"

    ledger = judge_app(name, [Configuration.of("prod")], Registry(), TODAY, print)

    rows = [row for row in ledger.findings if row.rule == "Serverless::Serverless-SQSRedrivePolicy"]
    assert {(row.path, row.verdict) for row in rows if row.path == "Primary/Sometimes"} == {
        ("Primary/Sometimes", Verdict.FAIL)
    }
    assert len([row for row in rows if row.path == "Primary/Queue/Resource"]) == 1


def test_worst_of_a_rule_s_answers_about_a_place_is_kept() -> None:
    place, other = Place(stack="S", path="S/A", logical_id="A"), Place(stack="S", path="S/B", logical_id="B")
    found = FindingsBuilder()
    for rule, verdict, where in (
        ("P::One", Verdict.PASS, place),
        ("P::One[x]", Verdict.FAIL, place),
        ("P::One[x]", Verdict.FAIL, place),
        ("P::One", Verdict.PASS, other),
        ("P::Two", Verdict.NOT_APPLICABLE, place),
        ("P::Two", Verdict.PASS, place),
        ("P::Three", Verdict.NOT_APPLICABLE, place),
        ("P::Three", Verdict.NOT_APPLICABLE, place),
    ):
        found.add(RuleInfo(id=rule, title="t", why="w", fix="f"), verdict, where, "bad" if verdict is Verdict.FAIL else "")

    merged = worst(found)

    assert {(row.rule, row.path): row.verdict for row in merged.rows} == {
        ("P::One[x]", "S/A"): Verdict.FAIL,
        ("P::One", "S/B"): Verdict.PASS,
        ("P::Two", "S/A"): Verdict.PASS,
    }
    assert len(merged.rows) == 3
    assert merged.silent == {"P::Two": [], "P::Three": [place]}
    assert merged.rows[0].message == "bad; the rule holds in one branch of an Fn::If only"


def test_path_of_two_regions_or_resources_keeps_a_row_for_each() -> None:
    found = FindingsBuilder()
    rule = RuleInfo(id="P::One", title="t", why="w", fix="f")
    places = [
        Place(stack="S", path="S/A", logical_id=logical_id, region=region)
        for region in ("us-east-1", "us-west-2")
        for logical_id in ("A", "B")
    ]
    for place in places:
        found.add(rule, Verdict.FAIL, place, "bad")
        found.add(RuleInfo(id="P::Two", title="t", why="w", fix="f"), Verdict.NOT_APPLICABLE, place)

    merged = worst(found)

    assert [(row.region, row.logical_id) for row in merged.rows] == [(place.region, place.logical_id) for place in places]
    assert merged.silent == {"P::Two": places}
