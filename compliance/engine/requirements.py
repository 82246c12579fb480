"""Rules written as data: a resource type, the path of a property, and the check that each value there must pass."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias

from compliance.cfn.arns import text_of
from compliance.cfn.reading import is_intrinsic, require_bool, require_list, require_mapping, require_number, require_text
from compliance.cfn.references import named
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, describe, if_parts, is_absent
from compliance.engine.candidates import REMOVED, Candidate, body_of
from compliance.engine.rule import Applies, Repair, Rule, ViolationsJudge, always


@dataclass(frozen=True, slots=True)
class Property:
    """One value that a path leads to.

    Attributes:
        value: None where the property, or a map above it, is not set.
        place: The path, with the number or the region of each list entry: `Replicas[us-east-1].Tags`.
        owner: The innermost list entry on the path; the resource's properties where the path leads through no list.
        resource: The version of the resource that has it, free of Fn::If.
        world: The templates in which a check may follow references.
    """

    value: Json
    place: str
    owner: Mapping[str, Json]
    resource: Resource
    world: TemplateSet

    @property
    def region(self) -> str:
        """Region that the value is used in: that of the list entry, else the template's."""
        if self.owner is self.resource.properties:
            return self.resource.template.region
        return text_of(self.owner.get("Region"), self.resource.template, self.world)

    def refused(self, allowed: str) -> str:
        """Return the message that the value is not what is allowed."""
        shown = "not set" if self.value is None else repr(self.value)[:60]
        return f"{self.place} is {shown}; it must be {allowed}"


_CHOICES: Final = 2
"""Most values of a check that are tried."""
_PATH: Final = re.compile(r"\w+(\[[*+]\])?(\.\w+(\[[*+]\])?)*")

Check: TypeAlias = Callable[[Property], str | None]
"""Returns what is wrong with a value, or None. It may raise UnresolvedError."""


class RequirementsJudge(ViolationsJudge):
    """The judge of a rule written as data; `requirements` are its checks by path."""

    def __init__(self, requirements: Mapping[str, Check], types: tuple[str, ...], applies: Applies) -> None:
        super().__init__(self._wrong, types, applies)
        self.requirements = requirements

    def _wrong(self, resource: Resource, world: TemplateSet) -> Iterator[str]:
        top = Property(resource.properties, "", resource.properties, resource, world)
        for path, check in self.requirements.items():
            yield from filter(None, map(check, _below(top, path.split("."))))

    def known(self) -> str:
        """Return in words which values the checks want; empty where none says."""
        known = []
        for path, check in self.requirements.items():
            values = [*_wanted(check, exact=True), *_wanted(check, exact=False)][:1]
            known += [f"remove {path}" if value is REMOVED else f"set {path} to {json.dumps(value)}" for value in values]
        text = ", ".join(known)
        return f"{text[:1].upper()}{text[1:]}." if text else ""

    def repairs(self, resource: Resource, world: TemplateSet, *, exact: bool) -> Iterator[Candidate]:
        """Yield the resource with each refused value replaced by one that its check wants.

        Args:
            resource: The resource.
            world: Its templates.
            exact: Whether to set what must have one value, and not what has a limit.
        """
        for choice in range(_CHOICES):
            body, changes = body_of(resource), []
            for path, check in self.requirements.items():
                wanted = _wanted(check, exact=exact)
                if not wanted:
                    continue
                new = wanted[min(choice, len(wanted) - 1)]
                keeps = partial(_holds, check, resource, world, path)
                properties = _set(body.get("Properties"), path.split("."), new, keeps)
                if properties != body.get("Properties", {}):
                    body = {**body, "Properties": properties}
                    changes.append(f"{path} removed" if new is REMOVED else f"{path} = {new!r}")
            if changes:
                yield Candidate(body, "; ".join(changes))


def _wanted(check: Check, *, exact: bool) -> tuple[Json, ...]:
    """Return the values that satisfy a check, where it knows them."""
    return getattr(check, "exact" if exact else "limit", ())


def _holds(check: Check, resource: Resource, world: TemplateSet, path: str, value: Json) -> bool:
    try:
        return check(Property(value, path, resource.properties, resource, world)) is None
    except UnresolvedError:
        return False


def _set(value: Json, steps: Sequence[str], new: Json, keeps: Callable[[Json], bool]) -> Json:
    """Return a value with another below it, in each branch of Fn::If and each entry of a list; what it `keeps` stays."""
    if parts := if_parts(value):
        return {"Fn::If": [parts[0], *(_set(part, steps, new, keeps) for part in parts[1:])]}
    value = None if is_absent(value) else value
    if not steps:
        return value if keeps(value) else new
    if isinstance(value, Mapping | None) and not is_intrinsic(value):
        name, _, entries = steps[0].partition("[")
        held = dict(value or {})
        if not entries:
            held[name] = _set(held.get(name), steps[1:], new, keeps)
        elif isinstance(held.get(name), list):
            held[name] = [_set(entry, steps[1:], new, keeps) for entry in held[name]]
        return {
            key: each for key, each in held.items() if each is not REMOVED and (each is not None or key in (value or {}))
        }
    return value


def require(  # noqa: PLR0913 - the columns of a table
    types: str | tuple[str, ...],
    path: str,
    check: Check,
    *,
    id: str,  # noqa: A002 - the field of Rule
    title: str,
    why: str,
    fix: str,
    controls: tuple[str, ...],
    also: Mapping[str, Check] | None = None,
    applies: Applies = always,
    repair: Repair | str | None = None,
) -> Rule:
    """Return the rule that each value at a path passes a check.

    Args:
        types: The resource types that the rule is about.
        path: Property names with dots between them. `Name[*]` is each entry of a list, and `Name[+]` each entry of a list
            that must have one.
        check: Asked about each value, in each branch of each Fn::If.
        id: The end of the rule's id, in the form of a file's name: `deletion` in `dynamodb/required.py` is
            `ActivePassive-DynamoDBDeletion`.
        title: As in Rule; so are `why`, `fix` and `controls`.
        why: The consequence of breaking it.
        fix: The change that satisfies it.
        controls: The control ids that it serves.
        also: The checks of further paths, where one setting has several properties.
        applies: Which resources of those types it concerns.
        repair: As in Rule; tried before the values that the checks want.

    Raises:
        ValueError: A path has another form.
    """
    requirements = {path: check, **(also or {})}
    for each in requirements:
        if not _PATH.fullmatch(each):
            raise ValueError(f"the path {each!r} is not of the form Name.Name[*].Name[+].Name")
    judge = RequirementsJudge(requirements, (types,) if isinstance(types, str) else types, applies)
    return Rule(id=id, title=title, why=why, fix=fix, judge=judge, controls=controls, repair=repair)


def _below(found: Property, steps: Sequence[str]) -> Iterator[Property]:
    if not steps:
        yield found
        return
    name, _, entries = steps[0].partition("[")
    is_top = found.value is found.resource.properties  # a map already; only the names on paths are read
    value = (found.value if is_top else require_mapping(found.value, found.place)).get(name)
    below = replace(found, value=value, place=f"{found.place}.{name}".lstrip("."))
    if not entries:
        yield from _below(below, steps[1:])
        return
    listed = require_list(value, below.place)
    if entries == "+]" and not listed:
        raise UnresolvedError(f"{below.place} is {describe(value)}, not a list with an entry")
    for index, entry in enumerate(listed):
        settings = require_mapping(entry, f"{below.place}[{index}]")
        region = settings.get("Region")
        place = f"{below.place}[{region if isinstance(region, str) else index}]"
        yield from _below(replace(below, value=settings, place=place, owner=settings), steps[1:])


def wants(exact: tuple[Json, ...] = (), *, limit: tuple[Json, ...] = ()) -> Callable[[Check], Check]:
    """Return the decorator of a check that says which values satisfy it: the only ones, or the limit of many."""

    def decorate(check: Check) -> Check:
        check.__dict__.update(exact=exact, limit=limit)
        return check

    return decorate


@wants((True,))
def is_true(found: Property) -> str | None:
    """Require true."""
    return None if require_bool(found.value, found.place) else found.refused("true")


@wants((True, REMOVED))
def is_true_if_set(found: Property) -> str | None:
    """Require true, or nothing, where AWS takes true for it."""
    return None if require_bool(found.value, found.place, default=True) else found.refused("true")


@wants((False, REMOVED))
def is_false_if_set(found: Property) -> str | None:
    """Require false, or nothing, where AWS takes false for it."""
    return found.refused("false") if require_bool(found.value, found.place) else None


def has_entries(found: Property) -> str | None:
    """Require a list with an entry or more."""
    return None if require_list(found.value, found.place) else found.refused("a list with an entry or more")


def is_of_templates(found: Property) -> str | None:
    """Require a reference to a resource of the templates."""
    if named(found.value, found.resource.template, found.world) is not None:
        return None
    if isinstance(found.value, str | None):
        return found.refused("a reference to a resource of the templates")
    raise UnresolvedError(f"{found.place} is {describe(found.value)}, which is in none of the templates")


def at_least(least: float, *, if_absent: float = float("-inf")) -> Check:
    """Require a number of at least `least`; `if_absent` is what AWS takes where none is set."""

    @wants(limit=(int(least),))
    def check(found: Property) -> str | None:
        number = require_number(found.value, found.place)
        enough = (if_absent if number is None else number) >= least
        return None if enough else found.refused(f"{least:g} or more")

    return check


def at_most(most: float) -> Check:
    """Require a number of at most `most`, or nothing, where AWS takes less for it."""

    @wants(limit=(int(most),))
    def check(found: Property) -> str | None:
        number = require_number(found.value, found.place)
        return None if number is None or number <= most else found.refused(f"{most:g} or less")

    return check


def one_of(*allowed: str, if_absent: str | None = None) -> Check:
    """Require one of some texts; `if_absent` is what AWS takes where none is set."""

    @wants(((REMOVED,) if if_absent in allowed else ()) + (allowed if len(allowed) == 1 else ()))
    def check(found: Property) -> str | None:
        text = require_text(found.value, found.place)
        return None if (if_absent if text is None else text) in allowed else found.refused(" or ".join(allowed))

    return check
