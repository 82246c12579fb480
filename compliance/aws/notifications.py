"""The event notifications of a bucket."""

from typing import Final, NamedTuple

from compliance.cfn.reading import require_bool, require_list, require_mapping, require_text
from compliance.cfn.templates import Json, Resource

_CONFIGURATION: Final = "NotificationConfiguration"
_TARGETS: Final = {"QueueConfigurations": "Queue", "LambdaConfigurations": "Function", "TopicConfigurations": "Topic"}
"""The lists of a configuration, and the property of their entries that names the target."""


class Notification(NamedTuple):
    """One notification: its target, its event, and the filter on the objects' keys."""

    target: Json
    event: str
    filter: Json


def notifications_of(bucket: Resource) -> list[Notification]:
    """Return the notifications of one version of a bucket, but for EventBridge's.

    Raises:
        UnresolvedError: They are not spelled out.
    """
    configuration = require_mapping(bucket.properties.get(_CONFIGURATION), _CONFIGURATION)
    return [
        Notification(entry.get(target), require_text(entry.get("Event"), "Event") or "", entry.get("Filter"))
        for kind, target in _TARGETS.items()
        for entry in (require_mapping(each, kind) for each in require_list(configuration.get(kind), kind))
    ]


def key_rules_of(notification: Notification) -> dict[str, str]:
    """Return the filter on the objects' keys, by `prefix` and `suffix`; empty where every key is meant.

    Raises:
        UnresolvedError: It is not spelled out.
    """
    key = require_mapping(require_mapping(notification.filter, "Filter").get("S3Key"), "Filter.S3Key")
    rules = [require_mapping(rule, "Filter.S3Key.Rules") for rule in require_list(key.get("Rules"), "Filter.S3Key.Rules")]
    return {str(rule.get("Name")).lower(): require_text(rule.get("Value"), "Value") or "" for rule in rules}


def prefix_of(notification: Notification) -> str:
    """Return the prefix of the keys that it notifies of."""
    return key_rules_of(notification).get("prefix", "")


def tells_event_bridge(bucket: Resource) -> bool:
    """Return whether one version of a bucket sends everything that happens to EventBridge."""
    configuration = require_mapping(bucket.properties.get(_CONFIGURATION), _CONFIGURATION)
    if "EventBridgeConfiguration" not in configuration:
        return False
    setting = require_mapping(configuration["EventBridgeConfiguration"], "EventBridgeConfiguration")
    return require_bool(setting.get("EventBridgeEnabled"), "EventBridgeEnabled", default=True)


def announces(bucket: Resource) -> bool:
    """Return whether the bucket sends any notification, in at least one branch."""
    return bool(bucket.properties.get(_CONFIGURATION))
