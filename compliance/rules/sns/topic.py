"""A topic is encrypted by a customer managed key, and alarms can publish to it."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.admission import refused, refused_by_key
from compliance.aws.alarms import notified_topics
from compliance.aws.dead_letters import TOPIC, key_of
from compliance.aws.keys import is_aws_managed
from compliance.aws.resource_policies import policies_of
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.values import is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_CLOUDWATCH: Final = "cloudwatch.amazonaws.com"
_TOPIC_ACTIONS: Final = ("sns:Publish",)


def _violations(topic: Resource, world: TemplateSet) -> Iterator[str]:
    key = topic.properties.get("KmsMasterKeyId")
    if is_absent(key):
        yield "KmsMasterKeyId is not set, so messages lie unencrypted; set it to a key of ours"
        return
    if is_aws_managed(key):
        yield f"KmsMasterKeyId is {key}; CloudWatch cannot publish through a key that AWS manages"
        return
    if key_of(topic) in notified_topics(world):
        yield from _dropped(refused_by_key(topic, _CLOUDWATCH, world), "the key's policy")
        for _, policy in policies_of(topic, world):
            yield from _dropped(refused(policy, _CLOUDWATCH, _TOPIC_ACTIONS), "the topic's policy")


def _dropped(missing: list[str], whose: str) -> Iterator[str]:
    if missing:
        yield f"{whose} does not let {_CLOUDWATCH} do {', '.join(missing)}, so an alarm's message is dropped without a trace"


RULE = Rule(
    title="A topic is encrypted by a customer managed key, and both policies admit CloudWatch",
    why=(
        "Alarms contain names of resources and of customers' files. If the topic's key does not admit CloudWatch, each "
        "alarm's message is dropped without an error, and nobody is notified."
    ),
    fix=(
        "Set KmsMasterKeyId, and allow kms:Decrypt and kms:GenerateDataKey* to cloudwatch.amazonaws.com in the key's "
        "policy and sns:Publish in the topic's, each under aws:SourceAccount."
    ),
    judge=rule_from(_violations, TOPIC),
    controls=nist("SC-13", "SC-28", "SI-4(5)") + hipaa("164.312(a)(2)(iv)", "164.312(e)(2)(ii)") + pci("3.4", "8.2.1"),
)
