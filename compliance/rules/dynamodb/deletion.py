"""No replica can be deleted by accident."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.replicas import GLOBAL_TABLE, replicas
from compliance.cfn.reading import require_bool
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist
from compliance.engine.rule import Rule
from compliance.engine.violations import rule_from

_SETTING: Final = "DeletionProtectionEnabled"


def _violations(table: Resource, world: TemplateSet) -> Iterator[str]:
    for replica in replicas(table, world):
        if not require_bool(replica.settings.get(_SETTING), _SETTING):
            yield f"{replica.place} can be deleted by one call; set its {_SETTING} to true"


RULE = Rule(
    title="Every replica of a global table is protected from deletion",
    why="A deleted replica takes the passive region's copy with it, and is missed only on the day it is needed.",
    fix="Set DeletionProtectionEnabled on every entry of Replicas.",
    judge=rule_from(_violations, GLOBAL_TABLE),
    controls=nist("CP-9", "SC-5", "SI-12") + hipaa("164.308(a)(7)(ii)(A)", "164.312(c)(1)"),
)
