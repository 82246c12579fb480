"""Whether a key is customer managed, and in which region it is."""

from collections.abc import Iterator

from compliance.cfn.arns import region_of
from compliance.cfn.references import named
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.engine.requirements import Property


def is_aws_managed(key: Json) -> bool:
    """Return whether a literal names a key that AWS manages: nobody can write its policy, disable it or audit its grants."""
    return isinstance(key, str) and key.rpartition(":")[2].startswith("alias/aws/")


def key_violations(place: str, key: Json, region: str, resource: Resource, world: TemplateSet) -> Iterator[str]:
    """Yield a violation for a key that is not customer managed, or not of the region in which it is used.

    Args:
        place: What messages call the property or the replica.
        key: The property's value.
        region: Where the key is used; empty if that is unknown.
        resource: Whose property it is.
        world: Where imports are followed.

    Raises:
        UnresolvedError: The templates do not say which key it is.
    """
    if key is None:
        yield f"{place} is not set, so an AWS owned key encrypts, or none; name a customer managed key"
    elif is_aws_managed(key):
        yield f"{place} is {key!r}, an AWS managed key; name a customer managed key"
    elif not _is_here(key, region, resource, world):
        key_region = region_of(key, resource.template, world)
        if key_region != region:
            yield f"{place} is a key of {key_region}; it must be one of {region or 'the region that the template is for'}"


def is_customer_key(found: Property) -> str | None:
    """Require a customer managed key of the region that the property is used in."""
    return next(key_violations(found.place, found.value, found.region, found.resource, found.world), None)


def _is_here(key: Json, region: str, resource: Resource, world: TemplateSet) -> bool:
    """Return whether the key is certainly of the region: a bare id or alias, or a key of the same template."""
    if isinstance(key, str) and not key.startswith("arn:"):
        return True
    target = named(key, resource.template, world)
    return target is not None and target.template is resource.template and region == resource.template.region
