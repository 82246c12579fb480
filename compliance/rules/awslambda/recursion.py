"""A function that sends to its own queue allows the loop and bounds it."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from compliance.aws.event_sources import FUNCTION, mappings_to, source_queue
from compliance.aws.roles import Granted, granted_to
from compliance.cfn.arns import ACCOUNT, arns_of, same
from compliance.cfn.reading import require_mapping, require_number, require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_ALLOW: Final = "Allow"
_SEND: Final = "sqs:SendMessage"

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_BOUND: Final = frozenset({"max", "maximum", "limit", "most"})
_BOUNDED: Final = frozenset({"age", "hop", "hops", "loop", "loops", "round", "rounds", "depth", "lifetime", "ttl"})
"""A variable bounds a loop if its name has a word of each: SHADOW_MAXIMUM_AGE_SECONDS, maxHops.

A maximum of receives is none: a message that is put back is a new one and has been received no time.
"""


def _loops(function: Resource, world: TemplateSet) -> list[str]:
    """Return the queues that invoke the function and that it may send to."""
    queues = [queue for mapping in mappings_to(function, world) if (queue := source_queue(mapping, world)) is not None]
    if not queues:
        return []
    sends = [each for each in granted_to(function, world) if each.statement.allows and each.statement.covers_action(_SEND)]
    return sorted({queue.path for queue in queues if any(_may_send(each, queue) for each in sends)})


def _may_send(granted: Granted, queue: Resource) -> bool:
    arns = list(arns_of(queue))
    if granted.template.name == queue.template.name:
        arns.append(f"${{{queue.logical_id}.Arn}}")
    return any(
        same(pattern, arn) or fnmatchcase(arn.replace(ACCOUNT, "000000000000"), pattern.replace(ACCOUNT, "000000000000"))
        for pattern in granted.statement.resources
        for arn in arns
    )


def _applies(function: Resource, world: TemplateSet) -> bool:
    return "RecursiveLoop" in function.properties or bool(_loops(function, world))


def _violations(function: Resource, world: TemplateSet) -> Iterator[str]:
    loops = _loops(function, world)
    allowed = require_text(function.properties.get("RecursiveLoop"), "RecursiveLoop") == _ALLOW
    if loops and not allowed:
        yield (
            f"it may send to {', '.join(loops)}, which invokes it, and RecursiveLoop is not {_ALLOW}: Lambda makes a dead "
            "letter of a message that comes round the sixteenth time"
        )
    elif allowed and not loops:
        yield f"RecursiveLoop is {_ALLOW}, and it may send to no queue that invokes it: nothing would stop a mistaken loop"
    elif allowed and not _is_bounded(function):
        yield (
            "RecursiveLoop is Allow and no environment variable bounds the loop: set one whose name says what it limits, as "
            "MAXIMUM_HOPS or MAXIMUM_AGE_SECONDS, and whose value is a number above 0"
        )


def _is_bounded(function: Resource) -> bool:
    variables = require_mapping(
        require_mapping(function.properties.get("Environment"), "Environment").get("Variables"), "Environment.Variables"
    )
    for name, value in variables.items():
        words = {word.lower() for word in _WORDS.findall(name)}
        if words & _BOUND and words & _BOUNDED:
            bound = require_number(value, name)
            if bound is not None and bound > 0:
                return True
    return False


RULE = Rule(
    title="A function that may send to its own queue allows the loop and bounds it; no other function allows one",
    why=(
        "The passive region sends a message back until the active region has processed it. Lambda's recursion detection "
        "would stop that after sixteen times and lose the message. Without a bound, a loop never ends."
    ),
    fix="Set RecursiveLoop to Allow and a variable such as MAXIMUM_AGE_SECONDS; elsewhere leave it at Terminate.",
    judge=rule_from(_violations, FUNCTION, applies=_applies),
    controls=nist("CP-10", "SC-5", "SI-11"),
)
