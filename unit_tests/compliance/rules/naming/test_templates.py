"""The rule about values that a template reads on deployment."""

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.corruptions import Value, either
from unit_tests.compliance.rules.verdicts import reports, rule_test

SSM, SECURE = "{{resolve:ssm:/prod/value}}", "{{resolve:ssm-secure:/prod/value}}"
SECRET = "{{resolve:secretsmanager:database:SecretString:password}}"
FOUND = {"Fn::FindInMap": ["Table", "a", "b"]}


def instance(properties: Value, mapped: str = SSM, parameter: str = "AWS::SSM::Parameter::Value<String>") -> Value:
    it = template({"It": {"Type": "AWS::RDS::DBInstance", "Properties": properties}})
    it.body["Mappings"] = {"Table": {"a": {"b": mapped}}}
    it.body["Parameters"] = {"Stored": {"Type": parameter, "Default": "/x"}}
    return it


ENDPOINTS: tuple[Value, ...] = (
    f"https://{SSM}/x",
    {"Fn::Sub": "https://{{resolve:ssm:/prod/${AWS::Region}}}"},
    {"Fn::Join": ["", ["{{res", "olve:ssm:/prod/value}}"]]},
    {"Fn::Sub": ["${A}:ssm:x}}", {"A": "{{resolve"}]},
    either("https://example.com", SSM),
    FOUND,
    {"Ref": "Stored"},
    {"Fn::Sub": "https://${Stored}"},
    {"Fn::If": ["A", "x", {"Ref": "Stored"}]},
    SECURE,
)

test_dynamic = rule_test(
    "Template-Dynamic",
    instance,
    passes=[{"MasterUserPassword": password} for password in (SECRET, either(SECRET, SECURE))],
    unresolved=[
        reports("it is read when the stack is deployed", it)
        for it in (
            {"KmsKeyId": SSM},
            {"Policy": {"Statement": [{"Effect": "Allow", "Principal": {"AWS": SSM}}]}},
            *({"Endpoint": endpoint} for endpoint in ENDPOINTS),
            *({"MasterUserPassword": password} for password in (SSM, f"x{SECRET}")),
            {"MasterUsername": SECRET},
        )
    ],
    ignored=[
        *({}, {"Endpoint": "https://example.com"}),
        *(instance({"Endpoint": endpoint}, "x", "String") for endpoint in ({"Ref": "Stored"}, FOUND)),
        {"Endpoint": {"Fn::Join": ["", [{"Fn::GetAtt": ["It", "Arn"]}, {"Fn::Select": [0, []]}]]}},
    ],
)
