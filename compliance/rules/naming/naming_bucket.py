"""Buckets are in the account-regional namespace, and their prefix leaves room for the suffix of S3."""

from typing import Final

from compliance.cfn.reading import possible_texts
from compliance.cfn.templates import Resource, TemplateSet
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, Rule, failed, not_evaluated

# S3 allows 63 characters. `-<account: 12>-<region>-an` takes 17 and the region's own length.
PREFIX_AND_REGION: Final = 46
SHORTEST_REGION: Final = len("sa-east-1")
LONGEST_REGION: Final = len("ap-southeast-1")


def judge(resource: Resource, _world: TemplateSet) -> Judgement:
    """Look at the bucket's namespace and the length of its prefix."""
    if resource.type != "AWS::S3::Bucket":
        return NOT_APPLICABLE
    for namespace in possible_texts(resource.properties.get("BucketNamespace")):
        if namespace != "account-regional":
            shown = "not set" if namespace is None else repr(namespace)
            return failed(f"BucketNamespace is {shown}; set it to 'account-regional' and BucketNamePrefix to the name")
    for prefix in possible_texts(resource.properties.get("BucketNamePrefix")):
        if prefix is None:
            return failed("BucketNamePrefix is not set; an account-regional bucket is named by it")
        too_long = _too_long(prefix, resource.template.region)
        if too_long:
            return too_long
    return PASSED


def _too_long(prefix: str, region: str) -> Judgement | None:
    if region:
        room = PREFIX_AND_REGION - len(region)
        excess = len(prefix) - room
        return failed(_message(prefix, room, region, excess)) if excess > 0 else None
    if len(prefix) > PREFIX_AND_REGION - SHORTEST_REGION:
        room = PREFIX_AND_REGION - SHORTEST_REGION
        return failed(_message(prefix, room, "any region", len(prefix) - room))
    if len(prefix) > PREFIX_AND_REGION - LONGEST_REGION:
        return not_evaluated(f"{prefix!r} fits in some regions only; give the template's region, as FILE@us-east-1")
    return None


def _message(prefix: str, room: int, region: str, excess: int) -> str:
    return (
        f"BucketNamePrefix {prefix!r} has {len(prefix)} characters, {excess} more than the {room} that S3 leaves in "
        f"{region} after appending the account and the region"
    )


RULE = Rule(
    title="A bucket is in the account-regional namespace and its prefix fits",
    why=(
        "A bucket's plain name is global: the second region, or any other account, can already own it. In the "
        "account-regional namespace one prefix serves both regions, as long as the suffix fits."
    ),
    fix="Set BucketNamespace to account-regional, and BucketNamePrefix to at most 46 characters less the region's.",
    judge=judge,
)
