"""Convert CloudFormation's ReplicationConfiguration to the form of the S3 API.

The two forms differ in a few names, and a custom resource receives its numbers as text. An unknown term is refused: if it
were ignored, copies could be missing after a failover.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, cast

from handlers.shared.custom_resource import PropertyError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ReplicationConfigurationOutputTypeDef

_Read: TypeAlias = Callable[[Any, str], Any]
"""Converts CloudFormation's value to the API's; the second argument is the place, for errors."""

_WHOLE_NUMBER: Final = re.compile(r"0|[1-9][0-9]*", re.ASCII)


def to_api(value: object, place: str) -> "ReplicationConfigurationOutputTypeDef":
    """Return the configuration for `PutBucketReplication`.

    Args:
        value: CloudFormation's property; numbers may be text.
        place: Name of the property in errors.

    Raises:
        PropertyError: A term is unknown, missing or of the wrong type; the message names its place and what is allowed.
    """
    return cast("ReplicationConfigurationOutputTypeDef", _CONFIGURATION(value, place))


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or not value:
        raise PropertyError(f"{place} must be a text that is not empty; it is {value!r}")
    return value


def _any_text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise PropertyError(f"{place} must be a text; it is {value!r}")
    return value


def _number(value: object, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or not _WHOLE_NUMBER.fullmatch(str(value)):
        raise PropertyError(f"{place} must be a whole number, such as 15; it is {value!r}")
    return int(value)


def _status(value: object, place: str) -> str:
    if value not in ("Enabled", "Disabled"):
        raise PropertyError(f"{place} must be Enabled or Disabled; it is {value!r}")
    return str(value)


def _list_of(read: _Read) -> _Read:
    def read_all(value: object, place: str) -> list[Any]:
        if not isinstance(value, list):
            raise PropertyError(f"{place} must be a list; it is {value!r}")
        return [read(one, f"{place}[{index}]") for index, one in enumerate(value)]

    return read_all


class _Key(NamedTuple):
    """A key of a map.

    Attributes:
        read: Converts the value.
        api: The API's name of the key; empty if it is the same.
        required: Whether CloudFormation requires the key.
    """

    read: _Read
    api: str = ""
    required: bool = False


def _map_of(**keys: _Key) -> _Read:
    def read(value: object, place: str) -> dict[str, Any]:
        allowed = ", ".join(keys)
        if not isinstance(value, Mapping):
            raise PropertyError(f"{place} must be a map of {allowed}; it is {value!r}")
        for name in value:
            if name not in keys:
                raise PropertyError(f"{place}.{name} is not known; allowed are: {allowed}")
        for name, key in keys.items():
            if key.required and name not in value:
                raise PropertyError(f"{place}.{name} is missing; add it")
        return {keys[name].api or name: keys[name].read(item, f"{place}.{name}") for name, item in value.items()}

    return read


_SWITCH: Final = _map_of(Status=_Key(_status, required=True))
_MINUTES: Final = _map_of(Minutes=_Key(_number, required=True))
_TAG: Final = _map_of(Key=_Key(_text, required=True), Value=_Key(_any_text, required=True))
_FILTER: Final = _map_of(
    Prefix=_Key(_any_text),
    TagFilter=_Key(_TAG, api="Tag"),
    And=_Key(_map_of(Prefix=_Key(_any_text), TagFilters=_Key(_list_of(_TAG), api="Tags"))),
)
_DESTINATION: Final = _map_of(
    Bucket=_Key(_text, required=True),
    Account=_Key(_text),
    StorageClass=_Key(_text),
    AccessControlTranslation=_Key(_map_of(Owner=_Key(_text, required=True))),
    EncryptionConfiguration=_Key(_map_of(ReplicaKmsKeyID=_Key(_text, required=True))),
    ReplicationTime=_Key(_map_of(Status=_Key(_status, required=True), Time=_Key(_MINUTES, required=True))),
    Metrics=_Key(_map_of(Status=_Key(_status, required=True), EventThreshold=_Key(_MINUTES))),
)
_RULE: Final = _map_of(
    Id=_Key(_text, api="ID"),
    Status=_Key(_status, required=True),
    Priority=_Key(_number),
    Prefix=_Key(_any_text),
    Filter=_Key(_FILTER),
    DeleteMarkerReplication=_Key(_map_of(Status=_Key(_status))),
    SourceSelectionCriteria=_Key(_map_of(ReplicaModifications=_Key(_SWITCH), SseKmsEncryptedObjects=_Key(_SWITCH))),
    Destination=_Key(_DESTINATION, required=True),
)
_CONFIGURATION: Final = _map_of(Role=_Key(_text, required=True), Rules=_Key(_list_of(_RULE), required=True))
"""Converts all of CloudFormation's `AWS::S3::Bucket ReplicationConfiguration`."""
