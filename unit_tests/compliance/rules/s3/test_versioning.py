"""ActivePassive-S3Versioning."""

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask
from unit_tests.compliance.rules.builders import bucket, pair, regional_bucket, replicating, reverse
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, says

RULE = "ActivePassive-S3Versioning"
VERSIONING = "VersioningConfiguration"


def _both(east: Resource, west: Resource, back: Resource | None = None) -> list[Verdict]:
    return [row.verdict for row in ask(RULE, *pair(east, west, back=back))]


def test_versions_on_both_sides_pass() -> None:
    assert _both(replicating(), regional_bucket()) == [PASS, PASS]


def test_side_without_versions_fails() -> None:
    assert _both(without(replicating(), VERSIONING), regional_bucket()) == [FAIL, PASS]
    assert _both(replicating(), without(regional_bucket(), VERSIONING)) == [PASS, FAIL]
    suspended = changed(regional_bucket(), VERSIONING, "Status", to="Suspended")
    assert _both(replicating(), suspended) == [PASS, FAIL]
    assert _both(replicating(), changed(regional_bucket(), VERSIONING, to=either({"Status": "Enabled"}, ABSENT))) == [
        PASS,
        FAIL,
    ]


def test_side_that_a_custom_resource_replicates_counts() -> None:
    assert _both(regional_bucket(), without(regional_bucket(), VERSIONING), reverse()) == [PASS, FAIL]


def test_bucket_that_replicates_nowhere_is_not_judged() -> None:
    assert says(RULE, without(bucket(), VERSIONING)) is None
    assert says(RULE, {"Type": "AWS::S3::Bucket"}) is None


def test_unresolved_value_is_not_evaluated() -> None:
    assert says(RULE, changed(without(replicating(), VERSIONING), "ReplicationConfiguration", to=UNKNOWN)) is NOT_EVALUATED
