"""The order in which CloudFormation creates the resources of a template."""

from collections.abc import Iterator, Mapping

from compliance.cfn.caching import cached
from compliance.cfn.references import VARIABLE, values_in
from compliance.cfn.templates import Json, Resource, Template


def is_created_before(first: Resource, second: Resource) -> bool:
    """Return whether a resource is created before another of its template, because that one needs it."""
    return first.logical_id in _needed(second.template).get(second.logical_id, frozenset())


@cached
def _needed(template: Template) -> Mapping[str, frozenset[str]]:
    """Return, by logical id, everything that is created before: what a resource names, what that names, and so on."""
    named = {name: frozenset(_names(body)) - {name} for name, body in template.body["Resources"].items()}
    found: dict[str, frozenset[str]] = {}
    for name in named:
        seen: set[str] = set()
        pending = [name]
        while pending:
            new = [each for each in named.get(pending.pop(), ()) if each not in seen]
            seen.update(new)
            pending += new
        found[name] = frozenset(seen)
    return found


def _names(body: Json) -> Iterator[str]:
    """Yield the logical ids that a resource names, in DependsOn or by reference."""
    for value in values_in(body):
        match value:
            case {"DependsOn": str(name)}:
                yield name
            case {"DependsOn": list(names)}:
                yield from (name for name in names if isinstance(name, str))
        match value:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
                yield name
            case {"Fn::GetAtt": str(name)}:
                yield name.partition(".")[0]
            case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), *_]}:
                yield from (found[2].partition(".")[0] for found in VARIABLE.finditer(text))
