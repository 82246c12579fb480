"""Work waits until somebody can do it."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.dead_letters import DEFAULT_RETENTION, QUEUE, is_dead_letter_queue
from compliance.cfn.reading import require_number
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule
from compliance.engine.violations import rule_from

_SETTING: Final = "MessageRetentionPeriod"
_SHORTEST: Final = 86_400
"""Seconds. An outage of a region has lasted for most of a day."""


def _holds_work(queue: Resource, world: TemplateSet) -> bool:
    return not is_dead_letter_queue(queue, world)


def _violations(queue: Resource, _world: TemplateSet) -> Iterator[str]:
    given = require_number(queue.properties.get(_SETTING), _SETTING)
    kept = DEFAULT_RETENTION if given is None else given
    if kept < _SHORTEST:
        yield f"{_SETTING} is {kept:g} s; work must outlast an outage, {_SHORTEST} s or more"


RULE = Rule(
    title="A queue of work keeps messages for a day or more",
    why=(
        "While a function, or the region that it needs, is down, its work waits in the queue. SQS deletes what has waited "
        "for longer than the retention period: no alarm, no dead letter, and the file was promised to somebody."
    ),
    fix="Set MessageRetentionPeriod of queues of work to 345600 (four days) or more.",
    judge=rule_from(_violations, QUEUE, applies=_holds_work),
    controls=nist("CP-9", "CP-10", "SI-12") + hipaa("164.308(a)(7)(i)", "164.308(a)(7)(ii)(A)"),
)
