"""Synthesize the whole app without the CDK CLI, and read the templates as plain data."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aws_cdk import App

from compliance.cfn import templates as judged
from compliance.cfn.loading import load_assembly
from compliance.engine.findings import Verdict
from compliance.engine.judge import judge
from compliance.rules import our_rules
from infra.app import build_app
from infra.settings import DomainSettings, Settings

Template = dict[str, Any]
"""A CloudFormation template, as parsed from JSON."""
Resource = dict[str, Any]
"""A resource of a template: `Type`, `Properties` and the like."""

STACKS = ("PrimaryKeys", "SecondaryKeys", "Data", "SecondaryRegional", "PrimaryRegional", "Failover")
"""The construct ids of the stacks."""
KEYS = STACKS[:2]
REGIONAL = ("PrimaryRegional", "SecondaryRegional")
DOMAIN = DomainSettings(name="ingest.example.com", hosted_zone_id="Z0123456789ABCDEFGHIJ")
VPCS = {"us-east-1": ("vpc-0000000e",), "us-west-2": ("vpc-0000000a",)}
"""Values of `domain` and of `client_vpcs`; each brings failover records."""


@dataclass(frozen=True)
class Stack:
    """A stack of the cloud assembly's manifest."""

    name: str
    region: str
    account: str
    protected: bool
    after: frozenset[str]


@dataclass(frozen=True)
class Synthesis:
    """All stacks of one environment."""

    settings: Settings
    templates: Mapping[str, Template]
    stacks: Mapping[str, Stack]
    loaded: tuple[judged.Template, ...]

    def violations(self, *rules: str) -> list[str]:
        """Return the violations that these rules of the gate find in the templates."""
        templates = tuple(replace(each, body=self.templates[each.name]) for each in self.loaded)
        world = judged.TemplateSet(templates=templates, environment=self.settings.environment)
        rows = judge(world, [rule for rule in our_rules() if rule.id in rules]).rows
        return [f"{row.path}: {row.message}" for row in rows if row.verdict is not Verdict.PASS]


def synthesize(settings: Settings, change: Callable[[App], object] = lambda _: None) -> Synthesis:
    """Synthesize, after `change` has modified the app as an override in a fork does."""
    with TemporaryDirectory() as folder:
        asset = Path(folder) / "asset"
        (asset / "handlers").mkdir(parents=True)
        (asset / "handlers" / "__init__.py").touch()
        app = build_app(settings=settings, outdir=f"{folder}/cdk.out", asset=asset)
        change(app)
        return _read_assembly(settings, Path(app.synth().directory))


synthesized = cache(synthesize)
"""The synthesis of settings that several tests share; a test that changes a template takes a copy."""


def resources(made: Synthesis) -> Iterator[tuple[str, Resource]]:
    for stack, template in made.templates.items():
        for logical_id, resource in template["Resources"].items():
            yield f"{stack}.{logical_id}", resource


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of a template's resources of one type, by logical id."""
    return {
        logical_id: resource.get("Properties", {})
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def only(template: Template, kind: str) -> dict[str, Any]:
    """Return the properties of a template's one resource of a type."""
    found = of_type(template, kind)
    assert len(found) == 1, f"one {kind} was expected, not {len(found)}: {', '.join(found)}"
    (properties,) = found.values()
    return properties


def named(template: Template, kind: str, **properties: str) -> dict[str, Any]:
    """Return the properties of the one resource of a type that has these properties, as in `QueueName="..."`."""
    found = [each for each in of_type(template, kind).values() if properties.items() <= _hashable(each).items()]
    assert len(found) == 1, f"one {kind} with {properties} was expected, not {len(found)}"
    return found[0]


def everywhere(templates: Mapping[str, Template], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield place (`<stack>.<logical id>`) and properties of all resources of a type."""
    for stack, template in templates.items():
        for logical_id, properties in of_type(template, kind).items():
            yield f"{stack}.{logical_id}", properties


def leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield each scalar in nested JSON with the path to it; list indexes are written as text."""
    match value:
        case dict():
            for key, below in value.items():
                yield from leaves(below, (*path, key))
        case list():
            for index, below in enumerate(value):
                yield from leaves(below, (*path, str(index)))
        case _:
            yield path, value


def _hashable(properties: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in properties.items() if isinstance(value, str)}


def _read_assembly(settings: Settings, assembly: Path) -> Synthesis:
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    stacks = {name: each for name, each in artifacts.items() if each["type"] == "aws:cloudformation:stack"}
    return Synthesis(
        settings=settings,
        templates={
            name: json.loads((assembly / each["properties"]["templateFile"]).read_text()) for name, each in stacks.items()
        },
        stacks={name: _stack(each, set(stacks)) for name, each in stacks.items()},
        loaded=load_assembly(assembly).templates,
    )


def _stack(artifact: dict[str, Any], stacks: set[str]) -> Stack:
    account, region = artifact["environment"].removeprefix("aws://").split("/")
    return Stack(
        name=artifact["properties"]["stackName"],
        region=region,
        account=account,
        protected=artifact["properties"].get("terminationProtection", False),
        after=frozenset(stacks.intersection(artifact.get("dependencies", ()))),
    )
