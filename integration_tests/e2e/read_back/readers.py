"""Readers, one for each resource type: ask the type's API and return the answer in CloudFormation's terms.

A reader returns a resource's properties under the names that a template uses. A property that the template has and the
reader does not return is a difference, so a property that cannot be read back must be declared here, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from integration_tests.e2e.read_back.resources import Resource
from operations.target import Mode

Properties: TypeAlias = dict[str, Any]
Reader: TypeAlias = Callable[[Resource], Properties]

READERS: Final[dict[str, Reader]] = {}
"""The readers by CloudFormation's type."""
UNREAD: Final[dict[tuple[str, str], str]] = {}
"""Properties that no API returns: the reason, by type and property."""
UNREAD_LOCALLY: Final[Mapping[tuple[str, str], str]] = {
    ("AWS::CloudWatch::Dashboard", "Tags"): "the local cloud's ListTagsForResource knows alarms only",
}
"""Properties that AWS returns and the local cloud does not."""
UNREAD_TYPES: Final[Mapping[str, str]] = {
    "AWS::CDK::Metadata": "says which constructs were used, to AWS",
    "Custom::VpcRestrictDefaultSG": "has no API of its own; what it does is read back with the VPC",
    "Custom::BucketReplication": "has no API of its own; what it does is read back with the bucket that it is for",
    "Custom::TablePolicy": "has no API of its own; what it does is read back with the table that it is for",
}


def reads(kind: str, **unread: str) -> Callable[[Reader], Reader]:
    """Register the reader of a type.

    Args:
        kind: CloudFormation's type.
        unread: Properties that no API answers, and why.
    """

    def register(reader: Reader) -> Reader:
        READERS[kind] = reader
        UNREAD.update({(kind, name): why for name, why in unread.items()})
        return reader

    return register


def is_unread(resource: Resource, name: str) -> bool:
    """Return whether a property of a resource is declared as one that cannot be read back in this cloud."""
    key = (resource.type, name)
    return key in UNREAD or (resource.target.mode is Mode.LOCAL and key in UNREAD_LOCALLY)


def renamed(answer: Mapping[str, Any], **names: str) -> Properties:
    """Return the given entries of an answer under other names (new=old), without the missing ones."""
    return {new: answer[old] for new, old in names.items() if old in answer}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the form that most templates use."""
    return [{"Key": key, "Value": value} for key, value in tags.items() if not key.startswith("aws:")]


def own_tags(tags: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the tags without those that CloudFormation adds."""
    return [{"Key": one["Key"], "Value": one["Value"]} for one in tags if not one["Key"].startswith("aws:")]
