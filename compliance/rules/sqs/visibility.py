"""A message stays hidden for the function's timeout and Lambda's own retries."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.dead_letters import QUEUE
from compliance.aws.event_sources import mappings_of, versions_of_function
from compliance.cfn.reading import require_number
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_TIMES: Final = 6
"""As AWS recommends: room for Lambda to retry a batch that was throttled."""
_DEFAULT_VISIBILITY: Final = 30
_DEFAULT_TIMEOUT: Final = 3
"""Seconds: the defaults of SQS and Lambda."""


def _violations(queue: Resource, world: TemplateSet) -> Iterator[str]:
    hidden = require_number(queue.properties.get("VisibilityTimeout"), "VisibilityTimeout")
    hidden = _DEFAULT_VISIBILITY if hidden is None else hidden
    for mapping in mappings_of(queue, world):
        window = (
            require_number(mapping.properties.get("MaximumBatchingWindowInSeconds"), "MaximumBatchingWindowInSeconds") or 0
        )
        for function in versions_of_function(mapping, world):
            timeout = require_number(function.properties.get("Timeout"), "Timeout") or _DEFAULT_TIMEOUT
            least = _TIMES * timeout + window
            if hidden < least:
                yield (
                    f"VisibilityTimeout is {hidden:.0f} s; it must be {least:.0f} s or more: {_TIMES} times the timeout of "
                    f"{function.path}, {timeout:.0f} s, and the batching window"
                )


RULE = Rule(
    title="A queue hides a message for six times its function's timeout or longer",
    why=(
        "A message that reappears during its processing is processed twice at once, and uses up its receives although it "
        "succeeds."
    ),
    fix="Set VisibilityTimeout to six times the function's Timeout, plus the mapping's batching window.",
    judge=rule_from(_violations, QUEUE, applies=lambda queue, world: any(True for _ in mappings_of(queue, world))),
    controls=nist("SI-7", "SI-11", "SC-5"),
)
