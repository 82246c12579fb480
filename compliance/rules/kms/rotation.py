"""Our keys are changed every year."""

from collections.abc import Iterator
from typing import Final

from compliance.cfn.reading import require_bool, require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import rule_from

_KEY: Final = "AWS::KMS::Key"
_SYMMETRIC: Final = "SYMMETRIC_DEFAULT"
_BY_KMS: Final = "AWS_KMS"


def _can_rotate(key: Resource, _world: TemplateSet) -> bool:
    # KMS rotates the material of symmetric keys that it made itself, and of no others.
    spec = require_text(key.properties.get("KeySpec"), "KeySpec") or _SYMMETRIC
    origin = require_text(key.properties.get("Origin"), "Origin") or _BY_KMS
    return spec == _SYMMETRIC and origin == _BY_KMS


def _violations(key: Resource, _world: TemplateSet) -> Iterator[str]:
    if not require_bool(key.properties.get("EnableKeyRotation"), "EnableKeyRotation"):
        yield "EnableKeyRotation is not true"
    if not require_bool(key.properties.get("Enabled"), "Enabled", default=True):
        yield "Enabled is false, so nothing that it encrypted can be read"


RULE = Rule(
    title="Each key rotates, and is enabled",
    why="Rotation bounds how much one leaked key opens. Each region's keys are their own, so each must rotate by itself.",
    fix="Set EnableKeyRotation to true.",
    judge=rule_from(_violations, _KEY, applies=_can_rotate),
    controls=nist("SC-12", "SC-13") + hipaa("164.312(a)(2)(iv)", "164.312(e)(2)(ii)") + pci("3.6.4"),
)
