"""A queue of work has a dead-letter queue in its template, reached after enough receives and within a day."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.dead_letters import QUEUE, is_dead_letter_queue, is_same
from compliance.aws.event_sources import mappings_of
from compliance.cfn.arns import find
from compliance.cfn.reading import require_bool, require_mapping, require_number
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import describe
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_SETTING: Final = "RedrivePolicy"
_DEFAULT_VISIBILITY: Final = 30
"""Seconds that SQS hides a received message if the queue does not say."""

_LEAST: Final = 2
"""Receives; with one, the first crash or restart makes a dead letter of a good message."""
_LEAST_FOR_A_FUNCTION: Final = 5
"""As AWS recommends where Lambda reads: throttled batches use up receives too."""
_MOST_SECONDS: Final = 86_400
"""A message that cannot be processed is seen within a day."""


def _is_for_work(queue: Resource, world: TemplateSet) -> bool:
    return _SETTING in queue.properties or not is_dead_letter_queue(queue, world)


def _violations(queue: Resource, world: TemplateSet) -> Iterator[str]:
    policy = require_mapping(queue.properties.get(_SETTING), _SETTING)
    if not policy:
        yield f"it has no {_SETTING}, so a message that cannot be processed is tried until it expires, and is then gone"
        return
    yield from _of_target(queue, policy.get("deadLetterTargetArn"), world)
    receives = require_number(policy.get("maxReceiveCount"), "maxReceiveCount")
    least = _LEAST_FOR_A_FUNCTION if any(True for _ in mappings_of(queue, world)) else _LEAST
    if receives is None or receives < least:
        yield f"maxReceiveCount is {describe(receives) if receives is None else f'{receives:g}'}; it must be {least} or more"
        return
    visibility = require_number(queue.properties.get("VisibilityTimeout"), "VisibilityTimeout")
    seconds = receives * (_DEFAULT_VISIBILITY if visibility is None else visibility)
    if seconds > _MOST_SECONDS:
        yield (
            f"maxReceiveCount {receives:g} times VisibilityTimeout is {seconds:.0f} s before a message is a dead letter; "
            f"it must be {_MOST_SECONDS} s or less"
        )


def _of_target(queue: Resource, value: object, world: TemplateSet) -> Iterator[str]:
    target = None if value is None else find(value, queue.template, world, QUEUE)
    if target is None or target.template.name != queue.template.name:
        yield f"deadLetterTargetArn is {describe(value)}; it must be a queue of the same template"
    elif is_same(target, queue):
        yield "it is its own dead-letter queue"
    elif require_bool(target.properties.get("FifoQueue"), "FifoQueue") != require_bool(
        queue.properties.get("FifoQueue"), "FifoQueue"
    ):
        yield "it and its dead-letter queue must both be FIFO queues, or neither"


RULE = Rule(
    title="A queue has a dead-letter queue in its own template, and reaches it after five receives or more and within a day",
    why=(
        "Without one, a file that cannot be processed is retried for days, delays all others, and is then deleted. A "
        "dead-letter queue in another stack or region is missing when this region stands alone."
    ),
    fix="Set RedrivePolicy.deadLetterTargetArn to a queue of the same template, and maxReceiveCount to 5.",
    judge=rule_from(_violations, QUEUE, applies=_is_for_work),
    controls=nist("CP-10", "SI-11", "SI-17"),
)
