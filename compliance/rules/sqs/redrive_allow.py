"""A dead-letter queue accepts messages of its own sources only."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.dead_letters import QUEUE, is_dead_letter_queue, is_same, users_of
from compliance.cfn.arns import find
from compliance.cfn.reading import require_list, require_mapping, require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import describe
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_SETTING: Final = "RedriveAllowPolicy"


def _violations(queue: Resource, world: TemplateSet) -> Iterator[str]:
    policy = require_mapping(queue.properties.get(_SETTING), _SETTING)
    permission = require_text(policy.get("redrivePermission"), "redrivePermission")
    sources = [user for user in users_of(queue, world) if user.type == QUEUE]
    if permission == "denyAll":
        for source in sources:
            yield f"redrivePermission is denyAll, and {source.path} redrives to it"
    elif permission != "byQueue":
        yield f"redrivePermission is {permission or 'not set'}, so any queue may fill it; list its sources by byQueue"
    else:
        yield from _of_list(queue, sources, policy.get("sourceQueueArns"), world)


def _of_list(queue: Resource, sources: list[Resource], arns: object, world: TemplateSet) -> Iterator[str]:
    listed = require_list(arns, "sourceQueueArns")
    allowed = [(arn, find(arn, queue.template, world, QUEUE)) for arn in listed]
    for source in sources:
        if not any(each is not None and is_same(each, source) for _, each in allowed):
            yield f"sourceQueueArns leave out {source.path}, which redrives to it"
    for arn, each in allowed:
        if each is None or not any(is_same(each, source) for source in sources):
            yield f"sourceQueueArns allow {arn if isinstance(arn, str) else describe(arn)}, which does not redrive to it"
    if not listed:
        yield "sourceQueueArns is empty; list its sources, or deny all"


RULE = Rule(
    title="A dead-letter queue allows exactly the queues that redrive to it",
    why="Messages of other queues hide real failures, and a redrive can send them to the wrong queue.",
    fix="Set RedriveAllowPolicy to byQueue with the sources' ARNs; to denyAll where no queue redrives to it.",
    judge=rule_from(_violations, QUEUE, applies=is_dead_letter_queue),
    controls=nist("AC-3", "AC-4", "AC-6"),
)
