"""Run AWS's CloudFormation validation: its errors fail, its warnings are advice, its schemas list the taggable types."""

import importlib
import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from cloudformation_validate import (  # type: ignore[import-untyped]
    CompositeEngine,
    CompositeEngineConfig,
    Diagnostic,
    PseudoParameterOverrides,
    ReportStatus,
    RuleOrigin,
    Severity,
    TemplateContent,
    ValidateConfig,
    ValidationError,
    file_to_external_rule_source,
)

from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.engine.findings import Advice, RuleInfo, Verdict
from compliance.engine.findings import Severity as GateSeverity
from compliance.engine.judge import FindingsBuilder, place_of
from compliance.engine.user_rules import RuleError, user_rules

PACK: Final = "CloudFormation"

_VALID: Final = RuleInfo(
    id=f"{PACK}::Valid",
    title="AWS's CloudFormation validation finds no error in the resource",
    why="Such an error makes a deployment fail half-way, in one region and perhaps not in the other.",
    fix="Read the row's message: it names the property and what AWS allows there.",
    covers=False,
)
_ERRORS: Final = {Severity.FATAL, Severity.ERROR}
_OF_USERS: Final = {RuleOrigin.CUSTOM, RuleOrigin.GUARD}
_TAGS_MISSING: Final = "I9040"
_UNEXPECTED: Final = "F3002"
"""A property that the type's schema does not have."""


def validate(world: TemplateSet) -> FindingsBuilder:
    """Validate every template: a row for each error, and a pass for each resource that has none."""
    findings = FindingsBuilder()
    for template in world.templates:
        _validate_one(template, world, findings)
    return findings


class IncompleteError(RuntimeError):
    """Raised when AWS's validation stops without an error, as it does for too many conditional statements."""


def warm_up() -> None:
    """Load the rules and schemas (0.3 s, once in a process)."""
    _engine()


def fatal_messages(template: Template) -> list[str]:
    """Return the errors for which AWS would refuse the template, each with its line."""
    return [
        f"line {diagnostic.start_line}: {diagnostic.message}"
        for diagnostic in _diagnose(template)
        if diagnostic.severity is Severity.FATAL
    ]


def taggable_types(templates: Iterable[Template]) -> frozenset[str]:
    """Return the resource types of the templates that have `Tags` in AWS's schemas."""
    return _taggable(frozenset(resource.type for template in templates for resource in template.resources))


@cache
def _taggable(types: frozenset[str]) -> frozenset[str]:
    # A resource without a single property gets this diagnostic exactly where its schema has Tags.
    probe = {"Resources": {f"R{index}": {"Type": name} for index, name in enumerate(sorted(types))}}
    report = _engine().validate_template(TemplateContent(json.dumps(probe), "probe"))
    return frozenset(
        diagnostic.entity.resource_type
        for diagnostic in report.diagnostics
        if diagnostic.rule_id == _TAGS_MISSING and diagnostic.entity and diagnostic.entity.resource_type
    )


def not_in_schema(kind: str, properties: Json) -> frozenset[str]:
    """Return the paths of what is no property of a resource type, with `[]` for each entry of a list."""
    probe = {"Resources": {"Probe": {"Type": kind, "Properties": properties}}}
    report = _engine().validate_template(TemplateContent(json.dumps(probe, default=str), "probe"))
    return frozenset(
        re.sub(r"\.\d+(?=\.|$)", "[]", diagnostic.property_path.removeprefix("Properties."))
        for diagnostic in report.diagnostics
        if diagnostic.rule_id == _UNEXPECTED and diagnostic.property_path
    )


def _validate_one(template: Template, world: TemplateSet, findings: FindingsBuilder) -> None:
    resources = {resource.logical_id: resource for resource in template.resources}
    failed = set()
    try:
        diagnostics = _diagnose(template)
    except IncompleteError as error:
        findings.add(_VALID, Verdict.NOT_EVALUATED, place_of(template.as_resource, world), str(error))
        return
    for diagnostic in diagnostics:
        resource = resources.get(_logical_id(diagnostic), template.as_resource)
        rule = _rule_of(diagnostic)
        message = f"{diagnostic.property_path}: {diagnostic.message}" if diagnostic.property_path else diagnostic.message
        if diagnostic.severity in _ERRORS:
            if diagnostic.source not in _OF_USERS:
                failed.add(resource.logical_id)
            place = place_of(resource, world)
            line = place.line if template.is_expanded else diagnostic.start_line or place.line
            findings.add(rule, Verdict.FAIL, replace(place, line=line), message)
        elif diagnostic.severity is Severity.WARN:
            findings.advice.append(
                Advice(rule=rule.id, configuration=world.name, stack=template.name, path=resource.path, message=message)
            )
    for resource in _without(failed, resources):
        findings.add(_VALID, Verdict.PASS, place_of(resource, world))


def _without(failed: set[str], resources: dict[str, Resource]) -> list[Resource]:
    """Return the resources that passed. An error of the template as a whole (no logical id) leaves none."""
    return [] if "" in failed else [found for logical_id, found in resources.items() if logical_id not in failed]


def _diagnose(template: Template) -> list[Diagnostic]:
    text = json.dumps(template.body) if template.is_expanded or not template.text else template.text
    return _diagnose_text(text, template.name, template.region, template.stack_name)


# The plugin of a synthesis and the gate after it ask about the same templates.
@lru_cache(maxsize=16)
def _diagnose_text(text: str, name: str, region: str, stack_name: str) -> list[Diagnostic]:
    overrides = PseudoParameterOverrides(region=region or None, stack_name=stack_name or None)
    config = ValidateConfig(pseudo_parameter_overrides=overrides)
    report = _engine().validate_template(TemplateContent(text, name), config)
    unread = report.status is not ReportStatus.OK or report.metadata.budget_exhaustions
    if unread and not any(diagnostic.severity in _ERRORS for diagnostic in report.diagnostics):
        raise IncompleteError(f"AWS's validation did not read {name} to its end (status {report.status.name})")
    return list(report.diagnostics)


def _logical_id(diagnostic: Diagnostic) -> str:
    return (diagnostic.entity.logical_id or "") if diagnostic.entity else ""


def _rule_of(diagnostic: Diagnostic) -> RuleInfo:
    mine = user_rules()
    is_mine = mine is not None and diagnostic.source in _OF_USERS
    return RuleInfo(
        id=f"{mine.pack}::{mine.pack}-{diagnostic.rule_id}" if mine and is_mine else f"{PACK}::{diagnostic.rule_id}",
        title=diagnostic.rule_description or "AWS's CloudFormation validation finds an error",
        why=_VALID.why,
        fix=diagnostic.suggested_fix or _VALID.fix,
        severity=GateSeverity.ERROR if diagnostic.severity in _ERRORS else GateSeverity.WARNING,
        covers=False,
    )


@cache
def _engine() -> CompositeEngine:
    """Return AWS's engine with the user's rules in Guard, Rego and CEL.

    Raises:
        RuleError: One of their files cannot be read.
    """
    mine = user_rules()
    if mine is None:
        return CompositeEngine()
    kinds = {"guard_rules": ".guard", "rego_rules": ".rego", "cel_rules": ".json"}
    sources = {kind: [file_to_external_rule_source(file) for file in mine.files(suffix)] for kind, suffix in kinds.items()}
    try:
        return CompositeEngine(CompositeEngineConfig(**sources))
    except ValidationError as error:
        raise RuleError(f"{mine.folder}: {error}") from error


_RECORDER: Final = Path(__file__).parents[1] / "record_verdicts.cjs"
_OPTIONS: Final = "NODE_OPTIONS"


@cache
def start() -> bool:
    """Start Node.js once; return whether it records, which it does not if jsii or aws_cdk was imported before."""
    if "jsii" in sys.modules:
        return False
    theirs = os.environ.get(_OPTIONS)
    os.environ[_OPTIONS] = f'{theirs or ""} --require="{_RECORDER}"'.strip()
    # The gate validates natively; the CDK's own engine takes 4.7 s to start and reports the same.
    os.environ.setdefault("CDK_VALIDATION", "false")
    importlib.import_module("aws_cdk")  # the process starts when the first library is loaded into it
    # The option is for this Node.js only, not for the Node.js processes of others.
    if theirs is None:
        del os.environ[_OPTIONS]
    else:
        os.environ[_OPTIONS] = theirs
    return True
