"""Compare deployed stacks with their templates, and build the templates of what is live."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from botocore.exceptions import ClientError

from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.engine.findings import RuleInfo, Verdict
from compliance.engine.judge import FindingsBuilder, place_of
from compliance.engine.matrix import Configuration
from compliance.live import attached, messaging, network, security, storage, watch  # noqa: F401 - they register readers
from compliance.live.compare import Difference, count, merged, short, unknown_places
from compliance.live.defaults import is_default
from compliance.live.deployed import Cloud, Deployed, Stack, deployed
from compliance.live.readers import UNREAD, UNREAD_TYPES, GoneError, UnreadError, read
from compliance.packs.native import not_in_schema

_AT_ONCE: Final = 8
"""Resources that are read at the same time."""
_SHOWN: Final = 12
"""Differences in one message."""


def _rule(name: str, title: str, why: str, fix: str) -> RuleInfo:
    return RuleInfo(id=f"Drift::Drift-{name}", title=title, why=why, fix=fix, covers=False)


PROPERTIES: Final = _rule(
    "Properties",
    "Each property of a deployed resource is as its template declares it",
    "A change by hand is in no review and no evidence, is in one region only, and is lost or kept by chance at the next "
    "deployment.",
    "Undo the change, or make it in infra/ and deploy.",
)
EXISTS: Final = _rule(
    "Exists",
    "Each resource of a deployed template exists",
    "CloudFormation does not notice that a resource was deleted, so the next deployment leaves it out or fails half-way.",
    "Create it again under the same name, or remove it from the template, deploy, and add it again.",
)
DECLARED: Final = _rule(
    "Declared",
    "What belongs to a deployed resource is in a template",
    "A permission, subscription, route or policy that was added by hand gives access that no review has seen.",
    "Delete it, or declare it in infra/ and deploy.",
)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The comparison of one resource with its template.

    Attributes:
        resource: The resource.
        live: Its properties as they are, with the template's references where nothing differs; None where it was not read.
        differences: What differs.
        unread: Why the resource was not read; empty where it was.
        gone: Whether it no longer exists.
        compared: Single values that were compared.
        unknown: Places of values that only the cloud knows, so that nothing was compared there.
        undeclared: Resources that belong to it and that no template has.
    """

    resource: Deployed
    live: Json = None
    differences: Sequence[Difference] = ()
    unread: str = ""
    gone: bool = False
    compared: int = 0
    unknown: tuple[str, ...] = ()
    undeclared: Sequence[attached.Undeclared] = ()


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The comparison of all stacks.

    Attributes:
        expected: The template of each stack, as the assembly names it.
        stacks: The stacks that exist, by name and region.
        comparisons: One for each resource whose type has something to read.
        missing: Why a stack was not read, by name and region.
    """

    expected: Sequence[Template]
    stacks: Mapping[tuple[str, str], Stack]
    comparisons: Sequence[Comparison]
    missing: Mapping[tuple[str, str], str]

    @property
    def compared(self) -> int:
        """Single values that were compared."""
        return sum(one.compared for one in self.comparisons)

    def templates(self) -> tuple[Template, ...]:
        """Return the templates of what is live: changed, without what is gone, with what no template declares."""
        return tuple(
            _as(template, self._live_body(self.stacks[template.stack_name, template.region]))
            for template in self.expected
            if (template.stack_name, template.region) in self.stacks
        )

    def rows(self, configuration: Configuration) -> FindingsBuilder:
        """Return a row for each resource: a pass, what differs, or why it was not read."""
        found = FindingsBuilder()
        bodies = [
            _as(each, stack.body) if (stack := self.stacks.get((each.stack_name, each.region))) else each
            for each in self.expected
        ]
        world = TemplateSet(templates=tuple(bodies), environment=configuration.environment, configuration=configuration.name)
        by_name = {(template.stack_name, template.region): template for template in world.templates}
        for key, why in self.missing.items():
            found.add(EXISTS, Verdict.NOT_EVALUATED, place_of(by_name[key].as_resource, world), why)
        for key, stack in self.stacks.items():
            for logical_id in stack.absent:
                place = place_of(by_name[key].by_logical_id[logical_id], world)
                found.add(EXISTS, Verdict.NOT_EVALUATED, place, "the stack has no resource of this logical id")
        for one in self.comparisons:
            template = by_name[one.resource.stack, one.resource.region]
            _add_rows(found, one, template.by_logical_id[one.resource.logical_id], world)
        return found

    def _live_body(self, stack: Stack) -> Json:
        body = _copy(stack.body)
        for one in self.comparisons:
            if (one.resource.stack, one.resource.region) != (stack.name, stack.region):
                continue
            if one.gone:
                del body["Resources"][one.resource.logical_id]
            elif one.differences:
                body["Resources"][one.resource.logical_id]["Properties"] = _copy(one.live)
            for number, (kind, properties) in enumerate(one.undeclared, start=1):
                body["Resources"][f"{one.resource.logical_id}Undeclared{number}"] = {
                    "Type": kind,
                    "Properties": _copy(properties),
                }
        return body


def _add_rows(found: FindingsBuilder, one: Comparison, resource: Resource, world: TemplateSet) -> None:
    place = place_of(resource, world)
    if one.unread:
        found.add(PROPERTIES, Verdict.NOT_EVALUATED, place, f"it was not read: {one.unread}")
        return
    if one.gone:
        found.add(EXISTS, Verdict.FAIL, place, f"{one.resource.physical_id} does not exist")
        return
    found.add(EXISTS, Verdict.PASS, place)
    if one.differences:
        shown = [str(each) for each in one.differences[:_SHOWN]]
        more = [f"and {len(one.differences) - _SHOWN} more"] if len(one.differences) > _SHOWN else []
        found.add(PROPERTIES, Verdict.FAIL, place, "; ".join([*shown, *more]))
    else:
        found.add(PROPERTIES, Verdict.PASS, place)
    for kind, properties in one.undeclared:
        found.add(DECLARED, Verdict.FAIL, place, f"the cloud has an {kind} that no template declares: {short(properties)}")
    if not one.undeclared:
        found.add(DECLARED, Verdict.PASS, place)


def read_stacks(cloud: Cloud, expected: Sequence[Template]) -> Drift:
    """Read every resource of the stacks and compare it with the template that is deployed.

    Raises:
        ClientError: CloudFormation refuses to answer.
    """
    stacks: dict[tuple[str, str], Stack] = {}
    missing: dict[tuple[str, str], str] = {}
    for template in expected:
        key = template.stack_name, template.region
        try:
            stack = deployed(cloud, *key)
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            missing[key] = f"stack {key[0]} does not exist in {key[1]}"
            continue
        if stack.status.endswith("_IN_PROGRESS"):
            missing[key] = f"stack {key[0]} is being changed ({stack.status}), so nothing in it was read; try again"
        else:
            stacks[key] = stack
    return Drift(expected=expected, stacks=stacks, comparisons=compare(list(stacks.values())), missing=missing)


def compare(stacks: Sequence[Stack]) -> list[Comparison]:
    """Read every resource of the stacks and compare it with its template."""
    resources = [one for stack in stacks for one in stack.resources if one.type not in UNREAD_TYPES]
    beside = attached.Beside(resources)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda one: _compare(one, beside), resources))


def _compare(resource: Deployed, beside: attached.Beside) -> Comparison:
    try:
        live = beside.without(resource, read(resource))
        undeclared = beside.undeclared(resource)
    except GoneError:
        return Comparison(resource=resource, gone=True)
    except (ClientError, UnreadError) as error:
        return Comparison(resource=resource, unread=str(error))
    except Exception as error:  # noqa: BLE001 - an answer of another form must not count as no drift
        return Comparison(resource=resource, unread=f"the answer cannot be read ({type(error).__name__}: {error})")
    declared = {name: value for name, value in resource.properties.items() if (resource.type, name) not in UNREAD}
    foreign = not_in_schema(resource.type, live)

    def expected(place: str, value: Json) -> bool:
        general = re.sub(r"\[\d*\]", "[]", place)
        is_unread = (resource.type, general.partition(".")[0]) in UNREAD
        return general in foreign or is_unread or is_default(resource, general, value)

    value, differences = merged({name: resource.raw[name] for name in declared}, declared, live, expected)
    return Comparison(
        resource=resource,
        live={**{name: resource.raw[name] for name in resource.raw if name not in declared}, **value},
        differences=differences,
        compared=count(declared),
        unknown=(*unknown_places(declared), *unknown_places(live)),
        undeclared=undeclared,
    )


def _as(template: Template, body: Json) -> Template:
    return replace(template, body=body, text=json.dumps(body, indent=1), file="")


def _copy(value: Json) -> Json:
    return json.loads(json.dumps(value, default=str))
