"""Which values the conditions of a template can have together, and the template as it is deployed with some of them.

A condition compares parameters and pseudo parameters with texts. Two conditions on one parameter may exclude each other,
and a comparison of two texts has one answer only. So a resource may never be deployed, and a branch never taken.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import product
from types import MappingProxyType
from typing import Final, TypeAlias

from compliance.cfn.caching import cached
from compliance.cfn.templates import Json, Template, TemplateSet

Choice: TypeAlias = Mapping[str, bool]
"""The value of each condition."""

MAXIMUM_CHOICES: Final = 4096
"""Most combinations of parameters that are tried; beyond it, conditions count as independent."""
MAXIMUM_SCENARIOS: Final = 16
"""Most conditions whose resources are left out one after the other; those beyond are left out together."""

_OTHER: Final = "\0other"
"""Any value of a parameter that no condition mentions."""
_DEPTH: Final = 20


@cached
def choices(template: Template) -> tuple[Choice, ...]:
    """Return every combination of the template's conditions that some parameters lead to; empty where there are too many.

    A condition that cannot be read may have either value.
    """
    conditions = _conditions(template)
    if not conditions:
        return ()
    domains: dict[str, set[object]] = {}
    for condition in conditions.values():
        for one, other in _comparisons(condition):
            for variable, value in _variables(one, other, template):
                domains.setdefault(variable, set()).add(value)
    for name in [name for name, condition in conditions.items() if not _is_readable(condition, conditions)]:
        domains[_free(name)] = {True, False}
    values = {variable: sorted(_domain(variable, found, template), key=str) for variable, found in domains.items()}
    size = 1
    for each in values.values():
        size *= len(each)
    if size > MAXIMUM_CHOICES:
        return ()
    found: dict[tuple[bool, ...], Choice] = {}
    for combination in product(*values.values()):
        given = dict(zip(values, combination, strict=True))
        choice = {name: _holds({"Condition": name}, given, conditions, template) for name in conditions}
        found.setdefault(tuple(choice.values()), choice)
    return tuple(found.values())


def deployed(template: Template, fixed: Choice = MappingProxyType({})) -> Template:
    """Return the template without what no parameters lead to: never deployed resources, and branches never taken.

    Args:
        template: The template; it is returned itself where nothing changes.
        fixed: The values of some conditions.
    """
    possible = [choice for choice in choices(template) if all(choice.get(name) is value for name, value in fixed.items())]
    if not possible:
        return template
    changed = {
        section: _kept(template.body[section], possible)
        for section in ("Resources", "Outputs")
        if isinstance(template.body.get(section), Mapping)
    }
    if all(template.body[section] == kept for section, kept in changed.items()):
        return template
    kept = changed.get("Resources", {})
    gone = tuple(resource for resource in template.resources if resource.logical_id not in kept)
    return replace(template, body={**template.body, **changed}, undeployed=(*template.undeployed, *gone))


def _kept(section: Mapping[str, Json], possible: list[Choice]) -> dict[str, Json]:
    @cache
    def fitting(condition: str | None) -> tuple[int, Mapping[str, bool]]:
        """Return the number of choices that deploy what has a condition, and the conditions that they decide."""
        mine = [choice for choice in possible if condition is None or choice.get(condition, True)]
        return len(mine), _decided_by(mine) if mine else {}

    kept = {}
    for name, body in section.items():
        condition = body.get("Condition") if isinstance(body, Mapping) else None
        count, decided = fitting(condition if isinstance(condition, str) else None)
        if count:
            kept[name] = _simplified(body, decided)
            if count == len(possible) and isinstance(body, Mapping):  # always there
                kept[name].pop("Condition", None)
    return kept


def scenarios(world: TemplateSet) -> Iterator[tuple[str, TemplateSet]]:
    """Yield the templates without the resources of each condition that may be false, with the condition's name."""
    names = dict.fromkeys(name for template in world.templates for name in _may_be_false(template))
    alone, together = [[name] for name in names][:MAXIMUM_SCENARIOS], list(names)[MAXIMUM_SCENARIOS:]
    for group in [*alone, *([together] if together else [])]:
        templates = tuple(_without(template, group) for template in world.templates)
        yield ", ".join(group), replace(world, templates=templates)


def _without(template: Template, names: Iterable[str]) -> Template:
    mine = {name: False for name in names if name in _may_be_false(template)}
    return deployed(template, mine) if mine else template


@cached
def _may_be_false(template: Template) -> frozenset[str]:
    """Return the conditions of resources that are false for some parameters, and not for all."""
    resources = template.body.get("Resources") if isinstance(template.body, Mapping) else None
    bodies = resources.values() if isinstance(resources, Mapping) else ()
    used = {body.get("Condition") for body in bodies if isinstance(body, Mapping)}
    possible = choices(template)
    return frozenset(
        name for name in used if isinstance(name, str) and {choice.get(name) for choice in possible} == {True, False}
    )


def _decided_by(possible: list[Choice]) -> dict[str, bool]:
    """Return the conditions with one value in all choices."""
    first = possible[0]
    return {name: value for name, value in first.items() if all(choice[name] is value for choice in possible)}


def _simplified(value: Json, known: Mapping[str, bool]) -> Json:
    """Return a value with each Fn::If on a known condition decided."""
    match value:
        case {"Fn::If": [str(name), then, otherwise]} if len(value) == 1 and name in known:
            return _simplified(then if known[name] else otherwise, known)
        case dict():
            return {key: _simplified(part, known) for key, part in value.items()}
        case list():
            return [_simplified(part, known) for part in value]
    return value


def _conditions(template: Template) -> Mapping[str, Json]:
    declared = template.body.get("Conditions") if isinstance(template.body, Mapping) else None
    return declared if isinstance(declared, Mapping) else {}


def _is_readable(condition: Json, conditions: Mapping[str, Json], depth: int = 0) -> bool:
    if depth > _DEPTH:
        return False
    match condition:
        case {"Fn::Equals": [_, _]}:
            return True
        case {"Condition": str(name)}:
            return name in conditions and _is_readable(conditions[name], conditions, depth + 1)
        case {"Fn::Not": [part]}:
            return _is_readable(part, conditions, depth + 1)
        case {"Fn::And": list(parts)} | {"Fn::Or": list(parts)}:
            return all(_is_readable(part, conditions, depth + 1) for part in parts)
    return False


def _comparisons(condition: Json) -> Iterator[tuple[Json, Json]]:
    match condition:
        case {"Fn::Equals": [one, other]}:
            yield one, other
        case {"Fn::Not": list(parts)} | {"Fn::And": list(parts)} | {"Fn::Or": list(parts)}:
            for part in parts:
                yield from _comparisons(part)


def _free(name: str) -> str:
    return f"condition {name}"


def _text(value: Json, template: Template) -> str | None:
    """Return the text of an operand; None for what a parameter or a function decides."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if value == {"Ref": "AWS::Region"} and template.region:
        return template.region
    if value == {"Ref": "AWS::AccountId"} and template.account:
        return template.account
    return None


def _variables(one: Json, other: Json, template: Template) -> Iterator[tuple[str, object]]:
    """Yield what decides a comparison, with a value that matters: of a parameter a text, of anything else true or false."""
    texts = _text(one, template), _text(other, template)
    if None not in texts:
        return
    operand, text = (one, texts[1]) if texts[0] is None else (other, texts[0])
    if isinstance(operand, Mapping) and set(operand) == {"Ref"} and text is not None:
        yield f"parameter {operand['Ref']}", text
    else:
        yield json.dumps([one, other], sort_keys=True, default=str), True
        yield json.dumps([one, other], sort_keys=True, default=str), False


def _domain(variable: str, found: set[object], template: Template) -> set[object]:
    kind, _, name = variable.partition(" ")
    if kind != "parameter":
        return found
    parameters = template.body.get("Parameters")
    declared = parameters.get(name) if isinstance(parameters, Mapping) else None
    allowed = declared.get("AllowedValues") if isinstance(declared, Mapping) else None
    if isinstance(allowed, list):
        texts = {_text(each, template) for each in allowed}
        # Values that no condition mentions lead to the same choices.
        return (texts & found) | ({_OTHER} if texts - found else set())
    return found | {_OTHER}


def _holds(  # noqa: PLR0911 - one answer a form of condition
    condition: Json, given: Mapping[str, object], conditions: Mapping[str, Json], template: Template
) -> bool:
    match condition:
        case {"Condition": str(name)}:
            if _free(name) in given:
                return bool(given[_free(name)])
            return _holds(conditions[name], given, conditions, template)
        case {"Fn::Equals": [one, other]}:
            texts = _text(one, template), _text(other, template)
            if None not in texts:
                return texts[0] == texts[1]
            for variable, value in _variables(one, other, template):
                known = given[variable]
                return known == value if isinstance(value, str) else bool(known)
        case {"Fn::Not": [part]}:
            return not _holds(part, given, conditions, template)
        case {"Fn::And": list(parts)}:
            return all(_holds(part, given, conditions, template) for part in parts)
        case {"Fn::Or": list(parts)}:
            return any(_holds(part, given, conditions, template) for part in parts)
    return False


def feasible(names: Iterable[str], template: Template) -> Iterator[Choice] | None:
    """Yield each combination of some conditions that is possible; None where the template does not say."""
    possible = choices(template)
    wanted = list(names)
    if not possible or any(name not in possible[0] for name in wanted):
        return None
    return iter({tuple(choice[name] for name in wanted): {n: choice[n] for n in wanted} for choice in possible}.values())
