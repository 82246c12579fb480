"""Readers, one for each resource type: ask the type's API and return the answer in CloudFormation's terms.

A reader returns a resource's properties under the names that a template uses. A property that the template has and the
reader does not return is a difference, so a property that cannot be read must be declared here, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

from botocore.exceptions import ClientError

from compliance.live.deployed import Deployed

Properties: TypeAlias = dict[str, Any]
Reader: TypeAlias = Callable[[Deployed], Properties]
_One = TypeVar("_One")

READERS: Final[dict[str, Reader]] = {}
"""The readers by CloudFormation's type."""
UNREAD: Final[dict[tuple[str, str], str]] = {}
"""Properties that no API returns: the reason, by type and property."""
UNREAD_TYPES: Final[Mapping[str, str]] = {"AWS::CDK::Metadata": "says which constructs were used, to AWS"}
"""Types that have nothing to read."""


class GoneError(Exception):
    """Raised by a reader whose resource no longer exists."""


class UnreadError(Exception):
    """Raised for a resource that cannot be read. The message says why."""


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


def read(resource: Deployed) -> Properties:
    """Return a resource's live properties: by the reader of its type, else by Cloud Control.

    Raises:
        GoneError: The resource no longer exists.
        UnreadError: Nothing answered for it.
    """
    reader = READERS.get(resource.type, _by_cloud_control)
    try:
        return reader(resource)
    except ClientError as error:
        if reader is not _by_cloud_control and is_gone(error):
            raise GoneError from error
        raise UnreadError(str(error)) from error


def is_gone(error: ClientError) -> bool:
    """Return whether an API answers that there is no such thing."""
    return any(part in error.response["Error"]["Code"] for part in ("NotFound", "NoSuch", "NonExistent", "DoesNotExist"))


def _by_cloud_control(resource: Deployed) -> Properties:
    """Ask Cloud Control, which knows many types by the value of `Ref`.

    https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-identifier.html
    """
    if not resource.type.startswith("AWS::"):
        raise UnreadError(f"no API returns a resource of type {resource.type}")
    answer = resource.client("cloudcontrol").get_resource(TypeName=resource.type, Identifier=resource.physical_id)
    held: Properties = json.loads(answer["ResourceDescription"]["Properties"])
    return held


def only(found: Iterable[_One]) -> _One:
    """Return the only one of the answers.

    Raises:
        GoneError: There is none.
    """
    for one in found:
        return one
    raise GoneError


def renamed(answer: Mapping[str, Any], **names: str) -> Properties:
    """Return the given entries of an answer under other names (new=old), without the missing ones."""
    return {new: answer[old] for new, old in names.items() if old in answer}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the form that most templates use."""
    return [{"Key": key, "Value": value} for key, value in tags.items() if not key.startswith("aws:")]


def own_tags(tags: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the tags without those that CloudFormation adds."""
    return [{"Key": one["Key"], "Value": one["Value"]} for one in tags if not one["Key"].startswith("aws:")]
