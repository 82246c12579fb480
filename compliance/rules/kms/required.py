"""Properties that a key must have."""

from typing import Final

from compliance.cfn.reading import require_text
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.requirements import at_least, at_most, is_false_if_set, is_true, is_true_if_set, one_of, require


def _can_rotate(key: Resource, _world: TemplateSet) -> bool:
    # KMS rotates symmetric keys whose material it generated:
    # https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
    spec = require_text(key.properties.get("KeySpec"), "KeySpec") or "SYMMETRIC_DEFAULT"
    origin = require_text(key.properties.get("Origin"), "Origin") or "AWS_KMS"
    return spec == "SYMMETRIC_DEFAULT" and origin == "AWS_KMS"


RULES: Final = (
    require(
        "AWS::KMS::Key",
        "EnableKeyRotation",
        is_true,
        also={"Enabled": is_true_if_set},
        applies=_can_rotate,
        id="rotation",
        title="Each key rotates and is enabled",
        why="Rotation limits how much data one leaked key decrypts. Each region has its own keys, and each must rotate.",
        fix="Set EnableKeyRotation to true, and leave out Enabled.",
        controls=nist("SC-12", "SC-13") + hipaa("164.312(a)(2)(iv)", "164.312(e)(2)(ii)") + pci("3.6.4"),
    ),
    require(
        "AWS::KMS::Key",
        "PendingWindowInDays",
        at_least(30, if_absent=30),
        also={"Origin": one_of("AWS_KMS", "AWS_CLOUDHSM", if_absent="AWS_KMS"), "RotationPeriodInDays": at_most(366)},
        id="life",
        title="A key rotates every year, waits 30 days before its deletion, and its material does not expire",
        why=(
            "What a deleted key encrypted is lost. A short waiting period ends before anybody notices. Imported material "
            "expires or is deleted at once, and KMS cannot rotate it."
        ),
        fix="Leave out PendingWindowInDays, Origin and RotationPeriodInDays.",
        controls=nist("CP-9", "SC-12", "SC-12(1)") + hipaa("164.312(a)(2)(iv)") + pci("3.6.4"),
    ),
    require(
        "AWS::KMS::Key",
        "BypassPolicyLockoutSafetyCheck",
        is_false_if_set,
        id="lockout",
        # https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
        title="KMS checks that somebody can change a key's policy again",
        why="Without the check a policy may lock out everybody: nobody can change it, and its data is lost with the key.",
        fix="Leave out BypassPolicyLockoutSafetyCheck.",
        controls=nist("CP-9", "SC-12", "SC-12(1)") + hipaa("164.312(a)(2)(iv)") + pci("3.6"),
    ),
    require(
        "AWS::KMS::Key",
        "MultiRegion",
        is_false_if_set,
        id="region",
        title="A key is of one region",
        why=(
            "A multi-region key has the same material in each region. Who may use it in one of them can read the data of "
            "all, and a fault in its policy is a fault in both regions."
        ),
        fix="Leave out MultiRegion, and declare a key in each region; S3 and DynamoDB encrypt again when they replicate.",
        controls=nist("AC-6", "SC-12", "SC-28") + hipaa("164.312(a)(2)(iv)") + pci("3.5"),
    ),
)
