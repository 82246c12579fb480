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
from unit_tests.compliance.rules.verdicts import message, reports, rule_test

RULE = "ActivePassive-SecretsManagerLiteral"
KEY = "AKIA" + "ABCDEFGH12345678"
TOKEN = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0.c2ln"


def _variables(**variables: Any) -> dict[str, Any]:  # noqa: ANN401
    return changed(function(), "Environment", to={"Variables": variables})


def _secret(**settings: Any) -> dict[str, Any]:  # noqa: ANN401
    it = secret()
    it["Properties"] |= settings
    return it


PARAMETER = {"Parameters": {"AParameter": {"Type": "String"}}, "Resources": {"It": _secret(SecretString=UNKNOWN)}}
GUESSED = (
    {"PasswordLength": 15},
    {"PasswordLength": 16, "ExcludeLowercase": True, "ExcludeUppercase": True, "ExcludePunctuation": True},
    {"PasswordLength": 20, "ExcludePunctuation": True, "ExcludeCharacters": string.ascii_letters},
    {"ExcludeCharacters": string.ascii_letters + string.digits + string.punctuation},
)
test_literal = rule_test(
    RULE,
    passes=[
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
        alone({"It": _variables(SIGNING_SECRET="serverless-receipt-signing-prod"), "Secret": secret()}),
    ],
    fails=[
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
        _secret(SecretString="correct horse"),
        _secret(SecretString='{"password": "correct horse"}'),
        _secret(GenerateSecretString={"SecretStringTemplate": '{"password": "correct horse"}'}),
        *(reports("can be guessed", _secret(GenerateSecretString=made)) for made in GUESSED),
        Template(name="it", body=PARAMETER, region=EAST),
    ],
    unresolved=[changed(function(), "Environment", to=UNKNOWN), _secret(GenerateSecretString={"SecretStringTemplate": "{"})],
)


def test_no_report_repeats_the_secret() -> None:
    assert KEY not in message(RULE, _variables(MODE=KEY))
    assert "correct horse" not in message(RULE, _variables(DB_PASSWORD="correct horse"))


@pytest.mark.property
@given(st.from_regex(r"[A-Z]{1,8}(_[A-Z]{1,8}){0,2}", fullmatch=True), st.sampled_from(["NAME", "ARN", "URL", "TABLE"]))
def test_name_that_says_where_is_no_secret(name: str, what: str) -> None:
    assert not is_named_secret(f"{name}_{what}")
    assert is_named_secret(f"{name}_PASSWORD")
    assert not looks_secret(name)
