"""The rule about the log group of a function."""

from compliance.cfn.templates import Template
from unit_tests.compliance.rules.builders import WEST, alone, function, log_group
from unit_tests.compliance.rules.corruptions import Resource, changed, conditional, each, either, unknown, without
from unit_tests.compliance.rules.verdicts import rule_test

UNCONFIGURED = without(function(), "LoggingConfig")


def logging(it: Resource, group: Resource | None = None) -> Template:
    return alone({"It": it, "Logs": group or log_group()})


def default_group(region: str) -> tuple[Template, Template]:
    """Return a function without a setting, and the group of its default name in a region."""
    named = changed(log_group(), "LogGroupName", to="/aws/lambda/serverless-processor-prod")
    return alone({"It": UNCONFIGURED}), alone({"Logs": named}, region)


test_function = rule_test(
    "ActivePassive-LogsFunction",
    logging,
    passes=[
        function(),
        *(
            logging(UNCONFIGURED, group)
            for group in each(
                log_group(), "LogGroupName", "/aws/lambda/serverless-processor-prod", {"Fn::Sub": "/aws/lambda/${It}"}
            )
        ),
    ],
    fails=[
        *each(function(), "LoggingConfig.LogGroup", "serverless-other-prod", either({"Ref": "Logs"}, "other")),
        logging(function(), conditional(log_group())),
        default_group(WEST),
    ],
    unresolved=[alone({"It": it}) for it in unknown(function(), "LoggingConfig.LogGroup LoggingConfig")],
)
