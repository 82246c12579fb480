"""The rule about retries of what a schedule runs."""

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, table
from unit_tests.compliance.rules.clocks import FUNCTION_ARN, clock, scheduled_function
from unit_tests.compliance.rules.corruptions import UNKNOWN, Value, changed, conditional, either, given, resource
from unit_tests.compliance.rules.verdicts import on, reports, rule_test

DATA = template({"Table": table()}, EAST, "serverless-data-prod")


def target(age: Value = 60, retries: Value = 1) -> dict[str, Value]:
    policy = given(MaximumEventAgeInSeconds=age, MaximumRetryAttempts=retries)
    return {"Id": "a", "Arn": FUNCTION_ARN, "RetryPolicy": policy}


def config(age: Value = 60, retries: Value = 0, **more: Value) -> Value:
    whole = {"FunctionName": {"Ref": "Function"}, "Qualifier": "$LATEST", **more}
    return resource("Lambda::EventInvokeConfig", MaximumEventAgeInSeconds=age, MaximumRetryAttempts=retries, **whole)


def of(rate: str = "rate(1 minute)", timeout: Value = 50, targets: Value = None, **changes: Value) -> Value:
    """Return a scheduled function of a system in two regions."""
    it = clock(ScheduleExpression=rate, Targets=targets or [target()])
    resources = scheduled_function(Clock=it, **{"Config": config(), **changes})
    resources["Function"] = changed(resources["Function"], "Timeout", to=timeout)
    return template(resources, WEST), DATA


def schedule(policy: Value) -> Value:
    it = resource("Scheduler::Schedule", ScheduleExpression="rate(1 minute)", Target={"Arn": "a", "RetryPolicy": policy})
    return on("It", (template({"It": it}, WEST), DATA))


test_scheduled_retries = rule_test(
    "ActivePassive-LambdaScheduledRetries",
    of="Function",
    passes=[
        of(),
        on("Clock", of()),
        of("rate(5 minutes)", timeout=100, Config=config(300, 1)),
        of("rate(1 day)", Config=None),
        on("Clock", of("rate(1 day)", targets=[target(None, None)])),
        on("Clock", of("rate(5 minutes)", targets=[target(300, 5)])),
        schedule({"MaximumEventAgeInSeconds": "60", "MaximumRetryAttempts": 0}),
    ],
    fails=[
        of(Config=None),
        of(Config=conditional(config())),
        of(Config=config(FunctionName="serverless-other-prod")),
        of(Config=config(Qualifier="live")),
        reports("MaximumEventAgeInSeconds of AWS::Lambda::EventInvokeConfig is not set, so 21,600", of(Config=config(None))),
        *(of(Config=each) for each in (config(61), config(retries=None), config(retries=1), config(either(60, 300)))),
        of("rate(5 minutes)", timeout=240, Config=config(300, 1)),
        of("rate(5 minutes)", timeout=100, Config=config(300, 2)),
        *(on("Clock", of(targets=[each])) for each in (target(None), target(61), target(60, None), target(60, 2))),
        reports("it must be 60 or less", of(targets=[target(), {"Id": "b", "Arn": FUNCTION_ARN}]), "Clock"),
        *(schedule(each) for each in (None, {}, {"MaximumEventAgeInSeconds": 60})),
    ],
    unresolved=[
        of(Config=config(UNKNOWN)),
        of(Config=config(retries=UNKNOWN)),
        on("Clock", of(targets=[target(UNKNOWN)])),
        of(timeout=UNKNOWN),
    ],
    ignored=[template(scheduled_function(), WEST), on("Clock", of("cron(0 3 * * ? *)"))],
)
