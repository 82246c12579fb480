"""A queue is encrypted with a customer's key of its own region."""

from collections.abc import Iterator

from compliance.aws.dead_letters import QUEUE, TOPIC
from compliance.aws.keys import key_complaints
from compliance.cfn.templates import Resource, World
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import judge_by


def _complaints(resource: Resource, world: World) -> Iterator[str]:
    key = resource.properties.get("KmsMasterKeyId")
    yield from key_complaints("KmsMasterKeyId", key, resource.template.region, resource, world)


RULE = Rule(
    title="A queue or topic is encrypted with a customer managed key of its region",
    why=(
        "AWS's own key cannot be opened to S3 or CloudWatch, so an encrypted notification or alarm would be dropped in "
        "silence; without a key, names of clients' files lie in the queue as they are."
    ),
    fix="Set KmsMasterKeyId to a key whose policy admits the services that send.",
    judge=judge_by(_complaints, QUEUE, TOPIC),
    controls=nist("SC-12", "SC-13", "SC-28") + hipaa("164.312(a)(2)(iv)", "164.312(e)(2)(ii)") + pci("3.4", "8.2.1"),
)
