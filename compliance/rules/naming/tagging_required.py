"""Every taggable resource has the six tags."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

from compliance.aws.tags import PER_REPLICA, REQUIRED, TagSet, is_taggable, tag_sets
from compliance.cfn.reading import possible_texts
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.engine.candidates import Candidate, edit
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, Rule, failed


def judge(resource: Resource, world: TemplateSet) -> Judgement:
    """Look at every set of tags that the resource has."""
    if not is_taggable(resource, world):
        return NOT_APPLICABLE
    wrong = [text for tags in tag_sets(resource) for text in _wrong_with(tags)]
    return failed("; ".join(wrong)) if wrong else PASSED


def _wrong_with(tags: TagSet) -> list[str]:
    missing = [key for key in REQUIRED if key not in tags.keys]
    doubled = [key for key, times in Counter(map(str, tags.keys)).items() if times > 1]
    empty = [key for key, value in tags.pairs if key in REQUIRED and _may_be_empty(value)]
    return [
        f"{tags.place} {problem}: {', '.join(map(str, keys))}"
        for problem, keys in (("lacks", missing), ("has twice", doubled), ("has no value for", empty))
        if keys
    ]


def _may_be_empty(value: object) -> bool:
    return any(text is None or not text.strip() for text in possible_texts(value))


def _repair(resource: Resource, world: TemplateSet) -> Iterator[Candidate]:
    """Add each tag that it lacks, with the value that most resources of the templates have."""
    if resource.type == PER_REPLICA:
        return
    used: dict[Json, Counter[str]] = {key: Counter() for key in REQUIRED}
    for other in chain.from_iterable(world.by_type.values()):
        with suppress(UnresolvedError, AttributeError):
            for key, value in (pair for tags in tag_sets(other) for pair in tags.pairs):
                if key in used and isinstance(value, str):
                    used[key][value] += 1
    (tags,) = tag_sets(resource)
    added = {key: used[key].most_common(1)[0][0] for key in REQUIRED if key not in tags.keys and used[key]}
    given = resource.properties.get(tags.place)
    listed = [{"Key": key, "Value": value} for key, value in added.items()]
    shapes: list[Json] = (
        [{**given, **added}] if isinstance(given, dict) else [[*(given or ()), *listed], *([] if given else [added])]
    )
    for shape in shapes if added else ():
        yield edit(resource, ("Properties", tags.place), shape)


RULE = Rule(
    title="Everything that can be tagged carries the tags " + ", ".join(REQUIRED),
    why=(
        "Costs, owners, data classification and the clean-up of test environments are found by tags. A global table has its "
        "tags on each replica, and tags elsewhere do not reach them."
    ),
    fix="Tag the stack or the construct that the resource is under, or set the resource's own tags.",
    judge=judge,
    repair=_repair,
    is_local=True,
)
