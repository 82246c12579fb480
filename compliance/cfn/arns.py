"""Find the resource that a name, an ARN or a URL refers to, and return the names and ARNs of a resource."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from compliance.cfn.caching import cached
from compliance.cfn.reading import branches
from compliance.cfn.references import follow, is_known, named, of_type, partition, render, resource_of
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError, describe

ACCOUNT: Final = "${AWS::AccountId}"

_SHAPES: Final = {
    "AWS::DynamoDB::GlobalTable": ("TableName", "arn:{partition}:dynamodb:{region}:{account}:table/{name}"),
    "AWS::DynamoDB::Table": ("TableName", "arn:{partition}:dynamodb:{region}:{account}:table/{name}"),
    "AWS::Events::Rule": ("Name", "arn:{partition}:events:{region}:{account}:rule/{name}"),
    "AWS::KMS::Alias": ("AliasName", "arn:{partition}:kms:{region}:{account}:{name}"),
    "AWS::Lambda::Function": ("FunctionName", "arn:{partition}:lambda:{region}:{account}:function:{name}"),
    "AWS::Logs::LogGroup": ("LogGroupName", "arn:{partition}:logs:{region}:{account}:log-group:{name}"),
    "AWS::S3::Bucket": ("BucketName", "arn:{partition}:s3:::{name}"),
    "AWS::SNS::Topic": ("TopicName", "arn:{partition}:sns:{region}:{account}:{name}"),
    "AWS::SQS::Queue": ("QueueName", "arn:{partition}:sqs:{region}:{account}:{name}"),
    "AWS::SecretsManager::Secret": ("Name", "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}"),
}
"""The property that names a resource of a type, and its ARN."""
ARN_TYPES: Final = tuple(_SHAPES)
"""The types whose resources are found by name or ARN."""

_ACCOUNT: Final = re.compile(r"(?<!\d)\d{12}(?!\d)")
_REFERENCE: Final = re.compile(r"\$\{(\w+)(?:\.\w+)?\}")
_ARN_FIELDS: Final = 6
_ACCOUNT_REGIONAL: Final = re.compile(r"-(?:\d{12}|\$\{AWS::AccountId\})-(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)-an$")


def names_of(resource: Resource) -> Iterator[str]:
    """Yield every name that the resource may have; none if AWS generates it or its type is not in `_SHAPES`."""
    if resource.type not in _SHAPES:
        return
    for name in branches(resource.properties.get(_SHAPES[resource.type][0])):
        if name is not None:
            yield render(name, resource.template)
    if resource.type == "AWS::S3::Bucket" and resource.template.region:
        for prefix in branches(resource.properties.get("BucketNamePrefix")):
            if prefix is not None:
                yield f"{render(prefix, resource.template)}-{ACCOUNT}-{resource.template.region}-an"


def arns_of(resource: Resource) -> Iterator[str]:
    """Yield every ARN that the resource may have, as far as its name is known."""
    for name in names_of(resource):
        region = resource.template.region or "${AWS::Region}"
        yield _SHAPES[resource.type][1].format(partition=partition(region), region=region, account=ACCOUNT, name=name)


def same(one: str, other: str) -> bool:
    """Return whether two texts are equal in the account of the deployment."""
    if ACCOUNT in one or ACCOUNT in other:
        return _ACCOUNT.sub(ACCOUNT, one) == _ACCOUNT.sub(ACCOUNT, other)
    return one == other


def find(value: Json, template: Template, world: TemplateSet, *types: str) -> Resource | None:
    """Return the resource that a value refers to by reference, ARN, queue URL or name; None if there is none.

    A bare name refers to a resource of the template's own region, except for a bucket.

    Args:
        value: Value of a property.
        template: The template that the value is in.
        world: The templates to search.
        types: The allowed types; each must be in `_SHAPES`.

    Raises:
        UnresolvedError: The value is not a text.
    """
    target = named(value, template, world)
    if target is None:
        value, template = follow(value, template, world)
        text = render(value, template)
        reference = _REFERENCE.fullmatch(text)
        target = resource_of(template, reference[1]) if reference else _known_as(text, template, world, types)
    return target if target is not None and target.type in types else None


def _known_as(text: str, template: Template, world: TemplateSet, types: tuple[str, ...]) -> Resource | None:
    name = text.rpartition("/")[2] if text.startswith("https:") else text
    for kind in types:
        for wanted in (text, f"{_scope(kind, template.region)}{name}"):
            for known, resource in _index(world).get((kind, _ACCOUNT.sub(ACCOUNT, wanted)), ()):
                if same(wanted, known):
                    return resource
    return None


def _scope(kind: str, region: str) -> str:
    """Return the scope of a name: a bucket's name is global, any other name belongs to the template's region."""
    return "name " if kind == "AWS::S3::Bucket" else f"name in {region} "


@cached
def _index(world: TemplateSet) -> Mapping[tuple[str, str], list[tuple[str, Resource]]]:
    """Return the resources by type and text, with any account replaced, each with the original text."""
    found: dict[tuple[str, str], list[tuple[str, Resource]]] = {}
    for resource in of_type(world, *_SHAPES):
        try:
            names = [f"{_scope(resource.type, resource.template.region)}{name}" for name in names_of(resource)]
            texts = [*arns_of(resource), *names]
        except UnresolvedError:
            continue  # The resource's own row reports that its name cannot be read.
        for text in texts:
            found.setdefault((resource.type, _ACCOUNT.sub(ACCOUNT, text)), []).append((text, resource))
    return found


def text_of(value: Json, template: Template, world: TemplateSet) -> str:
    """Return the text of a value, with imports followed; the account may be unknown.

    Raises:
        UnresolvedError: Another part is known only at deployment.
    """
    value, template = follow(value, template, world)
    text = render(value, template)
    if not is_known(text.replace(ACCOUNT, "")):
        raise UnresolvedError(f"the template does not say what {describe(value)} will be")
    return text


def undeclared(value: Json, template: Template, world: TemplateSet) -> str:
    """Return the text of a value that means nothing of these templates.

    Raises:
        UnresolvedError: It is known only at deployment, so it may mean something of these templates.
    """
    value, template = follow(value, template, world)
    text = render(value, template)
    if not is_known(text.replace(ACCOUNT, "")):
        raise UnresolvedError(f"{describe(value)} is in none of the templates, so what it means is unknown")
    return text


def region_of(value: Json, template: Template, world: TemplateSet) -> str:
    """Return the region of the resource that a value refers to: by ARN, by bucket name, or by its template.

    Raises:
        UnresolvedError: The region is unknown.
    """
    followed, where = follow(value, template, world)
    target = named(followed, where, world) or find(followed, where, world, *_SHAPES)
    if target is not None and target.template.region:
        return target.template.region
    text = render(followed, where)
    fields = text.split(":")
    if len(fields) >= _ARN_FIELDS and fields[0] == "arn" and is_known(fields[3]) and fields[3]:
        return fields[3]
    regional = _ACCOUNT_REGIONAL.search(text)
    if regional:
        return regional["region"]
    raise UnresolvedError(f"the templates do not say in which region {describe(value)} is")


@cached
def regions_of(world: TemplateSet) -> frozenset[str]:
    """Return the regions of the system: those of the stacks in several regions, else of all templates."""
    by_stack: dict[str, set[str]] = {}
    for template in world.templates:
        if template.region:
            by_stack.setdefault(template.stack_name, set()).add(template.region)
    twice = [regions for name, regions in by_stack.items() if name and len(regions) > 1]
    return frozenset(region for regions in twice or by_stack.values() for region in regions)
