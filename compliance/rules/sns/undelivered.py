"""A subscription's dead-letter queue is one of the templates, and lets SNS send to it."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.admission import refused, refused_by_key
from compliance.aws.resource_policies import policies_of
from compliance.cfn.arns import find, undeclared
from compliance.cfn.reading import require_mapping
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule, rule_from

_SNS: Final = "sns.amazonaws.com"
_SEND: Final = ("sqs:SendMessage",)


def _has_redrive_policy(subscription: Resource, _world: TemplateSet) -> bool:
    return not is_absent(subscription.properties.get("RedrivePolicy"))  # Serverless-SNSRedrivePolicy asks for one


def _violations(subscription: Resource, world: TemplateSet) -> Iterator[str]:
    target = require_mapping(subscription.properties["RedrivePolicy"], "RedrivePolicy").get("deadLetterTargetArn")
    if is_absent(target):
        yield "RedrivePolicy has no deadLetterTargetArn, so a message that cannot be delivered is lost"
        return
    queue = find(target, subscription.template, world, "AWS::SQS::Queue")
    if queue is None:
        yield f"deadLetterTargetArn is {undeclared(target, subscription.template, world)}, which is in none of the templates"
        return
    policies = [policy for _, policy in policies_of(queue, world)] or [()]
    for missing in (*(refused(policy, _SNS, _SEND) for policy in policies), refused_by_key(queue, _SNS, world)):
        if missing:
            yield f"{queue.path} or its key does not let {_SNS} do {', '.join(missing)}, so SNS drops the message"


RULE = Rule(
    title="A subscription's dead-letter queue is one of the templates, and its policy admits SNS",
    why=(
        "SNS drops an alarm that it can neither deliver nor put into the dead-letter queue. A queue of other messages would "
        "return it to a consumer that cannot read it."
    ),
    fix="Set RedrivePolicy.deadLetterTargetArn to a queue whose policy allows sqs:SendMessage to sns.amazonaws.com.",
    # https://docs.aws.amazon.com/sns/latest/dg/sns-configure-dead-letter-queue.html
    judge=rule_from(_violations, "AWS::SNS::Subscription", applies=_has_redrive_policy),
    controls=nist("AU-5", "SI-4(5)", "SI-11") + hipaa("164.308(a)(6)(ii)"),
)
