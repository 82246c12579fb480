"""A rule made from violations: every version counts, and one that cannot be read is never a pass."""

from collections.abc import Iterator

import pytest

from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.engine.findings import Verdict
from compliance.engine.rule import rule_from
from unit_tests.compliance.fixtures import template

WORLD = TemplateSet(templates=(), environment="prod")


def _violations(resource: Resource, _world: TemplateSet) -> Iterator[str]:
    match resource.properties.get("Size"):
        case "unknown":
            raise UnresolvedError("who knows")
        case "small":
            yield "it is small"


def _sized(resource: Resource, _world: TemplateSet) -> bool:
    return "Size" in resource.properties


JUDGE = rule_from(_violations, "A::B::C", "Custom::*", applies=_sized)


def _judged(size: Json, resource_type: str = "A::B::C") -> tuple[Verdict, str]:
    (resource,) = template({"It": {"Type": resource_type, "Properties": {} if size is None else {"Size": size}}}).resources
    judgement = JUDGE(resource, WORLD)
    return judgement.verdict, judgement.message


def _either(one: Json, other: Json) -> Json:
    return {"Fn::If": ["C", one, other]}


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("large", (Verdict.PASS, "")),
        ("small", (Verdict.FAIL, "it is small")),
        ("unknown", (Verdict.NOT_EVALUATED, "who knows")),
        (_either("large", "small"), (Verdict.FAIL, "it is small")),
        (_either("unknown", "small"), (Verdict.FAIL, "it is small")),
        (_either("small", "unknown"), (Verdict.FAIL, "it is small")),
        (_either("large", "unknown"), (Verdict.NOT_EVALUATED, "who knows")),
        (_either({"Ref": "AWS::NoValue"}, "small"), (Verdict.FAIL, "it is small")),
        (_either({"Ref": "AWS::NoValue"}, "large"), (Verdict.PASS, "")),
        (None, (Verdict.NOT_APPLICABLE, "")),
        ({"Ref": "AWS::NoValue"}, (Verdict.NOT_APPLICABLE, "")),
    ],
)
def test_worst_version_of_a_resource_decides(size: Json, expected: tuple[Verdict, str]) -> None:
    assert _judged(size) == expected


def test_rule_is_asked_about_its_types_only() -> None:
    assert _judged("small", "A::B::D")[0] is Verdict.NOT_APPLICABLE
    assert _judged("small", "Custom::Thing")[0] is Verdict.FAIL


def test_conditions_of_properties_that_the_rule_does_not_read_do_not_count() -> None:
    tags = [{"Fn::If": [f"C{number}", "a", "b"]} for number in range(40)]

    def judged(size: Json) -> Verdict:
        properties = {"Size": size, "Tags": tags}
        (resource,) = template({"It": {"Type": "A::B::C", "Properties": properties}}).resources
        return JUDGE(resource, WORLD).verdict

    assert (judged("large"), judged(_either("large", "small"))) == (Verdict.PASS, Verdict.FAIL)
    with pytest.raises(UnresolvedError, match="40 conditions"):
        judged(tags)
