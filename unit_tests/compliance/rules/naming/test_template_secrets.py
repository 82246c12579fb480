"""Template-Secrets: secrets by shape and by name, everywhere text can stand."""

import base64
from typing import Any
from urllib.parse import quote

import pytest

from compliance.aws.secrets import is_named_secret, looks_secret
from compliance.cfn.templates import Template
from compliance.mutants.attacks import TOKENS
from unit_tests.compliance.fixtures import verdicts
from unit_tests.compliance.rules.builders import EAST, function, queue
from unit_tests.compliance.rules.corruptions import changed, either
from unit_tests.compliance.rules.verdicts import FAIL, PASS, message, rule_test

RULE = "Template-Secrets"
TOKEN = TOKENS["STRIPE"]
QUIET = (
    "NetworkVpcIsolatedSubnet1Subnet0400477EA",  # 40 characters of a logical id
    "0123456789abcdef" * 2 + "01234567",  # a commit
    "serverless/ingest/prod/us-east-1/a/b/c/d",
    "Bearer ${Token}",
    "password=${Password};user=app",
    "https://sqs.us-east-1.amazonaws.com/000000000000/serverless-ingest-prod",
    "Basic authentication is refused; sk-learn and hf_hub are libraries",
    "sha512-" + "q" * 86 + "==",
    "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
    "serverless-primary-keys-pr-12345678" + ":ExportsOutputFnGetAttKeysLogs7981C88CArn919DC916",
    "sk-data-ingest-prod-123456789012-eu-central-1-an",
    base64.b64encode(b"A sentence in Base64 without a secret").decode(),
)


@pytest.mark.parametrize("kind", sorted(TOKENS))
def test_shape_of_a_secret_is_seen_inside_other_text(kind: str) -> None:
    assert looks_secret(TOKENS[kind])
    assert looks_secret(f"see {TOKENS[kind]} there")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("kind", sorted(TOKENS))
def test_encoded_secret_is_seen(kind: str) -> None:
    once = _base64(TOKENS[kind])
    url_safe = base64.urlsafe_b64encode(TOKENS[kind].encode()).decode().rstrip("=")
    for text in (once, _base64(once), _base64(_base64(once)), url_safe, TOKENS[kind].encode().hex(), quote(once, safe="")):
        assert looks_secret(f'{{"a": "{text}"}}'), text


LETTERS = "q7Zx2Lk9VbN4mT8wR1c" + "Y6pD3sF5gH0jAqX7z"
HEX = "0123456789abcdef"
PREFIXED = [
    *(prefix + LETTERS for prefix in ("npm_", "sk-", "sk-proj-", "hf_", "hvs.", "ya29.", "whsec_", "lin_api_", "glsa_")),
    *("sk-" + HEX * 2, "dapi" + HEX * 2, "dop_v1_" + HEX * 4, "shpat_" + HEX * 2, "pul-" + HEX * 2 + HEX[:8]),
    *(
        "xapp-1-A01-" + LETTERS,
        "GOCSPX-" + LETTERS,
        "dckr_pat_" + LETTERS,
        "ATATT3" + LETTERS * 2,
        "NRAK-" + "Q7ZX2LK9V" * 3,
    ),
    "12345678:AA" + LETTERS[:33],
    "Basic " + LETTERS,
    "https://discord.com/api/webhooks/" + LETTERS,
    "redis://:" + "Tr0ub4dor@cache.internal:6379",
    "IQoJb3JpZ2lu" + LETTERS * 3,
    "q" * 86 + "==",
]  # put together here, so that no scanner takes them for real ones


@pytest.mark.parametrize("token", PREFIXED, ids=range(len(PREFIXED)))
def test_prefix_of_a_providers_token_is_seen_with_the_token_only(token: str) -> None:
    assert looks_secret(f"see {token} there")
    assert not looks_secret(f"see {token[:11]} there")


@pytest.mark.parametrize(
    "name", ["PGPASS", "DB_CREDS", "SSH_KEY", "tlsKey", "APP_JWT", "SECRET_KEY_BASE", "passcode", "AES_KEY"]
)
def test_name_of_a_secret_is_seen(name: str) -> None:
    assert is_named_secret(name)


@pytest.mark.parametrize("name", ["PARTITION_KEY", "SORT_KEY", "COMPASS", "SECRET_ARN", "TOKEN_TABLE", "KEY", "MAX_TOKENS"])
def test_name_of_a_place_or_a_number_is_no_secret(name: str) -> None:
    assert not is_named_secret(name)


@pytest.mark.parametrize("text", QUIET)
def test_ordinary_text_is_no_secret(text: str) -> None:
    assert not looks_secret(text)


MADE: tuple[Any, ...] = (
    TOKEN,
    {"Fn::Select": [0, [TOKEN, "b"]]},
    {"Fn::Base64": TOKEN},
    {"Fn::Join": ["", [TOKEN[:12], TOKEN[12:]]]},
    {"Fn::Sub": ["x ${T}", {"T": TOKEN}]},
    {"Fn::Split": [",", TOKEN]},
    either("a", TOKEN),
    f'{{"token": ["{TOKEN}"]}}',
    '{"db": {"password": "correct horse"}}',
)
PLACES = (("Description",), ("Environment", "Variables", "MODE"), ("Tags", 0, "Value"))
OPEN = {**function()["Properties"], "Tags": [{"Key": "Owner", "Value": "a"}], "Environment": {"Variables": {}}}
HOLDING = [changed({**function(), "Properties": OPEN}, *place, to=value) for value in MADE for place in PLACES]


def _any(**properties: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::X::Y", "Properties": properties}


test_secrets = rule_test(
    RULE,
    passes=[
        {**function(), "Properties": OPEN},
        _any(MasterUserPassword="{{resolve:secretsmanager:db}}"),
        _any(MasterUserPassword={"Ref": "Password"}),
        _any(ServiceToken="arn:aws:lambda:us-east-1:000000000000:function:a"),
        _any(GenerateSecret=True, RequireToken="true", SecretArn="a", TokenTable="b"),
    ],
    fails=[
        *HOLDING,
        {**queue(), "Metadata": {"note": TOKEN}},
        _any(MasterUserPassword="correct horse"),
        _any(Environment=[{"Name": "DB_PASSWORD", "Value": "correct horse"}]),
        _any(OptionSettings=[{"OptionName": "DB_PASSWORD", "Value": "correct horse"}]),
    ],
)


def test_no_report_repeats_the_secret() -> None:
    assert not [it for it in HOLDING if TOKEN in message(RULE, it)]


@pytest.mark.parametrize(
    "section",
    [
        {"Description": f"Deployed with {TOKEN}"},
        {"Metadata": {"Notes": [TOKEN]}},
        {"Mappings": {"A": {"B": {"C": TOKEN}}}},
        {"Outputs": {"A": {"Value": TOKEN}}},
        {"Outputs": {"DbPassword": {"Value": "correct horse"}}},
        {"Parameters": {"A": {"Type": "String", "Default": TOKEN}}},
        {"Parameters": {"DbPassword": {"Type": "String", "Default": "correct horse"}}},
        {"Parameters": {"ApiKey": {"Type": "String", "AllowedValues": ["abcdef"]}}},
    ],
)
def test_secret_beside_the_resources_fails(section: dict[str, Any]) -> None:
    body = {"Resources": {"It": queue()}, **section}
    assert verdicts(RULE, Template(name="it", body=body, region=EAST)) == {"": FAIL, "It": PASS}
