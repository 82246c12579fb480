"""A queue is encrypted with a customer's key of its own region."""

from collections.abc import Iterator

from compliance.aws.dead_letters import QUEUE, TOPIC
from compliance.aws.keys import key_violations
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import rule_from


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    key = resource.properties.get("KmsMasterKeyId")
    yield from key_violations("KmsMasterKeyId", key, resource.template.region, resource, world)


RULE = Rule(
    title="A queue or topic is encrypted with a customer managed key of its region",
    why=(
        "AWS's own key cannot be opened to S3 or CloudWatch, so an encrypted notification or alarm would be dropped in "
        "silence; without a key, names of clients' files lie in the queue as they are."
    ),
    fix="Set KmsMasterKeyId to a key whose policy admits the services that send.",
    judge=rule_from(_violations, QUEUE, TOPIC),
    controls=nist("SC-12", "SC-13", "SC-28") + hipaa("164.312(a)(2)(iv)", "164.312(e)(2)(ii)") + pci("3.4", "8.2.1"),
)
