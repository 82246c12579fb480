"""Properties of our rules over any template."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.aws.names import ALIAS_PREFIX, NAME_PROPERTIES, pattern
from compliance.cfn.templates import Template, TemplateSet
from compliance.engine.findings import Verdict
from compliance.engine.judge import judge
from compliance.rules import our_rules
from unit_tests.compliance.fixtures import GOOD, good, template, verdicts

pytestmark = pytest.mark.property

_KEYS = st.sampled_from(
    [
        *("Tags", "Replicas", "Key", "Value", "Ref", "Fn::If", "Fn::Sub", "Fn::Join", "HealthCheckTags", "Region"),
        *sorted({name for names in NAME_PROPERTIES.values() for name in names}),
    ]
) | st.text(max_size=5)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)
_TYPES = st.sampled_from([*sorted(NAME_PROPERTIES), "AWS::SSM::Parameter", "AWS::Route53::HealthCheck", "Custom::X", ""])
_RESOURCE = st.fixed_dictionaries({"Type": _TYPES | _JSON}, optional={"Properties": _JSON})
_RESOURCES = st.dictionaries(st.text(max_size=5), _RESOURCE | _JSON, max_size=3)
_NAMES = st.text(max_size=40) | st.from_regex(r"serverless-[a-z-]{0,9}", fullmatch=True)
_NAMED = [name for name in GOOD if GOOD[name]["Type"] in NAME_PROPERTIES]


@given(resources=_RESOURCES | _JSON, other=_RESOURCES)
def test_every_rule_answers_about_every_resource_of_any_template(
    resources: object,
    other: object,
) -> None:
    templates = (template(resources), template(other, "us-west-2"))
    before = copy.deepcopy([one.body for one in templates])
    world = TemplateSet(templates=templates, environment="prod", taggable=frozenset(NAME_PROPERTIES))

    found = judge(world, our_rules())

    asked = sum(1 + len(one.resources) for one in templates) * len(our_rules())
    assert len(found.rows) + sum(map(len, found.silent.values())) == asked
    assert all(row.message for row in found.rows if row.verdict is not Verdict.PASS)
    assert [one.body for one in templates] == before


@given(body=_JSON)
def test_template_of_any_json_is_judged(body: Any) -> None:  # noqa: ANN401
    world = TemplateSet(templates=(Template(name="t", body=body),), environment="prod")

    assert judge(world, our_rules()).silent


@given(where=st.sampled_from(_NAMED), name=_NAMES)
def test_foreign_name_fails(where: str, name: str) -> None:
    resources = good()
    prefix = ALIAS_PREFIX if where == "Alias" else ""
    resources[where]["Properties"][_name_property(where)] = prefix + name

    bare = name.removesuffix(".fifo") if GOOD[where]["Type"] == "AWS::SQS::Queue" else name
    expected = Verdict.PASS if pattern(TemplateSet(templates=(), environment="prod")).fullmatch(bare) else Verdict.FAIL
    assert verdicts("Naming-Pattern", template(resources))[where] is expected


@given(where=st.sampled_from(_NAMED), word=st.from_regex(r"[a-z]{3,9}", fullmatch=True), region=st.integers(0, 1))
def test_rename_in_one_region_fails_even_if_well_formed(where: str, word: str, region: int) -> None:
    both = [good(), good()]
    name = both[region][where]["Properties"][_name_property(where)]
    both[region][where]["Properties"][_name_property(where)] = name.replace("serverless-", f"serverless-{word}-")

    answers = verdicts("Naming-Regions", template(both[0]), template(both[1], "us-west-2"))

    assert [logical_id for logical_id, verdict in answers.items() if verdict is Verdict.FAIL] == [where]


def _name_property(where: str) -> str:
    return NAME_PROPERTIES[GOOD[where]["Type"]][0]
