"""A dead-letter queue keeps messages at least as long as its sources."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from compliance.aws.dead_letters import DEFAULT_RETENTION, QUEUE, is_dead_letter_queue, users_of
from compliance.cfn.reading import branches, require_number
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_SETTING: Final = "MessageRetentionPeriod"


def _violations(queue: Resource, world: TemplateSet) -> Iterator[str]:
    kept = _retention(queue)
    if kept < DEFAULT_RETENTION:
        yield f"{_SETTING} is {kept:.0f} s; dead letters must outlast a long weekend, {DEFAULT_RETENTION} s or more"
    for source in users_of(queue, world):
        if source.type != QUEUE:
            continue
        for properties in branches(source.properties):
            longest = _retention(replace(source, properties=properties))
            if kept < longest:
                yield f"{_SETTING} is {kept:.0f} s, and {source.path} keeps one for {longest:.0f} s: it must not be less"


def _retention(queue: Resource) -> float:
    seconds = require_number(queue.properties.get(_SETTING), _SETTING)
    return DEFAULT_RETENTION if seconds is None else seconds


RULE = Rule(
    title="A dead-letter queue keeps messages for as long as its sources do, and for four days or more",
    why=(
        "SQS counts a dead letter's age from its first send. A dead-letter queue with a shorter retention than its source "
        "deletes old messages as soon as they arrive."
    ),
    fix="Set MessageRetentionPeriod of dead-letter queues to 1209600, the most that SQS keeps.",
    judge=rule_from(_violations, QUEUE, applies=is_dead_letter_queue),
    controls=nist("AU-11", "CP-9", "SI-12"),
)
