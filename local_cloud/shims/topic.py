"""`AWS::SNS::Topic`: the key and other attributes that the stock handler drops.

Faithful: KmsMasterKeyId, DeliveryPolicy, TracingConfig and SignatureVersion are set through the SNS API and read
back.
Different from AWS: a topic's key is checked only when an alarm is sent to it (see `encryption`).
"""

from __future__ import annotations

import json
from typing import Any, Final

from local_cloud.shims import _api, _templates

_NOTHING: Final[dict[str, str]] = {
    "DisplayName": "",
    "KmsMasterKeyId": "",
    "DeliveryPolicy": "",
    "TracingConfig": "PassThrough",
    "SignatureVersion": "1",
}


def install() -> None:
    """Set all attributes of topics."""
    _templates.extend("AWS::SNS::Topic", _apply)


def _apply(topic: _templates.Resource) -> _templates.Attributes:
    sns = _api.client("sns")
    for name, nothing in _NOTHING.items():
        if name in topic.properties:
            sns.set_topic_attributes(
                TopicArn=topic.physical_id, AttributeName=name, AttributeValue=_text(topic.properties[name])
            )
        elif topic.removed(name):
            sns.set_topic_attributes(TopicArn=topic.physical_id, AttributeName=name, AttributeValue=nothing)
    return {}


def _text(value: Any) -> str:  # noqa: ANN401  a property of any shape
    return value if isinstance(value, str) else json.dumps(value)
