"""A template with its conditions decided, once for each branch of each Fn::If.

cdk-nag takes a property behind Fn::If for set, whichever branch is empty, and one that is AWS::NoValue too. So the packs
are shown what CloudFormation would deploy.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from compliance.cfn.templates import Json
from compliance.cfn.values import decided, if_parts

MAXIMUM: Final = 32
"""More variants than this are not judged: each costs as much as a template."""

_Choice = dict[str, bool]


class BranchesError(ValueError):
    """There are too many ways in which conditions can turn out."""


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One way in which the conditions can turn out.

    Attributes:
        body: The template as it is then.
        choice: How each condition turns out; empty where the template asks none.
    """

    body: Json
    choice: Mapping[str, bool]


def branches(body: Json) -> tuple[Branch, ...]:
    """The template once for each way in which conditions must turn out, so that each branch of each Fn::If is in one.

    Conditions are taken for independent: two that exclude each other may be shown as both true.

    Raises:
        BranchesError: That takes more than MAXIMUM.
    """
    choices: list[_Choice] = []
    for needed in _needed(body.get("Resources"), {}):
        fitting = next((choice for choice in choices if _agree(choice, needed)), None)
        if fitting is None:
            choices.append(dict(needed))
        else:
            fitting.update(needed)
        if len(choices) > MAXIMUM:
            raise BranchesError(f"the branches of its Fn::If take more than {MAXIMUM} ways in which conditions can turn out")
    return tuple(
        Branch(body={**body, "Resources": decided(body.get("Resources"), choice)}, choice=choice)
        for choice in choices or [{}]
    )


def _needed(value: Json, given: _Choice) -> Iterator[_Choice]:
    """For each branch of each Fn::If, how conditions must turn out for it to be deployed."""
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


def _agree(one: _Choice, other: _Choice) -> bool:
    return all(other.get(condition, outcome) is outcome for condition, outcome in one.items())
