"""Resolve a value in a template: the text that it becomes, and the resource or output that it names."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from compliance.cfn.caching import cached
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError, describe

_HOPS: Final = 8
"""Longest chain of exports that import other exports; a longer chain is a circle."""

VARIABLE: Final = re.compile(r"\$\{(!?)([^}]*)\}")


class Located(NamedTuple):
    """A value and the template that its names belong to."""

    value: Json
    template: Template


def render(value: Json, template: Template) -> str:
    """Return the text of a value, with `${...}` for parts that are known only at deployment.

    A reference to a resource is `${LogicalId}`, to its attribute `${LogicalId.Attribute}`, to the account
    `${AWS::AccountId}`. The region and the partition are filled in where the template's region is known.

    Raises:
        UnresolvedError: The value is neither a text nor a function that returns one.
    """
    if isinstance(value, Mapping) and len(value) == 1:
        return _made(*next(iter(value.items())), template)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise UnresolvedError(f"the template does not say what {describe(value)} will be")


def _made(function: str, argument: Json, template: Template) -> str:
    match function, argument:
        case "Ref", str(name):
            return _pseudo(name, template)
        case "Fn::GetAtt", [str(name), str(attribute)]:
            return f"${{{name}.{attribute}}}"
        case "Fn::GetAtt", str(name):
            return f"${{{name}}}"
        case "Fn::Join", [str(separator), list(parts)]:
            return separator.join(render(part, template) for part in parts)
        case "Fn::Sub", str() | [str(), dict()]:
            text, variables = (argument, {}) if isinstance(argument, str) else argument
            return _substituted(text, variables, template)
    if str(function).startswith("Fn::"):
        return f"${{{function} {argument}}}"
    raise UnresolvedError(f"the template does not say what {describe({function: argument})} will be")


def is_known(text: str) -> bool:
    """Return whether a rendered text has no part that is known only at deployment."""
    return "${" not in text


def _substituted(text: str, variables: Mapping[str, Json], template: Template) -> str:
    def replace(found: re.Match[str]) -> str:
        literal, name = found.groups()
        if literal:
            return f"${{{name}}}"
        if name in variables:
            return render(variables[name], template)
        return _pseudo(name, template)

    return VARIABLE.sub(replace, text)


def _pseudo(name: str, template: Template) -> str:
    region = template.region
    if region and name == "AWS::Region":
        return region
    if region and name == "AWS::Partition":
        return partition(region)
    if region and name == "AWS::URLSuffix":
        return url_suffix(region)
    return f"${{{name}}}"


def partition(region: str) -> str:
    """Return the partition of a region, for example `aws`."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def url_suffix(region: str) -> str:
    """Return the domain of a region's services, for example `amazonaws.com`."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def follow(value: Json, template: Template, world: TemplateSet) -> Located:
    """Follow imports and outputs of other stacks to their value, as far as the templates have it."""
    located = Located(value, template)
    for _ in range(_HOPS):
        behind = _behind(located, world)
        if behind is None:
            return located
        located = behind
    raise UnresolvedError(f"{describe(value)} leads from export to export without end")


def _behind(located: Located, world: TemplateSet) -> Located | None:
    match located.value:
        case {"Fn::ImportValue": name}:
            return _exported(render(name, located.template), located.template.region, world)
        case {"Fn::GetStackOutput": {"StackName": stack, "OutputName": output, **rest}}:
            region = render(rest.get("Region", located.template.region), located.template)
            return _output(render(stack, located.template), region, render(output, located.template), world)
    return None


def _exported(name: str, region: str, world: TemplateSet) -> Located | None:
    return _exports(world).get((region, name))


@cached
def _exports(world: TemplateSet) -> Mapping[tuple[str, str], Located]:
    """Return the exports of all templates, by region and name; the first one counts if a name occurs twice."""
    found: dict[tuple[str, str], Located] = {}
    for template in world.templates:
        for _, output in outputs(template):
            export = output.get("Export")
            if isinstance(export, Mapping):
                name = render(export.get("Name", ""), template)
                found.setdefault((template.region, name), Located(output.get("Value"), template))
    return found


def _output(stack_name: str, region: str, name: str, world: TemplateSet) -> Located | None:
    for template in world.templates:
        if template.stack_name == stack_name and template.region == region:
            for output_name, output in outputs(template):
                if output_name == name:
                    return Located(output.get("Value"), template)
    return None


def outputs(template: Template) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Return the template's outputs by name, without malformed ones."""
    declared = template.body.get("Outputs") if isinstance(template.body, Mapping) else None
    if isinstance(declared, Mapping):
        yield from ((str(name), body) for name, body in declared.items() if isinstance(body, Mapping))


def named(value: Json, template: Template, world: TemplateSet) -> Resource | None:
    """Return the resource that a Ref, a GetAtt, an import or an output names; None if the templates have none."""
    value, template = follow(value, template, world)
    match value:
        case {"Ref": str(name)}:
            logical_id = name
        case {"Fn::GetAtt": [str(name), _]}:
            logical_id = name
        case {"Fn::GetAtt": str(name)}:
            logical_id = name.partition(".")[0]
        case {"Fn::Sub": str(text)} if found := VARIABLE.fullmatch(text):
            logical_id = found[2].partition(".")[0]
        case _:
            return None
    return resource_of(template, logical_id)


def resource_of(template: Template, logical_id: str) -> Resource | None:
    """Return the template's resource with a logical id."""
    return template.by_logical_id.get(logical_id)


def of_type(world: TemplateSet, *types: str, region: str | None = None) -> Iterator[Resource]:
    """Yield the resources of some types, of one region if given, without those whose properties are not a map."""
    for kind in types:
        for resource in world.by_type.get(kind, ()):
            if region in {None, resource.template.region} and isinstance(resource.properties, Mapping):
                yield resource


def readable(read: Callable[[Resource], Iterable[str]], resources: Iterable[Resource]) -> frozenset[str]:
    """Return what can be read of resources; at one that cannot be read, the rule that is about it says so."""
    found: set[str] = set()
    for resource in resources:
        with suppress(UnresolvedError):
            found.update(read(resource))
    return frozenset(found)


def condition_of(resource: Resource) -> str | None:
    """Return the condition of the resource; None if it has none."""
    body = resource.template.body["Resources"][resource.logical_id]
    condition = body.get("Condition")
    return condition if isinstance(condition, str) else None


def is_there_with(other: Resource, resource: Resource) -> bool:
    """Return whether `other` exists whenever `resource` does: it has no condition, or the same one of its template."""
    condition = condition_of(other)
    same = other.template is resource.template and condition == condition_of(resource)
    return condition is None or same


def values_in(value: Json) -> Iterator[Json]:
    """Yield a value and everything in it, outermost first, with each branch of a condition."""
    yield value
    if isinstance(value, Mapping):
        for part in value.values():
            yield from values_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from values_in(part)
