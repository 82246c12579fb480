"""A bucket tells the queue that is there to be told by it."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.arns import find
from compliance.complaints import judge_by
from compliance.controls import nist
from compliance.memory import once
from compliance.policies import Statement, policies
from compliance.reading import branches, one_or_more
from compliance.references import of_type
from compliance.rule import Rule
from compliance.rules.dead_letters import QUEUE, Key, key_of
from compliance.rules.notifications import notifications_of
from compliance.rules.replication_terms import BUCKET
from compliance.templates import Resource, World
from compliance.values import UnresolvedError

_S3: Final = "s3.amazonaws.com"
_SEND: Final = "sqs:SendMessage"


def _applies(bucket: Resource, world: World) -> bool:
    return key_of(bucket) in _admitted(world)


def _complaints(bucket: Resource, world: World) -> Iterator[str]:
    told = [find(one.target, bucket.template, world, QUEUE) for one in notifications_of(bucket)]
    keys = {key_of(queue) for queue in told if queue is not None}
    for queue in _admitted(world)[key_of(bucket)]:
        if key_of(queue) not in keys:
            yield f"{queue.path} admits S3 to send what happens in this bucket, and no notification goes there"


@once
def _admitted(world: World) -> Mapping[Key, list[Resource]]:
    """By bucket, the queues whose policy lets S3 send for it."""
    found: dict[Key, list[Resource]] = {}
    for policy in of_type(world, "AWS::SQS::QueuePolicy"):
        try:
            for properties in branches(policy.properties):
                queues = [
                    queue
                    for value in one_or_more(properties.get("Queues"), "Queues")
                    if (queue := find(value, policy.template, world, QUEUE)) is not None
                ]
                for version in policies(properties.get("PolicyDocument"), policy.template):
                    for statement in version:
                        for bucket in _buckets(statement, policy, world):
                            found.setdefault(key_of(bucket), []).extend(queues)
        except UnresolvedError:
            continue  # ActivePassive-Tls reads queue policies too, and says so.
    return found


def _buckets(statement: Statement, policy: Resource, world: World) -> Iterator[Resource]:
    if not (statement.allows and _S3 in statement.services() and statement.covers_action(_SEND)):
        return
    for condition in statement.conditions:
        if condition.key.lower() == "aws:sourcearn":
            targets = (find(value, policy.template, world, BUCKET) for value in condition.values)
            yield from (bucket for bucket in targets if bucket is not None)


RULE = Rule(
    id="ActivePassive-NotificationTarget",
    title="A bucket notifies each queue whose policy admits it",
    why=(
        "A queue that waits for a bucket which tells another, or nobody, stays empty: files are taken in, replicated and "
        "never processed, and no alarm on the queue can tell."
    ),
    fix="Add the queue to the bucket's NotificationConfiguration, or remove the statement from its policy.",
    judge=judge_by(_complaints, BUCKET, applies=_applies),
    controls=nist("CP-10", "SI-4", "SC-36"),
)
