"""A bucket notifies the queues whose policies admit it, and no others."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.admission import admits, refused_by_key
from compliance.aws.dead_letters import QUEUE, Key, key_of
from compliance.aws.notifications import notifications_of
from compliance.aws.replication_terms import BUCKET
from compliance.aws.resource_policies import policies_of
from compliance.cfn.arns import arns_of, find
from compliance.cfn.caching import cached
from compliance.cfn.policies import Statement, covers, policies
from compliance.cfn.reading import branches, one_or_more
from compliance.cfn.references import of_type
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import nist
from compliance.engine.rule import Rule, rule_from

_S3: Final = "s3.amazonaws.com"
_SEND: Final = "sqs:SendMessage"


def _applies(bucket: Resource, world: TemplateSet) -> bool:
    return key_of(bucket) in _admitted(world) or bool(_notified(bucket, world))


def _violations(bucket: Resource, world: TemplateSet) -> Iterator[str]:
    notified = _notified(bucket, world)
    admitting = _admitted(world).get(key_of(bucket), [])
    for queue in admitting:
        if key_of(queue) not in notified:
            yield f"{queue.path} admits S3 to send what happens in this bucket, and the bucket does not notify it"
    admitted = {key_of(queue) for queue in admitting}
    for key, queue in notified.items():
        if key not in admitted and not _lets_any_bucket_send(queue, bucket, world):
            yield f"{queue.path} is notified, and its policy does not admit {_S3} with {_SEND} for this bucket"
        if missing := refused_by_key(queue, _S3, world):
            yield f"the key of {queue.path} does not let {_S3} do {', '.join(missing)}, so S3 drops what it would notify"


def _notified(bucket: Resource, world: TemplateSet) -> dict[Key, Resource]:
    """Return the queues of the world that one version of a bucket notifies."""
    found = (find(one.target, bucket.template, world, QUEUE) for one in notifications_of(bucket))
    return {key_of(queue): queue for queue in found if queue is not None}


def _lets_any_bucket_send(queue: Resource, bucket: Resource, world: TemplateSet) -> bool:
    """Return whether a policy of the queue admits the bucket among others: by a pattern, or because it names no bucket.

    Raises:
        UnresolvedError: A policy that may be the queue's cannot be read.
    """
    for _, version in policies_of(queue, world):
        for statement in version:
            if not admits(statement, _S3, _SEND):
                continue
            sources = [test.values for test in statement.conditions if test.key.lower() == "aws:sourcearn"]
            if all(any(covers(value, arn) for value in values for arn in arns_of(bucket)) for values in sources):
                return True
    return False


@cached
def _admitted(world: TemplateSet) -> Mapping[Key, list[Resource]]:
    """Return, by bucket, the queues whose policy lets S3 send for it."""
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
            continue  # ActivePassive-IAMTLS reads queue policies too, and says so.
    return found


def _buckets(statement: Statement, policy: Resource, world: TemplateSet) -> Iterator[Resource]:
    if not admits(statement, _S3, _SEND):
        return
    for condition in statement.conditions:
        if condition.key.lower() == "aws:sourcearn":
            targets = (find(value, policy.template, world, BUCKET) for value in condition.values)
            yield from (bucket for bucket in targets if bucket is not None)


RULE = Rule(
    title="A bucket notifies each queue whose policy admits it, and only such",
    why=(
        "A queue stays empty if its bucket notifies another queue or none. Files are then accepted and replicated but never "
        "processed, and no alarm on the queue fires. The same holds for a queue, or a queue's key, that does not admit S3."
    ),
    fix=(
        "Add the queue to the bucket's NotificationConfiguration, or remove the statement from its policy. Let the policy "
        "of each notified queue allow s3.amazonaws.com sqs:SendMessage with aws:SourceArn of the bucket, and its key's "
        "policy kms:Decrypt and kms:GenerateDataKey."
    ),
    judge=rule_from(_violations, BUCKET, applies=_applies),
    controls=nist("CP-10", "SI-4", "SC-36"),
)
