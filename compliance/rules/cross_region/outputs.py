"""A regional stack reads no export or output of another region's stack."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.twins import stands_in_several
from compliance.cfn.references import is_known, outputs, render, values_in
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_READERS: Final = ("Custom::CrossRegionExportReader", "Custom::CrossRegionExportWriter")
"""Types that the CDK creates for a reference across regions."""


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    if resource.type in _READERS:
        yield f"{resource.type} carries values from region to region; name what is needed instead"
    unknown: dict[str, None] = {}
    for value in values_in(resource.properties):
        match value:
            case {"Fn::GetStackOutput": argument}:
                yield from _of_output(argument, resource.template, unknown)
            case {"Fn::ImportValue": name}:
                yield from _of_import(render(name, resource.template), resource.template, world, unknown)
    if unknown:
        raise UnresolvedError("; ".join(unknown))


def _of_output(argument: Json, template: Template, unknown: dict[str, None]) -> Iterator[str]:
    region = argument.get("Region") if isinstance(argument, Mapping) else argument
    if is_absent(region):
        return
    text = render(region, template)
    if not is_known(text):
        unknown[f"Fn::GetStackOutput reads a region that only a deployment knows, {describe(region)}"] = None
    elif text != template.region:
        yield f"Fn::GetStackOutput reads an output of {text}, so the stack cannot be deployed while that region is lost"


def _of_import(name: str, template: Template, world: TemplateSet, unknown: dict[str, None]) -> Iterator[str]:
    exporters = {other.region for other in world.templates if _exports(other, name)}
    if template.region in exporters:
        return
    if exporters:
        yield f"Fn::ImportValue {name} is exported in {', '.join(sorted(exporters))} and not in {template.region}"
    else:
        unknown[f"Fn::ImportValue {name} is exported by none of the templates"] = None


def _exports(template: Template, name: str) -> bool:
    for _, output in outputs(template):
        export = output.get("Export")
        if isinstance(export, Mapping) and render(export.get("Name", ""), template) == name:
            return True
    return False


RULE = Rule(
    title="A stack that is deployed to several regions reads exports and outputs of its own region only",
    why=(
        "CloudFormation reads the other stack at each deployment. A secondary that takes a value from the primary's stack "
        "can be neither deployed nor rolled back while the primary's region is down."
    ),
    fix="Refer to the resource by its deterministic name, or by an export of the keys stack of the same region.",
    judge=rule_from(_violations, "*", applies=stands_in_several),
    is_local=True,
    controls=nist("CP-2(5)", "CP-7", "CP-10") + hipaa("164.308(a)(7)(i)"),
)
