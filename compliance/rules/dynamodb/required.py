"""Properties that each replica of a global table must have."""

from typing import Final

from compliance.aws.keys import is_customer_key
from compliance.aws.replicas import GLOBAL_TABLE
from compliance.controls import hipaa, nist, pci
from compliance.engine.requirements import at_least, has_entries, is_true, one_of, require

_RECOVERY: Final = "Replicas[+].PointInTimeRecoverySpecification"

RULES: Final = (
    require(
        GLOBAL_TABLE,
        "Replicas[+].DeletionProtectionEnabled",
        is_true,
        id="deletion",
        title="Every replica of a global table is protected from deletion",
        why="A deleted replica takes the passive region's copy with it. The loss is noticed only when the copy is needed.",
        fix="Set DeletionProtectionEnabled on every entry of Replicas.",
        controls=nist("CP-9", "SC-5", "SI-12") + hipaa("164.308(a)(7)(ii)(A)", "164.312(c)(1)"),
    ),
    require(
        GLOBAL_TABLE,
        "Replicas[+].Tags",
        has_entries,
        id="tags",
        title="Every replica of a global table has tags",
        why=(
            "AWS::DynamoDB::GlobalTable has tags on replicas only. A stack's tags reach the replica of the stack's own "
            "region alone, so the other replica has no cost center, owner or classification."
        ),
        fix="Set Tags on every entry of Replicas; Tagging-Required lists the keys.",
        controls=nist("CM-8") + pci("2.4"),
    ),
    require(
        GLOBAL_TABLE,
        f"{_RECOVERY}.PointInTimeRecoveryEnabled",
        is_true,
        # A mistake made before a holiday can still be undone. DynamoDB keeps 35 days where none are set:
        # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html
        also={f"{_RECOVERY}.RecoveryPeriodInDays": at_least(7, if_absent=35)},
        id="recovery",
        title="Every replica of a global table has point-in-time recovery of a week or more",
        why=(
            "Replication copies a mistake to the other region within a second. Only point-in-time recovery restores the "
            "earlier data. It is set per replica, and the surviving replica must have it."
        ),
        fix="Set PointInTimeRecoveryEnabled on every entry of Replicas, and leave out RecoveryPeriodInDays.",
        controls=nist("CP-9(b)", "CP-10", "SI-12") + hipaa("164.308(a)(7)(ii)(A)", "164.308(a)(7)(ii)(B)") + pci("10.5.3"),
    ),
    require(
        GLOBAL_TABLE,
        "Replicas[+].SSESpecification.KMSMasterKeyId",
        is_customer_key,
        # Without these two, DynamoDB's own key encrypts every replica, whatever key the replica names.
        also={"SSESpecification.SSEEnabled": is_true, "SSESpecification.SSEType": one_of("KMS", if_absent="KMS")},
        id="encryption",
        title="Every replica of a global table is encrypted with a customer managed key of its own region",
        why=(
            "A replica whose key is in the other region is unreadable while that region is down. An AWS owned key can "
            "neither be audited nor disabled."
        ),
        fix="Set SSESpecification on the table (SSEEnabled, KMS), and a KMSMasterKeyId of its region on every replica.",
        controls=nist("SC-12", "SC-13", "SC-28") + hipaa("164.312(a)(2)(iv)", "164.312(e)(2)(ii)") + pci("3.4", "3.5"),
    ),
)
