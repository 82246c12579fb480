"""Return a template with its conditions decided, once for each branch of each Fn::If.

cdk-nag takes a property with Fn::If or AWS::NoValue as set, even if a branch is empty. So the packs get the templates that
CloudFormation would deploy.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from compliance.cfn import conditions
from compliance.cfn.templates import Json, Template
from compliance.cfn.values import decided, if_parts

MAXIMUM: Final = 32
"""Most variants of a template that are judged, because each takes as long as a template."""

_Choice = dict[str, bool]


class BranchesError(ValueError):
    """Raised when the conditions have too many combinations."""


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One combination of the conditions.

    Attributes:
        body: The template with that combination.
        choice: The value of each condition; empty if the template uses none.
    """

    body: Json
    choice: Mapping[str, bool]


def branches(template: Template) -> tuple[Branch, ...]:
    """Return the template in enough combinations of its conditions that each possible branch of each Fn::If is in one.

    Raises:
        BranchesError: This needs more than MAXIMUM combinations.
    """
    body = template.body
    choices: list[_Choice] = []
    for needed in _needed(body.get("Resources"), {}):
        if not _is_possible(needed, template):
            continue
        fitting = next(
            (choice for choice in choices if _agree(choice, needed) and _is_possible({**choice, **needed}, template)), None
        )
        if fitting is None:
            choices.append(dict(needed))
        else:
            fitting.update(needed)
        if len(choices) > MAXIMUM:
            raise BranchesError(f"the branches of its Fn::If need more than {MAXIMUM} combinations of conditions")
    return tuple(
        Branch(body={**body, "Resources": decided(body.get("Resources"), choice)}, choice=choice)
        for choice in choices or [{}]
    )


def _needed(value: Json, given: _Choice) -> Iterator[_Choice]:
    """Yield the conditions under which each branch of each Fn::If is deployed."""
    if isinstance(value, list):
        for child in value:
            yield from _needed(child, given)
    elif isinstance(value, Mapping):
        parts = if_parts(value)
        if parts is None:
            for child in value.values():
                yield from _needed(child, given)
            return
        condition, *outcomes = parts
        for outcome, child in zip((True, False), outcomes, strict=True):
            if given.get(condition, outcome) is outcome:
                then = {**given, condition: outcome}
                yield then
                yield from _needed(child, then)


def _is_possible(needed: _Choice, template: Template) -> bool:
    """Return whether some parameters lead to these values; conditions count as independent where that is unknown."""
    possible = conditions.choices(template)
    names = [name for name in needed if possible and name in possible[0]]
    return not possible or any(all(choice[name] is needed[name] for name in names) for choice in possible)


def _agree(one: _Choice, other: _Choice) -> bool:
    return all(other.get(condition, outcome) is outcome for condition, outcome in one.items())
