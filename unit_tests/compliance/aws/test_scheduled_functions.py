"""Only functions that nothing but a schedule runs may name the other region (ActivePassive-CrossRegionReferences)."""

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, function, role
from unit_tests.compliance.rules.clocks import clock, permission, scheduled_function
from unit_tests.compliance.rules.corruptions import Resource, Value, changed, given, resource
from unit_tests.compliance.rules.verdicts import on, reports, rule_test

THERE = f"arn:aws:dynamodb:{EAST}:000000000000:table/serverless-ledger-prod"
FUNCTION_ARN: dict[str, Value] = {"Fn::GetAtt": ["Function", "Arn"]}
FUNCTION = {"Ref": "Function"}
HARMLESS: dict[str, Value] = {
    "Other": resource("Lambda::EventInvokeConfig", FunctionName=FUNCTION),
    "Watched": resource("CloudWatch::Alarm", Dimensions=[{"Name": "FunctionName", "Value": FUNCTION}]),
    "Scheduled": resource("Scheduler::Schedule", Target={"Arn": FUNCTION_ARN}),
    "Logs": resource("Logs::LogGroup", LogGroupName="serverless-observer-prod"),
    "FunctionRole": resource("IAM::Role", Description="FunctionRole"),
}
CALLERS: tuple[Resource, ...] = (
    resource("ApiGatewayV2::Integration", IntegrationUri=FUNCTION_ARN),
    resource("Lambda::EventSourceMapping", FunctionName=FUNCTION),
    {"Type": "Custom::Thing", "Properties": {"ServiceToken": FUNCTION_ARN}},
    resource("Lambda::Url", TargetFunctionArn=FUNCTION_ARN),
    resource("Lambda::Alias", FunctionName=FUNCTION),
    resource("IAM::ManagedPolicy", X={"Fn::Sub": "${Function.Arn}:*"}),
    resource("IAM::ManagedPolicy", X="arn:aws:lambda:us-west-2:0:function:serverless-observer-prod"),
    permission(Principal="apigateway.amazonaws.com", SourceArn=None),
    clock(ScheduleExpression=None, EventPattern={"source": ["aws.s3"]}),
    clock(EventPattern={"source": ["aws.s3"]}),
)
READING = role("dynamodb:GetItem", on=THERE)["Policy"]


def looking(**variables: str) -> Resource:
    """Return the observer with these environment variables."""
    return changed(function("observer"), "Environment", to={"Variables": variables or {"PEER_REGION": EAST}})


def scheduled(changes: dict[str, Value]) -> tuple[Template, Template]:
    """Return the west, with a function that a schedule runs and its role, and the same stack in the east."""
    made = {**role("dynamodb:GetItem", "kms:Decrypt", on=THERE), **scheduled_function(Function=looking()), **changes}
    return template(given(**made), WEST), template({}, EAST)


def of_both(*changes: dict[str, Value]) -> list[Value]:
    """Return a row about the function and one about its policy for each change."""
    return [on(it, each) for each in changes for it in ("Function", "Policy")]


test_scheduled_functions = rule_test(
    "ActivePassive-CrossRegionReferences",
    scheduled,
    of="Policy",
    passes=of_both({}, HARMLESS, {"Clock": None, "Scheduled": HARMLESS["Scheduled"]}),
    fails=[
        *of_both(*({"Caller": caller} for caller in CALLERS), {"Clock": None}),
        *(
            role("dynamodb:GetItem", action, on=THERE)
            for action in ("dynamodb:PutItem", "dynamodb:*", "dynamodb:Scan", "sqs:SendMessage", "s3:GetObject")
        ),
        {"Second": function("issuer")},  # shares the role
        {"Policy": changed(READING, "Roles", to=[])},
        {"Policy": changed(READING, "Roles", to=[{"Ref": "Role"}, {"Ref": "Idle"}]), "Idle": resource("IAM::Role")},
        *(on("Function", {"Function": looking(**{name: EAST})}) for name in ("QUEUE_URL", "PRIMARY_PEER", "peer_region")),
        reports("Environment.Variables.PEER_REGION names us-east-1: us-east-1", {"Caller": CALLERS[0]}, "Function"),
    ],
)
