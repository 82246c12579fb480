"""ActivePassive-CloudTrailInvocations."""

from unit_tests.compliance.rules.builders import function
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, Value, either, resource
from unit_tests.compliance.rules.verdicts import reports, rule_test

KIND = "AWS::Lambda::Function"


def trail(**properties: Value) -> Resource:
    return resource("CloudTrail::Trail", **properties)


def selecting(kind: Value, *more: Value) -> Resource:
    fields = [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": [kind]}, *more]
    return trail(AdvancedEventSelectors=[{"FieldSelectors": fields}])


def plain(kind: str, values: list[str]) -> Resource:
    return trail(EventSelectors=[{"DataResources": [{"Type": kind, "Values": values}]}])


test_invocations = rule_test(
    "ActivePassive-CloudTrailInvocations",
    lambda it: it if "It" in it else {"It": it, "Function": function()},
    passes=[selecting(KIND), plain(KIND, ["arn:aws:lambda"])],
    fails=[
        reports("no event selector records the invocations", trail()),
        selecting("AWS::S3::Object"),
        selecting(KIND, {"Field": "readOnly", "Equals": ["true"]}),
        *(plain(*it) for it in ((KIND, []), ("AWS::S3::Object", ["arn:aws:s3"]))),
        selecting(either(KIND, "AWS::S3::Object")),
    ],
    unresolved=[trail(AdvancedEventSelectors=UNKNOWN)],
    ignored=[{"It": trail()}],
)
