"""The rules about composite alarms and dashboards."""

import json

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, Value, conditional, either, given, resource
from unit_tests.compliance.rules.failover import STACK, alarm
from unit_tests.compliance.rules.verdicts import reports, rule_test

ARN = {"Fn::GetAtt": ["Known", "Arn"]}


def join(*parts: Value) -> Value:
    return {"Fn::Join": ["", list(parts)]}


def summing(rule: Value, **others: Value) -> Value:
    """Return a composite alarm with a rule, beside an alarm, one on a condition, and one of the other region."""
    here = {
        "It": resource("CloudWatch::CompositeAlarm", AlarmName="it", AlarmRule=rule, **others),
        "Known": alarm(AlarmName="known"),
        "Other": alarm(AlarmName="other", AlarmActions=[{"Ref": "Topic"}]),
        "Maintenance": alarm(AlarmName="maintenance"),
        "Sometimes": conditional(alarm(AlarmName="sometimes")),
        "Topic": resource("SNS::Topic"),
    }
    return template(here, WEST), template({"There": alarm(AlarmName="there")}, EAST)


test_composite = rule_test(
    "ActivePassive-CloudWatchComposite",
    summing,
    passes=[
        *('ALARM("known")', "ALARM( known )", "OK(known) AND NOT OK(known) OR ALARM(known)"),
        join('ALARM("', ARN, '")'),
        join('(ALARM("', ARN, "\") OR INSUFFICIENT_DATA(known)) AND NOT OK('known')"),
        "ALARM(arn:aws:cloudwatch:us-west-2:000000000000:alarm:known)",
        {"Fn::Sub": "ALARM(arn:aws:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:known)"},
        {"Fn::Sub": "ALARM(${Known.Arn}) AND ALARM(${Known})"},
        "(ALARM(known) OR ALARM(other)) AND NOT ALARM(maintenance)",
        summing("ALARM(known)", ActionsSuppressor={"Ref": "Maintenance"}),
    ],
    fails=[
        *(ABSENT, "TRUE", 'ALARM("nobody")', 'ALARM("known") OR ALARM("nobody")', 'ALARM("there")', "ALARM(it)"),
        reports("refers to nobody", "ALARM(nobody)"),
        "ALARM(arn:aws:cloudwatch:us-east-1:000000000000:alarm:known)",
        *(join("ALARM(", it, ")") for it in ({"Ref": "Topic"}, {"Fn::GetAtt": ["It", "Arn"]})),
        either('ALARM("known")', 'ALARM("nobody")'),
        *("NOT ALARM(known)", "NOT (ALARM(known) OR INSUFFICIENT_DATA(known))"),
        *("ALARM(known) OR OK(known)", "ALARM(known) OR TRUE"),
        *("FALSE AND ALARM(known)", "ALARM(known) AND NOT ALARM(known)", "ALARM(known) AND ALARM(other)"),
        *(summing("ALARM(known)", ActionsSuppressor=name) for name in ("nobody", "other", {"Ref": "Known"})),
    ],
    unresolved=[
        *(UNKNOWN, join("ALARM(", UNKNOWN, ")"), join("ALARM(serverless-", UNKNOWN, ")"), "ALARM(sometimes)"),
        join("ALARM(", {"Fn::ImportValue": "x"}, ")"),
        # These are no rules of CloudWatch's.
        *("ALARM(known) XOR ALARM(known)", "ALARM(known) == TRUE", "(ALARM(known)", "f(ALARM(known))"),
    ],
)


def widget(region: str | None, *metrics: Value) -> Value:
    return {"type": "metric", "properties": given(title="Queue", region=region, metrics=list(metrics))}


def body(*widgets: Value) -> str:
    return json.dumps({"widgets": list(widgets)})


def dashboard(text: Value) -> Value:
    """Return a dashboard with a body, in a system of two regions."""
    it = {"It": resource("CloudWatch::Dashboard", DashboardBody=text)}
    return template(it, WEST, STACK), template({}, EAST), template({}, WEST)


TEXT = {"type": "text", "properties": {"markdown": "hello"}}
BOTH = body(TEXT, widget(EAST), widget(WEST))

test_dashboard = rule_test(
    "ActivePassive-CloudWatchDashboard",
    dashboard,
    passes=[
        BOTH,
        join(BOTH[:-2], ", ", json.dumps(TEXT), "]}"),
        {"Fn::Sub": body(widget("us-west-2"), widget("us-west-2", ["AWS/SQS", "Age", {"region": EAST}]))},
        body(widget(EAST), widget(WEST, ["AWS/SQS", "Age", "Queue", "${Name}"])),
    ],
    fails=[
        *(body(), body(TEXT, widget(EAST)), body(widget(EAST), widget(WEST), widget(None))),
        reports("no widget shows us-east-1", body(widget(WEST))),
        either(BOTH, body(widget(WEST))),
    ],
    unresolved=[UNKNOWN, "not json", "[]", '{"widgets": 7}', '{"widgets": [7]}', ABSENT],
)
