"""A secret has a replica in every region, with a key of that region."""

from collections.abc import Iterator

from compliance.aws.keys import key_violations
from compliance.cfn.arns import regions_of, text_of
from compliance.cfn.reading import require_list, require_mapping
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from


def _violations(secret: Resource, world: TemplateSet) -> Iterator[str]:
    here = secret.template.region
    yield from key_violations("KmsKeyId", secret.properties.get("KmsKeyId"), here, secret, world)
    replicas = [
        require_mapping(replica, "ReplicaRegions")
        for replica in require_list(secret.properties.get("ReplicaRegions"), "ReplicaRegions")
    ]
    regions = [text_of(replica.get("Region"), secret.template, world) for replica in replicas]
    for region, replica in zip(regions, replicas, strict=True):
        yield from key_violations(f"KmsKeyId of the replica in {region}", replica.get("KmsKeyId"), region, secret, world)
        if region == here:
            yield f"a replica is in {region}, where the secret itself is"
    for region in sorted(regions_of(world) - {here, *regions}):
        yield f"no replica is in {region}, which is a region of the system"
    if not replicas:
        yield "it has no replica, so it cannot be read while its region is down"


RULE = Rule(
    title="A secret is replicated to every region of the system, with a customer managed key of each",
    why=(
        "A region that reads its secret from the other region fails with it. So does a replica under the other region's key."
    ),
    fix="Set KmsKeyId, and ReplicaRegions with a Region and the KmsKeyId of a key there.",
    judge=rule_from(_violations, "AWS::SecretsManager::Secret"),
    controls=nist("CP-9", "SC-12(1)", "SC-28")
    + hipaa("164.308(a)(7)(ii)(B)", "164.312(a)(2)(ii)", "164.312(a)(2)(iv)")
    + pci("3.5", "8.2.1"),
)
