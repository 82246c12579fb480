"""Every replica can be restored to any second."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.replicas import GLOBAL_TABLE, replicas
from compliance.cfn.reading import require_bool, require_mapping, require_number
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import rule_from

_SETTING: Final = "PointInTimeRecoverySpecification"
_ENABLED: Final = "PointInTimeRecoveryEnabled"
_PERIOD: Final = "RecoveryPeriodInDays"
_SHORTEST: Final = 7
"""Days. A mistake made before a holiday can still be undone; DynamoDB keeps 35 if nothing is said."""


def _violations(table: Resource, world: TemplateSet) -> Iterator[str]:
    for replica in replicas(table, world):
        recovery = require_mapping(replica.settings.get(_SETTING), _SETTING)
        if not require_bool(recovery.get(_ENABLED), _ENABLED):
            yield f"{replica.place} has no point-in-time recovery; set its {_SETTING}.{_ENABLED} to true"
        days = require_number(recovery.get(_PERIOD), _PERIOD)
        if days is not None and days < _SHORTEST:
            yield f"{replica.place} can be restored for {days:g} days back only; set {_PERIOD} to {_SHORTEST} or more"


RULE = Rule(
    title="Every replica of a global table has point-in-time recovery, for a week back or more",
    why=(
        "Replication copies a mistake to the other region within a second. Only point-in-time recovery brings back what "
        "was there before, and it is a setting of each replica: the one that is left must have it."
    ),
    fix="Set PointInTimeRecoveryEnabled on every entry of Replicas, and leave out RecoveryPeriodInDays.",
    judge=rule_from(_violations, GLOBAL_TABLE),
    controls=nist("CP-9(b)", "CP-10", "SI-12") + hipaa("164.308(a)(7)(ii)(A)", "164.308(a)(7)(ii)(B)") + pci("10.5.3"),
)
