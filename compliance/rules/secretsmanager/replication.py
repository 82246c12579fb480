"""A secret can be read in every region with a key of that region."""

from collections.abc import Iterator

from compliance.aws.keys import key_complaints
from compliance.cfn.arns import regions_of, text_of
from compliance.cfn.reading import a_list, a_map
from compliance.cfn.templates import Resource, World
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import judge_by


def _complaints(secret: Resource, world: World) -> Iterator[str]:
    here = secret.template.region
    yield from key_complaints("KmsKeyId", secret.properties.get("KmsKeyId"), here, secret, world)
    replicas = [
        a_map(replica, "ReplicaRegions") for replica in a_list(secret.properties.get("ReplicaRegions"), "ReplicaRegions")
    ]
    regions = [text_of(replica.get("Region"), secret.template, world) for replica in replicas]
    for region, replica in zip(regions, replicas, strict=True):
        yield from key_complaints(f"KmsKeyId of the replica in {region}", replica.get("KmsKeyId"), region, secret, world)
        if region == here:
            yield f"a replica is in {region}, where the secret itself is"
    for region in sorted(regions_of(world) - {here, *regions}):
        yield f"no replica is in {region}, where the system stands too"
    if not replicas:
        yield "it has no replica, so nobody can read it when its region is down"


RULE = Rule(
    title="A secret is replicated to every region of the system, with a customer managed key of each",
    why="A region that must fetch its secret from the other is down with it. So is a replica under the other's key.",
    fix="Set KmsKeyId, and ReplicaRegions with a Region and the KmsKeyId of a key there.",
    judge=judge_by(_complaints, "AWS::SecretsManager::Secret"),
    controls=nist("CP-9", "SC-12(1)", "SC-28")
    + hipaa("164.308(a)(7)(ii)(B)", "164.312(a)(2)(ii)", "164.312(a)(2)(iv)")
    + pci("3.5", "8.2.1"),
)
