"""ActivePassive-KMSRotation."""

from typing import Any

import pytest

from unit_tests.compliance.rules.builders import ABSENT, FAIL, NOT_EVALUATED, PASS, UNKNOWN, either, says

RULE = "ActivePassive-KMSRotation"


def _key(**properties: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::KMS::Key", "Properties": properties}


@pytest.mark.parametrize("key", [_key(EnableKeyRotation=True), _key(EnableKeyRotation="true", KeySpec="SYMMETRIC_DEFAULT")])
def test_a_key_that_rotates_passes(key: dict[str, Any]) -> None:
    assert says(RULE, key) is PASS


@pytest.mark.parametrize(
    "key",
    [
        _key(),
        _key(EnableKeyRotation=False),
        _key(EnableKeyRotation=ABSENT),
        _key(EnableKeyRotation=either(True, False)),
        _key(EnableKeyRotation=True, Enabled=False),
        _key(KeySpec=either("SYMMETRIC_DEFAULT", "RSA_2048")),
    ],
)
def test_a_key_that_does_not_fails(key: dict[str, Any]) -> None:
    assert says(RULE, key) is FAIL


@pytest.mark.parametrize(
    "key", [_key(EnableKeyRotation=UNKNOWN), _key(EnableKeyRotation=True, Enabled=UNKNOWN), _key(KeySpec=UNKNOWN)]
)
def test_what_only_a_deployment_knows_is_not_evaluated(key: dict[str, Any]) -> None:
    assert says(RULE, key) is NOT_EVALUATED


@pytest.mark.parametrize("key", [_key(KeySpec="RSA_2048"), _key(KeySpec="HMAC_256"), _key(Origin="EXTERNAL")])
def test_a_key_that_kms_cannot_rotate_is_not_asked(key: dict[str, Any]) -> None:
    assert says(RULE, key) is None
