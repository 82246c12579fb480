"""ActivePassive-SecretsManagerLiteral."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.aws.secrets import is_named_secret, looks_secret
from compliance.cfn.templates import Template
from unit_tests.compliance.rules.builders import EAST, alone, function, secret
from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says, verdict_in

RULE = "ActivePassive-SecretsManagerLiteral"
KEY = "AKIA" + "ABCDEFGH12345678"
TOKEN = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0.c2ln"


def _variables(**variables: Any) -> dict[str, Any]:  # noqa: ANN401
    return changed(function(), "Environment", to={"Variables": variables})


def _secret(**settings: Any) -> dict[str, Any]:  # noqa: ANN401
    it = secret()
    it["Properties"] |= settings
    return it


@pytest.mark.parametrize(
    "it",
    [
        function(),
        _variables(TABLE_NAME="serverless-ledger-prod", TOKEN_TABLE="t", SECRET_NAME="a", MAXIMUM_BYTES="1"),
        _variables(API_TOKEN={"Fn::GetAtt": ["Made", "Value"]}),
        _variables(SECRET="arn:aws:secretsmanager:us-east-1:000000000000:secret:a"),
        _variables(PASSWORD="/serverless/prod/password"),
        _variables(QUEUE_URL="https://sqs.us-east-1.amazonaws.com/000000000000/serverless-ingest-prod"),
        secret(),
        _secret(GenerateSecretString={"PasswordLength": 16}),
        _secret(GenerateSecretString={"PasswordLength": 64, "ExcludePunctuation": True, "ExcludeLowercase": "true"}),
        _secret(GenerateSecretString={"SecretStringTemplate": '{"username": "a"}', "GenerateStringKey": "password"}),
        _secret(SecretString="{{resolve:secretsmanager:other}}"),
        _secret(SecretString={"Fn::GetAtt": ["Made", "Value"]}),
    ],
)
def test_place_of_a_secret_passes(it: dict[str, Any]) -> None:
    assert says(RULE, it) is PASS


def test_name_of_a_secret_of_the_templates_is_a_place() -> None:
    resources = {"It": _variables(SIGNING_SECRET="serverless-receipt-signing-prod"), "Secret": secret()}
    assert verdict_in(RULE, "It", alone(resources)) is PASS


@pytest.mark.parametrize(
    "made",
    [
        {"PasswordLength": 15},
        {"PasswordLength": 16, "ExcludeLowercase": True, "ExcludeUppercase": True, "ExcludePunctuation": True},
        {"PasswordLength": 20, "ExcludePunctuation": True, "ExcludeCharacters": string.ascii_letters},
        {"ExcludeCharacters": string.ascii_letters + string.digits + string.punctuation},
    ],
)
def test_value_that_can_be_guessed_fails(made: dict[str, Any]) -> None:
    assert "can be guessed" in message(RULE, _secret(GenerateSecretString=made))


@pytest.mark.parametrize(
    "it",
    [
        *(
            _variables(**{name: "correct horse"})
            for name in ("PASS", "PGPASSWORD", "DATABASE_PW", "ENCRYPTION_KEY", "TOKEN_2")
        ),
        _variables(DB_PASSWORD="correct horse"),
        _variables(apiKey="abcdef"),
        _variables(MODE=KEY),
        _variables(MODE=TOKEN),
        _variables(MODE="-----BEGIN RSA PRIVATE KEY-----"),
        _variables(DATABASE="postgres://user:word@host/db"),
        _variables(ANYTHING="{{resolve:ssm-secure:/prod/key}}"),
        _variables(API_TOKEN=either({"Ref": "AWS::NoValue"}, "abc")),
        _variables(API_TOKEN={"Fn::Join": ["", ["abc", "def"]]}),
        _secret(GenerateSecretString={"PasswordLength": 15}),
        _secret(SecretString="correct horse"),
        _secret(SecretString='{"password": "correct horse"}'),
        _secret(GenerateSecretString={"SecretStringTemplate": '{"password": "correct horse"}'}),
    ],
)
def test_secret_that_is_written_down_fails(it: dict[str, Any]) -> None:
    assert says(RULE, it) is FAIL


def test_no_report_repeats_the_secret() -> None:
    assert KEY not in message(RULE, _variables(MODE=KEY))
    assert "correct horse" not in message(RULE, _variables(DB_PASSWORD="correct horse"))


def test_parameter_is_part_of_the_template() -> None:
    body = {"Parameters": {"AParameter": {"Type": "String"}}, "Resources": {"It": _secret(SecretString=UNKNOWN)}}
    assert verdict_in(RULE, "It", Template(name="it", body=body, region=EAST)) is FAIL


@pytest.mark.parametrize(
    "it", [changed(function(), "Environment", to=UNKNOWN), _secret(GenerateSecretString={"SecretStringTemplate": "{"})]
)
def test_unreadable_value_is_not_evaluated(it: dict[str, Any]) -> None:
    assert says(RULE, it) is NOT_EVALUATED


@pytest.mark.property
@given(st.from_regex(r"[A-Z]{1,8}(_[A-Z]{1,8}){0,2}", fullmatch=True), st.sampled_from(["NAME", "ARN", "URL", "TABLE"]))
def test_name_that_says_where_is_no_secret(name: str, what: str) -> None:
    assert not is_named_secret(f"{name}_{what}")
    assert is_named_secret(f"{name}_PASSWORD")
    assert not looks_secret(name)
