"""Logs are encrypted, and kept for as long as somebody may ask and no longer."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.keys import key_violations
from compliance.cfn.reading import require_number
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import rule_from

_LEAST_DAYS: Final = 14
"""What happened before a holiday must still be there after it. Framework packs ask for more where they must."""


def _violations(group: Resource, world: TemplateSet) -> Iterator[str]:
    days = require_number(group.properties.get("RetentionInDays"), "RetentionInDays")
    if days is None:
        yield "RetentionInDays is not set, so logs with clients' data are kept for ever"
    elif days < _LEAST_DAYS:
        yield f"RetentionInDays is {days:g}; it must be {_LEAST_DAYS} or more"
    yield from key_violations("KmsKeyId", group.properties.get("KmsKeyId"), group.template.region, group, world)


RULE = Rule(
    title="A log group is encrypted with a customer managed key of its region and has a retention of 14 days or more",
    why=(
        "Logs name clients' files. Kept for ever they are a liability, kept too short nobody can tell what happened "
        "before a failover, and under the other region's key they cannot be written once that region is down."
    ),
    fix="Set RetentionInDays, and KmsKeyId to the ARN of a key whose policy admits CloudWatch Logs.",
    judge=rule_from(_violations, "AWS::Logs::LogGroup"),
    controls=nist("AU-9", "AU-11", "SC-28", "SI-12") + hipaa("164.312(a)(2)(iv)", "164.312(b)") + pci("3.1", "3.4", "10.7"),
)
