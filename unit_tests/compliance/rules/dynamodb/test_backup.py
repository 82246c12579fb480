"""ActivePassive-DynamoDBBackup."""

from unit_tests.compliance.rules.builders import table
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, Value, conditional, either, resource
from unit_tests.compliance.rules.verdicts import reports, rule_test

ARN = {"Fn::GetAtt": ["It", "Arn"]}
NAMED = "arn:aws:dynamodb:us-west-2:000000000000:table/serverless-ledger-prod"
OTHER = "arn:aws:dynamodb:us-west-2:000000000000:table/other"
PROD, DEV = ({"ConditionKey": "Environment", "ConditionValue": it} for it in ("prod", "dev"))


def selection(**settings: Value) -> Resource:
    return resource("Backup::BackupSelection", BackupPlanId="plan", BackupSelection=settings)


def tagged(operator: str, value: str) -> Resource:
    condition = {"ConditionKey": "aws:ResourceTag/Environment", "ConditionValue": value}
    return selection(Resources=["*"], Conditions={operator: [condition]})


test_backup = rule_test(
    "ActivePassive-DynamoDBBackup",
    lambda selections: {"It": table(), **{f"S{number}": each for number, each in enumerate(selections)}},
    passes=[
        *([selection(Resources=[it])] for it in (ARN, NAMED, "*", "arn:aws:dynamodb:*:*:table/*")),
        [selection(Resources=[OTHER]), selection(Resources=[OTHER, ARN])],
        [selection(Resources=[ARN], NotResources=[OTHER])],
        [selection(ListOfTags=[DEV, PROD])],
        *([tagged(*it)] for it in (("StringEquals", "prod"), ("StringLike", "pr*"), ("StringNotEquals", "dev"))),
    ],
    fails=[
        reports("AWS Backup keeps no copy", []),
        *([selection(**it)] for it in ({}, {"Resources": [OTHER]}, {"Resources": ["arn:aws:s3:::*"]})),
        [selection(Resources=["*"], NotResources=["arn:aws:dynamodb:*"])],
        [selection(Resources=either([ARN], [OTHER]))],
        [conditional(selection(Resources=[ARN]))],
        [selection(ListOfTags=[DEV])],
        *([tagged(*it)] for it in (("StringEquals", "dev"), ("StringNotLike", "p*"))),
    ],
    unresolved=[[selection(Resources=UNKNOWN)]],
)
