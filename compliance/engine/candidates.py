"""Candidates for the repair of a resource, made from the templates alone: each must still be judged.

No candidate is more than a guess: a value that a similar resource has, a reference to another resource of the same type,
or the removal of an entry. `compliance.engine.repair` keeps the first that every rule agrees to.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum
from itertools import chain
from typing import Final, NamedTuple, TypeAlias

from compliance.cfn.reading import is_intrinsic
from compliance.cfn.symmetry import counterpart, path_of, twins
from compliance.cfn.templates import Json, Resource, Template, TemplateSet

Step: TypeAlias = str | int
Pointer: TypeAlias = tuple[Step, ...]
"""The way from a resource's body to a value: keys of maps and positions in lists."""


class _Removed(Enum):
    REMOVED = "removed"


REMOVED: Final = _Removed.REMOVED
_STATEMENT: Final = "Statement"
_FUNCTIONS: Final = ("Ref", "Fn::GetAtt")
_ROOT: Final = ("Properties",)
_WORDS: Final = 5
"""Most values of a property that counts as a switch."""
_PAIR: Final = 2
_LARGE: Final = 300
"""Characters of a setting that a repair does not remove: it was not put there by mistake."""
_LONGEST: Final = 400
"""Most candidates of one kind for one resource."""


class Candidate(NamedTuple):
    """A changed body of a resource.

    Attributes:
        body: The resource as it would be.
        change: What was changed, in words.
        choice: The place whose value is one of several that other resources have; empty where the value is not chosen so.
        of: The resource, if it is another one than the finding's.
    """

    body: Json
    change: str
    choice: str = ""
    of: Resource | None = None


def at_or_none(value: Json, pointer: Iterable[Step]) -> Json:
    """Return the value at a pointer; None if there is none."""
    for step in pointer:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value


def changed(value: Json, pointer: Pointer, new: Json) -> Json:
    """Return a copy with another value at a pointer; REMOVED deletes it, and missing maps on the way are made."""
    if not pointer:
        return new
    step, *rest = pointer
    copy: Json = list(value) if isinstance(value, list) else dict(value or {})
    if rest:
        copy[step] = changed(copy.get(step) if isinstance(copy, dict) else copy[step], tuple(rest), new)
    elif new is REMOVED:
        del copy[step]
    elif isinstance(copy, list) and step == len(copy):
        copy.append(new)
    else:
        copy[step] = new
    return copy


def edit(resource: Resource, pointer: Pointer, new: Json, reason: str = "") -> Candidate:
    """Return the candidate that has another value at a pointer from the resource's body."""
    body = changed(body_of(resource), pointer, new)
    place = ".".join(map(str, pointer)).removeprefix("Properties.")
    what = f"{place} removed" if new is REMOVED else f"{place} = {_shown(new)}"
    return Candidate(body, f"{what}{reason}")


def edits(resource: Resource, wanted: Mapping[Pointer, Json]) -> Iterator[Candidate]:
    """Yield the candidate that has all of these values, by pointers from the resource's properties; none if it has them."""
    body, changes = body_of(resource), list[str]()
    for pointer, new in wanted.items():
        after = changed(body, (*_ROOT, *pointer), new)
        if after != body:
            body = after
            changes.append(f"{'.'.join(map(str, pointer))} = {_shown(new)}")
    if changes:
        yield Candidate(body, "; ".join(changes))


def _chosen(resource: Resource, pointer: Pointer, new: Json) -> Candidate:
    """Return the candidate with a value of another resource; only a number is not one of a choice."""
    is_number = isinstance(new, int | float) or (isinstance(new, str) and new.isdecimal())
    return edit(resource, pointer, new)._replace(choice="" if is_number else ".".join(map(str, pointer)))


def body_of(resource: Resource) -> Json:
    """Return the resource as its template has it; the template itself for the pseudo-resource of a template."""
    return resource.template.body["Resources"][resource.logical_id] if resource.logical_id else resource.template.body


def guesses(resource: Resource, world: TemplateSet, read: Collection[str]) -> Iterator[Candidate]:
    """Yield candidates in the order in which they are preferred.

    Args:
        resource: The resource to repair.
        world: Its templates.
        read: The names of the properties that may be changed.
    """
    kinds = (
        _as_counterpart(resource, world),
        _completed(resource, world),
        _as_similar(resource, read),
        _rewired(resource, read),
        _fewer(resource, read),
    )
    yield from chain.from_iterable(kinds)


def _as_counterpart(resource: Resource, world: TemplateSet) -> Iterator[Candidate]:
    """Yield the other region's version of it, with the names of this region."""
    for twin in twins(resource, world):
        other = counterpart(resource, twin)
        if other is not None and other.logical_id and not _loses_data(body_of(resource), body_of(other)):
            body = _translated(body_of(other), twin, resource.template)
            mine = body_of(resource)
            kept = {key: mine[key] for key in ("Metadata", "DependsOn") if key in mine}
            parts = {key: value for key, value in body.items() if key not in {"Metadata", "DependsOn"}}
            yield Candidate({**parts, **kept}, f"as in {twin.region}")


def _loses_data(mine: Json, theirs: Json) -> bool:
    """Return whether the other version no longer retains what this one does."""
    return any(key in mine and mine[key] != theirs.get(key) for key in ("DeletionPolicy", "UpdateReplacePolicy"))


def _translated(value: Json, there: Template, here: Template) -> Json:
    """Return a value of another region's template with the regions, stacks and logical ids of this one."""
    here_by_path = {(each.type, path_of(each)): each.logical_id for each in here.resources}
    ids = {each.logical_id: here_by_path.get((each.type, path_of(each)), each.logical_id) for each in there.resources}
    swaps = ((there.region, here.region), (there.name, here.name))

    def text(found: str) -> str:
        for one, other in swaps:
            found = found.replace(one, "\0").replace(other, one).replace("\0", other)
        return found

    def walk(found: Json) -> Json:
        if isinstance(found, str):
            return ids.get(found) or text(found)
        if isinstance(found, list):
            return [walk(each) for each in found]
        return {text(key): walk(part) for key, part in found.items()} if isinstance(found, Mapping) else found

    return walk(value)


def _completed(resource: Resource, world: TemplateSet) -> Iterator[Candidate]:
    """Yield each policy statement with the one part that it lacks and that the otherwise same statements elsewhere have."""
    if not isinstance(resource.properties, Mapping):
        return
    known = [each for other in world.by_type.get(resource.type, ()) for _, each in _statements(other)]
    for pointer, mine in _statements(resource):
        missing = {
            json.dumps({key: value for key, value in each.items() if key not in mine}, sort_keys=True)
            for each in known
            if len(each) == len(mine) + 1 and all(each.get(key) == value for key, value in mine.items())
        }
        for part in missing if len(missing) == 1 else ():
            yield edit(resource, (*_ROOT, *pointer), {**mine, **json.loads(part)}, ", as the same statement elsewhere")


def _statements(resource: Resource) -> Iterator[tuple[Pointer, Mapping[str, Json]]]:
    properties = resource.properties if isinstance(resource.properties, Mapping) else {}
    for pointer, value in _values(properties, properties):
        if len(pointer) > 1 and pointer[-2] == _STATEMENT and isinstance(value, Mapping):
            yield pointer, value


def _as_similar(resource: Resource, read: Collection[str]) -> Iterator[Candidate]:
    """Yield each value that a similar resource has at the same place, the most similar one's first; never a grant."""
    mine = dict(_maps(resource.properties, read))
    same_type = [
        each
        for each in resource.template.resources
        if each.type == resource.type and each.logical_id != resource.logical_id and isinstance(each.properties, Mapping)
    ]
    own = [(0, resource)] if any(isinstance(step, int) for pointer in mine for step in pointer) else []
    ranked = sorted(((-_likeness(resource, each), each) for each in same_type), key=lambda pair: pair[0])
    offered: set[str] = set()
    by_place: dict[str, list[Pointer]] = {}
    for pointer in mine:
        by_place.setdefault(_place(pointer), []).append(pointer)
    for is_missing in (True, False):
        for _, other in (*own, *ranked):
            for source, theirs in _maps(other.properties, read):
                for pointer in by_place.get(_place(source), ()):
                    for candidate in _taken(resource, pointer, mine[pointer], theirs, is_missing=is_missing):
                        if candidate.change not in offered and len(offered) < _LONGEST:
                            offered.add(candidate.change)
                            yield candidate._replace(change=f"{candidate.change}, as {other.logical_id} has it")
    yield from _words(resource, mine)


def _taken(
    resource: Resource, pointer: Pointer, mine: Mapping[str, Json], theirs: Mapping[str, Json], *, is_missing: bool
) -> Iterator[Candidate]:
    for key, value in theirs.items():
        if _grants(value):
            continue
        if is_missing and key not in mine:
            yield _chosen(resource, (*_ROOT, *pointer, key), value)
        if not is_missing and key in mine and mine[key] != value:
            if _is_leaf(value) and not isinstance(value, str):
                yield _chosen(resource, (*_ROOT, *pointer, key), value)
            elif isinstance(value, list) and isinstance(mine[key], list):
                known = {_identity(each) for each in mine[key]}
                for each in value:
                    if _identity(each) and _identity(each) not in known:
                        yield _chosen(resource, (*_ROOT, *pointer, key, len(mine[key])), each)


def _used(template: Template) -> Mapping[str, Counter[str]]:
    """Return the texts of the template's properties by the property's name."""
    used: dict[str, Counter[str]] = {}
    for each in template.resources:
        for _, node in _maps(each.properties, each.properties if isinstance(each.properties, Mapping) else ()):
            for key, value in node.items():
                if isinstance(value, str):
                    used.setdefault(key, Counter())[value] += 1
    return used


def _words(resource: Resource, mine: Mapping[Pointer, Mapping[str, Json]]) -> Iterator[Candidate]:
    """Yield the other switch of each boolean, and the words that the templates use elsewhere for a property of that name."""
    used = _used(resource.template)
    for pointer, node in mine.items():
        for key, value in node.items():
            if isinstance(value, bool):
                yield edit(resource, (*_ROOT, *pointer, key), not value)
            elif isinstance(value, str) and len(used.get(key, ())) <= _WORDS:
                for word, times in used.get(key, Counter()).most_common():
                    if word != value and times > 1:  # what only one resource has is a name
                        yield _chosen(resource, (*_ROOT, *pointer, key), word)


def _rewired(resource: Resource, read: Collection[str]) -> Iterator[Candidate]:
    """Yield each reference to a resource replaced by one to another of the same type."""
    types = {each.logical_id: each.type for each in resource.template.resources}
    for pointer, value in _values(resource.properties, read):
        if not (isinstance(value, Mapping) and len(value) == 1):
            continue
        function, argument = next(iter(value.items()))
        if function not in _FUNCTIONS:
            continue
        target = argument[0] if isinstance(argument, list) and argument else argument
        for other, kind in types.items():
            if isinstance(target, str) and kind == types.get(target) and other not in {target, resource.logical_id}:
                instead = [other, *argument[1:]] if isinstance(argument, list) else other
                yield _chosen(resource, (*_ROOT, *pointer), {function: instead})


def _fewer(resource: Resource, read: Collection[str]) -> Iterator[Candidate]:
    """Yield the removal of each entry of a list and of each simple property, the smallest first; of a statement as a whole.

    The last entry of a list stays, and the last statement that allows something or administers a key: without it the
    resource has no use. So do parts of entries: without its source, a rule means another thing.
    """
    places = [
        (pointer, value)
        for pointer, value in _values(resource.properties, read)
        if _may_go(pointer, value, at_or_none(resource.properties, pointer[:-1]))
    ]
    for pointer, _ in sorted(places, key=lambda place: len(repr(place[1])))[:_LONGEST]:
        yield edit(resource, (*_ROOT, *pointer), REMOVED)


def _may_go(pointer: Pointer, value: Json, holder: Json) -> bool:
    """Return whether a value may be removed: no half of a pair, no large setting, and of policies only what allows."""
    if isinstance(pointer[-1], str):
        is_pair = len(pointer) > 1 and len(holder) <= _PAIR
        is_whole = isinstance(value, Mapping | list) and not is_intrinsic(value)
        is_part = is_whole or any(isinstance(step, int) for step in pointer)
        return not (_STATEMENT in pointer or is_pair or is_part or len(repr(value)) > _LARGE or _grants(value))
    if len(pointer) == 1 or pointer[-2] != _STATEMENT or not isinstance(value, Mapping):
        return len(holder) > 1 and not _grants(value)
    others = [each for each in holder if each is not value and isinstance(each, Mapping) and each.get("Effect") == "Allow"]
    if pointer[0] == "KeyPolicy":
        others = [each for each in others if {"kms:*", "kms:PutKeyPolicy"}.intersection(_listed(each.get("Action")))]
    lacks_principal = "Principal" not in value and any("Principal" in each for each in holder)
    is_grant = value.get("Effect") == "Allow" and bool(value.get("Action"))
    return bool(others) and is_grant and all(value.values()) and not lacks_principal


def _listed(value: Json) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _grants(value: Json) -> bool:
    """Return whether a value is a policy, or statements of one."""
    return f"'{_STATEMENT}'" in (text := repr(value)) or "'Effect'" in text


def _values(value: Json, read: Collection[str], pointer: Pointer = ()) -> Iterator[tuple[Pointer, Json]]:
    """Yield every value below the named properties, except the arguments of functions."""
    if is_intrinsic(value):
        return
    children = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for step, child in children:
        if pointer or step in read:
            yield (*pointer, step), child
            yield from _values(child, read, (*pointer, step))


def _maps(properties: Json, read: Collection[str]) -> Iterator[tuple[Pointer, Mapping[str, Json]]]:
    """Yield the maps of the named properties that grant nothing: the properties themselves first."""
    if isinstance(properties, Mapping) and not is_intrinsic(properties):
        yield (), {key: value for key, value in properties.items() if key in read}
    for pointer, value in _values(properties, read):
        if isinstance(value, Mapping) and not is_intrinsic(value) and _STATEMENT not in pointer:
            yield pointer, value


def _place(pointer: Pointer) -> str:
    return ".".join("*" if isinstance(step, int) else step for step in pointer)


def _likeness(one: Resource, other: Resource) -> int:
    """Return in how many values two resources agree."""
    return len(_leaves(one) & _leaves(other))


def _leaves(resource: Resource) -> set[str]:
    properties = resource.properties if isinstance(resource.properties, Mapping) else {}
    return {f"{_place(pointer)}={value!r}" for pointer, value in _values(properties, properties) if _is_leaf(value)}


def _is_leaf(value: Json) -> bool:
    if isinstance(value, list):
        return all(not isinstance(each, Mapping | list) or is_intrinsic(each) for each in value)
    return not isinstance(value, Mapping) or is_intrinsic(value)


def _identity(entry: Json) -> str:
    """Return what tells an entry of a list from the others: a tag's key, a rule's id; empty where nothing does."""
    named = entry if isinstance(entry, Mapping) else {}
    return next((f"{key}={named[key]}" for key in ("Key", "Id", "Name", "Region") if isinstance(named.get(key), str)), "")


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"  # noqa: PLR2004 - what fits beside the rest of a line
