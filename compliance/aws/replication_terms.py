"""Which bucket replicates to which, and to what terms: by templates, and by custom resources where templates cannot.

S3 refuses a rule whose destination does not exist, so of two directions one must be set after both buckets are there.
What sets it is a custom resource, and it is known by its shape, whatever its type is called: it has properties for a
bucket and for the bucket that it replicates to, or a whole ReplicationConfiguration.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from compliance.cfn.arns import find
from compliance.cfn.caching import cached
from compliance.cfn.reading import branches, require_list, require_mapping
from compliance.cfn.references import is_there_with, of_type
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError

BUCKET: Final = "AWS::S3::Bucket"
CUSTOM: Final = ("Custom::*", "AWS::CloudFormation::CustomResource")
"""The types of custom resources, as patterns."""

_CONFIGURATION: Final = "ReplicationConfiguration"
_SOURCE: Final = re.compile(r"(source)?bucket(name|arn)?", re.IGNORECASE)
_DESTINATION: Final = re.compile(r"(destination|target|replica)bucket(name|arn)?", re.IGNORECASE)
_KEY: Final = re.compile(r"(replica|destination|target)kms(master)?key(id|arn)?", re.IGNORECASE)


class Replication(NamedTuple):
    """One rule of replication.

    Attributes:
        place: What messages call it.
        source: The value that names the bucket that is replicated; None for the bucket that has the rule.
        destination: The value that names the other bucket.
        key: The value that names the key that encrypts there; None if there is none.
        terms: The rule as CloudFormation has it; None where a custom resource keeps its terms to itself.
    """

    place: str
    source: Json
    destination: Json
    key: Json
    terms: Mapping[str, Json] | None


def replications_of(resource: Resource) -> list[Replication]:
    """Return the rules that one version of a bucket or of a custom resource sets; none for anything else."""
    if resource.type == BUCKET:
        return list(_of_configuration(resource.properties.get(_CONFIGURATION), None))
    if not is_custom(resource):
        return []
    source = _property(_SOURCE, resource)
    if _CONFIGURATION in resource.properties:
        return list(_of_configuration(resource.properties[_CONFIGURATION], source))
    destination = _property(_DESTINATION, resource)
    if source is None or destination is None:
        return []
    return [Replication("it", source, destination, _property(_KEY, resource), None)]


def is_custom(resource: Resource) -> bool:
    """Return whether the resource is made by somebody's function."""
    return resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource"


def replicates(resource: Resource, _world: TemplateSet) -> bool:
    """Return whether one version of a resource sets a replication."""
    return bool(replications_of(resource))


def source_of(replication: Replication, resource: Resource, world: TemplateSet) -> Resource | None:
    """Return the bucket that is replicated; None if the world does not hold it."""
    if replication.source is None:
        return resource
    return find(replication.source, resource.template, world, BUCKET)


def destination_of(replication: Replication, resource: Resource, world: TemplateSet) -> Resource | None:
    """Return the bucket that is replicated to; None if the world does not hold it."""
    return find(replication.destination, resource.template, world, BUCKET)


Link = tuple[str, str, str, str]
"""From a bucket to a bucket, each by its template's name and its logical id."""


def link(source: Resource, destination: Resource) -> Link:
    """Return the two as an entry of `links`."""
    return source.template.name, source.logical_id, destination.template.name, destination.logical_id


@cached
def links(world: TemplateSet) -> frozenset[Link]:
    """Return every pair of buckets where one replicates to the other in every branch of the conditions."""
    return frozenset(pair for resource in _all(world) for pair in _certain_links(resource, world))


def _certain_links(resource: Resource, world: TemplateSet) -> frozenset[Link]:
    certain: frozenset[Link] | None = None
    try:
        for properties in branches(resource.properties):
            found = frozenset(_links_of(replace(resource, properties=properties), world))
            certain = found if certain is None else certain & found
    except UnresolvedError:
        return frozenset()  # Its own row says that it cannot be read.
    return certain or frozenset()


def _links_of(resource: Resource, world: TemplateSet) -> Iterator[Link]:
    for replication in replications_of(resource):
        source, destination = source_of(replication, resource, world), destination_of(replication, resource, world)
        disabled = replication.terms is not None and replication.terms.get("Status") != "Enabled"
        if source is not None and destination is not None and not disabled and is_there_with(resource, source):
            yield link(source, destination)


def _all(world: TemplateSet) -> Iterator[Resource]:
    yield from of_type(world, BUCKET)
    for template in world.templates:
        yield from (one for one in template.resources if is_custom(one) and isinstance(one.properties, Mapping))


def is_replicated(bucket: Resource, world: TemplateSet) -> bool:
    """Return whether one version of a bucket replicates, or another bucket of the world replicates to it or is set to."""
    return replicates(bucket, world) or (bucket.template.name, bucket.logical_id) in _linked(world)


@cached
def _linked(world: TemplateSet) -> frozenset[tuple[str, str]]:
    """Return every bucket that replicates or is replicated to, by its template's name and its logical id."""
    return frozenset(end for pair in links(world) for end in (pair[:2], pair[2:]))


def _of_configuration(configuration: Json, source: Json) -> Iterator[Replication]:
    rules = require_list(require_mapping(configuration, _CONFIGURATION).get("Rules"), f"{_CONFIGURATION}.Rules")
    for index, rule in enumerate(rules):
        terms = require_mapping(rule, f"Rules[{index}]")
        destination = require_mapping(terms.get("Destination"), f"Rules[{index}].Destination")
        encryption = require_mapping(destination.get("EncryptionConfiguration"), "EncryptionConfiguration")
        place = f"rule {terms.get('Id', index)}"
        yield Replication(place, source, destination.get("Bucket"), encryption.get("ReplicaKmsKeyID"), terms)


def _property(pattern: re.Pattern[str], resource: Resource) -> Json:
    return next((value for name, value in resource.properties.items() if pattern.fullmatch(str(name))), None)
