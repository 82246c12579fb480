"""ActivePassive-CrossRegionSymmetry: over small worlds, and over our own app with one side damaged at random."""

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from compliance.cfn.symmetry import COMPARED, counterpart, differences, path_of
from compliance.cfn.templates import STACK, Resource, Template, TemplateSet
from compliance.engine.findings import Verdict
from compliance.rules.cross_region.symmetry import DECLARED, ONE_SIDE, judge
from infra.settings import Settings
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.builders import alone, function, pair, pipeline, regional_bucket, replicating, rotation
from unit_tests.compliance.rules.corruptions import changed, without
from unit_tests.compliance.rules.verdicts import FAIL, PASS, message_in, says
from unit_tests.fixtures.examples import examples
from unit_tests.infra.synthesis import DOMAIN, synthesized

ID: Final = "ActivePassive-CrossRegionSymmetry"
REGIONAL: Final = ("PrimaryRegional", "SecondaryRegional")


def _verdicts(*templates: Template) -> set[tuple[str, Verdict]]:
    return {(row.logical_id, row.verdict) for row in ask(ID, *templates)}


def test_same_in_both_regions_passes() -> None:
    both = (template(pipeline(), "us-east-1"), template(pipeline(), "us-west-2"))
    assert _verdicts(*both) == {(name, PASS) for name in (*pipeline(), "")}


def test_stack_of_one_region_is_not_judged() -> None:
    assert says(ID, function()) is None
    assert not ask(ID, alone({"It": function()}), alone({"It": function()}))


@pytest.mark.parametrize("name", ["MemorySize", "Timeout", "Handler", "Role"])
def test_property_that_differs_fails_on_both_sides(name: str) -> None:
    for other in (changed(function(), name, to="other"), without(function(), name)):
        rows = [row for row in ask(ID, *pair(function(), other)) if row.logical_id == "It"]
        assert [row.verdict for row in rows] == [FAIL, FAIL]
        assert all(f"Properties.{name} is" in row.message for row in rows)


def test_resource_of_one_side_only_fails_there() -> None:
    whole, part = pipeline(), pipeline()
    del part["Alarm"]
    templates = (template(whole, "us-east-1"), template(part, "us-west-2"))

    assert ("Alarm", FAIL) in _verdicts(*templates)
    assert message_in(ID, "Alarm", *templates) == "us-west-2 has no counterpart of it (us-west-2)"


def test_policy_on_deletion_counts() -> None:
    assert ("It", FAIL) in _verdicts(*pair(function(), {**function(), "DeletionPolicy": "Retain"}))


def test_template_level_difference_counts() -> None:
    east, west = pair(function(), function())
    outputs = {"Outputs": {"QueueUrl": {"Value": "q"}}}
    assert ("", FAIL) in _verdicts(replace(east, body={**east.body, **outputs}), west)
    exported = {"Outputs": {"ExportsOutputRefTrail": {"Value": "q"}}}
    assert ("", PASS) in _verdicts(replace(east, body={**east.body, **exported}), west)


def test_region_named_by_both_sides_is_an_undeclared_difference() -> None:
    def calling(variable: str) -> dict[str, Any]:
        return changed(function(), "Environment", to={"Variables": {variable: "us-east-1"}})

    assert ("It", FAIL) in _verdicts(*pair(calling("ENDPOINT_REGION"), calling("ENDPOINT_REGION")))
    assert ("It", PASS) in _verdicts(*pair(calling("PRIMARY_REGION"), calling("PRIMARY_REGION")))


def test_declared_differences_pass_and_reach_no_further() -> None:
    assert ("It", PASS) in _verdicts(*pair(replicating(), regional_bucket()))
    unversioned = without(regional_bucket(), "VersioningConfiguration")
    assert ("It", FAIL) in _verdicts(*pair(replicating(), unversioned))
    one_sided = (template({"Schedule": rotation(), "F": function()}, "us-east-1"), template({"F": function()}, "us-west-2"))
    assert ("Schedule", PASS) in _verdicts(*one_sided)


def test_every_declared_difference_has_a_reason() -> None:
    assert all(len(each.reason.split()) > 3 for each in DECLARED)


@pytest.fixture(scope="module")
def app() -> TemplateSet:
    """Prod with a domain, which has every stack's every resource."""
    return TemplateSet(templates=synthesized(Settings(domain=DOMAIN, auto_promote=True)).loaded, environment="prod")


def test_regions_of_our_app_are_the_same(app: TemplateSet) -> None:
    found = [(row.path, row.message) for row in ask(ID, *app.templates) if row.verdict is not PASS]
    assert found == []
    assert len([row for row in ask(ID, *app.templates) if row.verdict is PASS]) > 200


def test_each_declared_difference_is_there(app: TemplateSet) -> None:
    seen: set[int] = set()
    for one in app.templates:
        for other in app.templates:
            if one.stack_name == other.stack_name and one is not other:
                seen |= {index for resource in (one.as_resource, *one.resources) for index in _declared(resource, other)}
    assert [each for index, each in enumerate(DECLARED) if index not in seen] == []


def _declared(resource: Resource, twin: Template) -> Iterator[int]:
    """Yield the declared differences that are really between a resource and its counterpart."""
    other = counterpart(resource, twin)
    places = [ONE_SIDE] if other is None else [difference.place for difference in differences(resource, other)]
    for index, each in enumerate(DECLARED):
        mine = fnmatchcase(resource.type, each.type) and fnmatchcase(path_of(resource), each.path)
        if mine and any(fnmatchcase(place, each.place) for place in places):
            yield index


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _leaves(below, (*path, index))
    else:
        yield path


def _exempt(resource: Resource, place: str) -> bool:
    return any(
        fnmatchcase(resource.type, each.type)
        and fnmatchcase(path_of(resource), each.path)
        and (each.place == ONE_SIDE or f"{place}.".startswith(f"{each.place}.") or fnmatchcase(place, each.place))
        for each in DECLARED
    )


@pytest.mark.property
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(300))
@given(data=st.data())
def test_any_damage_to_one_side_of_our_app_fails_there(app: TemplateSet, data: st.DataObject) -> None:
    side = data.draw(st.sampled_from(REGIONAL), label="side")
    intact = next(one for one in app.templates if one.name == side)
    resource = data.draw(st.sampled_from(intact.resources), label="resource")
    body = {part: value for part, value in intact.body["Resources"][resource.logical_id].items() if part in COMPARED}
    path = data.draw(st.sampled_from(sorted(_leaves(body), key=str) or [("Condition",)]), label="place")
    assume(not _exempt(resource, ".".join(map(str, path))))

    damaged = json.loads(json.dumps(body))
    _damage(damaged, path, data.draw(st.sampled_from(["change", "drop", "cross"]), label="how"), app)
    assume(damaged != body)
    resources = {**intact.body["Resources"], resource.logical_id: {"Type": resource.type, **damaged}}
    hurt = replace(intact, body={**intact.body, "Resources": resources})
    world = replace(app, templates=tuple(hurt if one is intact else one for one in app.templates))

    judged = next(one for one in hurt.resources if one.logical_id == resource.logical_id)
    assert judge(judged, world).verdict is FAIL


def _damage(body: Any, path: tuple[str | int, ...], how: str, app: TemplateSet) -> None:  # noqa: ANN401 - any JSON
    place: Any = body
    for step in path[:-1]:
        place = place[step]
    last: Any = path[-1]
    value = place[last] if isinstance(place, list) else place.get(last)
    if how == "drop":
        place.pop(last, None) if isinstance(place, dict) else place.pop(last)
    elif how == "cross" and isinstance(value, str):
        one, other = sorted({each.region for each in app.templates})
        place[last] = value.replace(one, "?").replace(other, one).replace("?", other)
    else:
        place[last] = f"{value}x" if not isinstance(value, bool) else not value


@pytest.mark.property
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60))
@given(data=st.data())
def test_any_resource_that_one_side_of_our_app_loses_fails_on_the_other(app: TemplateSet, data: st.DataObject) -> None:
    side = data.draw(st.sampled_from(REGIONAL), label="side")
    intact = next(one for one in app.templates if one.name == side)
    twin = next(one for one in app.templates if one.stack_name == intact.stack_name and one is not intact)
    lost = data.draw(st.sampled_from([one for one in intact.resources if counterpart(one, twin)]), label="lost")
    resources = copy.copy(intact.body["Resources"])
    del resources[lost.logical_id]
    world = replace(
        app,
        templates=tuple(
            replace(one, body={**one.body, "Resources": resources}) if one is intact else one for one in app.templates
        ),
    )

    left = counterpart(lost, twin)

    assert left is not None
    assert left.type != STACK
    verdict = judge(left, world).verdict
    one_sided = any(
        each.place == ONE_SIDE and fnmatchcase(left.type, each.type) and fnmatchcase(path_of(left), each.path)
        for each in DECLARED
    )
    assert verdict is (PASS if one_sided else FAIL)
