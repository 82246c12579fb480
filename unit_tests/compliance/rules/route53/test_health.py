"""The rules about health checks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST
from unit_tests.compliance.rules.clocks import clock
from unit_tests.compliance.rules.corruptions import (
    ABSENT,
    UNKNOWN,
    Resource,
    Value,
    conditional,
    each,
    either,
    resource,
    unknown,
    without,
)
from unit_tests.compliance.rules.corruptions import given as parts
from unit_tests.compliance.rules.failover import (
    Resources,
    alarm,
    alarm_check,
    changed_pair,
    check_id,
    endpoint_check,
    health_check,
    record,
    world,
)
from unit_tests.compliance.rules.verdicts import FAIL, PASS, reports, rule_test, verdict_in

NAME = "serverless-peer-prod"
COMPOSITE = resource("CloudWatch::CompositeAlarm", AlarmName=NAME, AlarmRule="TRUE")
SILENCE = "HealthCheckConfig.InsufficientDataHealthStatus"


def checking(check: Resource, alarmed: Value = None, region: str = WEST, **others: Value) -> tuple[Template, ...]:
    """Return the pair with another check of the primary, and the alarm that it names in a region."""
    side = {"east" if region == EAST else "west": {"Alarm": alarmed} if alarmed else {}}
    return world(changed_pair(FirstCheck=check, **others), **side)


def calculated(*children: Value, **more: Value) -> Resource:
    return health_check(Type="CALCULATED", ChildHealthChecks=list(children), **more)


def alarmed_in(region: str, **others: Value) -> tuple[Template, ...]:
    """Return the pair with a check of the primary on an alarm of a region."""
    return checking(alarm_check(NAME, region), alarm(), region, **others)


OF_BOTH = {"First": record("PRIMARY", EAST, check_id("Both")), "Both": calculated({"Ref": "FirstCheck"})}
SIBLINGS = {
    "First": None,
    "Second": None,
    "Both": calculated(check_id("FirstCheck"), check_id("Ready")),
    "Ready": endpoint_check(EAST),
}

test_health = rule_test(
    "ActivePassive-Route53Health",
    lambda alarmed: checking(alarm_check(NAME, WEST), alarmed),
    of="FirstCheck",
    passes=[
        *(alarm(), alarm(Period=300), alarm(Period="60"), alarm(AlarmName=either(NAME, "x")), alarm(Statistic="Sum")),
        *(alarm(DatapointsToAlarm=3), alarm(EvaluationPeriods="3", DatapointsToAlarm=3)),
        checking(alarm_check({"Ref": "Beside"}, {"Ref": "AWS::Region"}), Beside=alarm(AlarmName=None)),
        alarmed_in(WEST, **SIBLINGS),
        *(checking(it, alarm()) for it in each(alarm_check(NAME, WEST), SILENCE, "Healthy", "LastKnownStatus")),
    ],
    fails=[
        # Route 53 cannot read these alarms.
        COMPOSITE,
        alarm(Metrics=[{"Id": "m", "Expression": "a / b"}], MetricName=None, Period=None),
        *(alarm(Period=seconds) for seconds in (10, "30", either(60, 10))),
        alarm(Statistic=None, ExtendedStatistic="p99"),
        *(alarm(DatapointsToAlarm=points) for points in (2, either(3, 1))),
        checking(alarm_check({"Ref": "Beside"}, WEST), Beside=COMPOSITE),
        # The region that it judges publishes the alarm.
        reports("the region that it judges", alarmed_in(EAST)),
        *(
            checking(it, alarm())
            for it in each(alarm_check(NAME, WEST), SILENCE, "Unhealthy", either("Healthy", "Unhealthy"))
        ),
        *(
            checking(without(alarm_check(NAME, WEST), "HealthCheckConfig", "AlarmIdentifier", missing), alarm())
            for missing in ("Name", "Region")
        ),
    ],
    unresolved=[
        *(checking(alarm_check(*it), alarm()) for it in ((NAME, UNKNOWN), (UNKNOWN, WEST), ("another", WEST))),
        *(None, alarm(Period=UNKNOWN)),
        alarmed_in(WEST, First=None),  # no record names the check
    ],
    ignored=[checking(endpoint_check(EAST))],
)

CALCULATED = "ActivePassive-Route53HealthCalculated"
CHILDREN = {"Ready": endpoint_check(EAST), "Peer": alarm_check("a", WEST), "Forced": alarm_check("b", WEST)}
ALL = [check_id(name) for name in CHILDREN]


def summing(**settings: Value) -> Resource:
    """Return a calculated check of three children."""
    return health_check(**parts(**{"Type": "CALCULATED", "ChildHealthChecks": ALL, "HealthThreshold": 3, **settings}))


def among(it: Resource) -> Resources:
    return {"It": it, **CHILDREN, "Deep": summing(), "Again": alarm_check("a", WEST)}


test_health_calculated = rule_test(
    CALCULATED,
    among,
    passes=[
        summing(ChildHealthChecks=either(ALL, ALL[:2]), HealthThreshold=either(3, 2)),
    ],
    fails=[
        *(summing(HealthThreshold=threshold) for threshold in (1, 0, 4, None, either(3, 2))),
        *(reports(text, summing(HealthThreshold=2)) for text in ("HealthThreshold is 2 of 3", "set it to 3")),
        *(summing(ChildHealthChecks=[]), summing(ChildHealthChecks=None), summing(ChildHealthChecks=either(ALL, ALL[:2]))),
        *(summing(ChildHealthChecks=[*ALL[:2], child]) for child in (ALL[0], check_id("Deep"), check_id("Again"))),
    ],
    unresolved=[
        *(summing(HealthThreshold=UNKNOWN), summing(ChildHealthChecks=UNKNOWN)),
        *(summing(ChildHealthChecks=[*ALL[:2], child]) for child in (UNKNOWN, "0123")),
    ],
    ignored=[endpoint_check(EAST), alarm_check("a", WEST)],
)


@pytest.mark.property
@given(children=st.integers(1, 3), threshold=st.integers(-1, 5))
def test_only_the_number_of_the_children_will_do(children: int, threshold: int) -> None:
    it = summing(ChildHealthChecks=ALL[:children], HealthThreshold=threshold)
    assert verdict_in(CALCULATED, "It", template(among(it), WEST)) is (PASS if threshold == children else FAIL)


test_health_enabled = rule_test(
    "ActivePassive-Route53HealthEnabled",
    lambda settings: {"It": endpoint_check(EAST, **settings)},
    passes=[
        {"Disabled": False, "Inverted": "false"},
    ],
    fails=[
        *(
            reports(f"{flag} is true", {flag: value})
            for flag in ("Disabled", "Inverted")
            for value in (True, "true", either(True, False))
        ),
        {"FailureThreshold": 4},
        {"RequestInterval": 300},
        {"FullyQualifiedDomainName": ABSENT},
    ],
    unresolved=[
        *({"Disabled": UNKNOWN}, {"RequestInterval": UNKNOWN}),
        *(template({"It": it}, WEST) for it in unknown(endpoint_check(EAST), "HealthCheckConfig")),
    ],
)

HOST = {"Fn::Sub": "${Api}.execute-api.${AWS::Region}.amazonaws.com"}


def requesting(path: Value, *routes: str, **settings: Value) -> Resources:
    """Return a check that requests a path of an API with these routes."""
    api = resource("ApiGatewayV2::Api")
    check = endpoint_check("us-east-1", FullyQualifiedDomainName=HOST, ResourcePath=path, **settings)
    keys = {
        f"Route{number}": resource("ApiGatewayV2::Route", ApiId={"Ref": "Api"}, RouteKey=key)
        for number, key in enumerate(routes)
    }
    return {"It": check, "Api": api, **keys}


def at_own_domain(**settings: Value) -> Resources:
    """Return a check at the host of a domain name of the templates."""
    check = endpoint_check("us-east-1", FullyQualifiedDomainName="up.example.org", ResourcePath="/ready", **settings)
    return {"It": check, "Own": resource("ApiGatewayV2::DomainName", DomainName="up.example.org")}


def alone(check: Resource) -> Resources:
    return {"It": check}


test_health_path = rule_test(
    "ActivePassive-Route53HealthPath",
    lambda resources: resources,
    region=EAST,
    passes=[
        requesting("/v1/readyz?deep=1", "GET /v1/readyz"),
        requesting("/status", "GET /status", "POST /uploads"),
        requesting("/anything", "ANY /{proxy+}"),
        requesting("/ready", "GET /ready", Port="443", EnableSNI=True),
        at_own_domain(Port=443),
        alone(endpoint_check("us-east-1", ResourcePath="/ready", Port=8443)),  # not API Gateway's host
    ],
    fails=[
        *(
            requesting(path, "GET /healthz", "GET /ready")
            for path in (None, "", "/", "/nowhere", either("/ready", "/healthz"))
        ),
        reports(
            "it requests /healthz, and /ready is the readiness route", requesting("/healthz", "GET /healthz", "GET /ready")
        ),
        *(requesting("/ready", "GET /ready", Port=port) for port in (1, "8443")),
        requesting("/ready", "GET /ready", EnableSNI=False),
        *(at_own_domain(**{name: value}) for name, value in (("Port", 44300), ("EnableSNI", False))),
    ],
    unresolved=[alone(health_check(Type=UNKNOWN)), requesting(["/ready"], "GET /ready")],
    ignored=[alone(health_check(Type="TCP", IPAddress="192.0.2.1")), alone(calculated())],
)

ENOUGH = {"ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 16}
WIDE = {"ThrottlingRateLimit": 50, "ThrottlingBurstLimit": 100}
FEW = {"ThrottlingRateLimit": 1, "ThrottlingBurstLimit": 1}


def limiting(default: Value, routes: Value = None, *, route: str = "GET /ready") -> Resources:
    """Return a stage with limits, an API with one route and a check of it."""
    stage = {"ApiId": {"Ref": "Api"}, "DefaultRouteSettings": default, "RouteSettings": routes or {}}
    return {
        "Api": resource("ApiGatewayV2::Api"),
        "Route": resource("ApiGatewayV2::Route", ApiId={"Ref": "Api"}, RouteKey=route),
        "It": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": stage},
        "Check": endpoint_check("us-east-1", ResourcePath="/status?deep=1"),
    }


test_health_throttle = rule_test(
    "ActivePassive-Route53HealthThrottle",
    lambda resources: resources,
    region=EAST,
    passes=[
        *(limiting(ENOUGH), limiting(FEW, {"GET /ready": ENOUGH})),
    ],
    fails=[
        *(
            it
            for limit in sorted(ENOUGH)
            for route in ("GET /ready", "HEAD /healthz", "GET /status", "ANY /status")
            for it in (limiting({**WIDE, limit: 1}, route=route), limiting(WIDE, {route: {**WIDE, limit: 4}}, route=route))
        ),
        reports(
            "ThrottlingRateLimit of RouteSettings of GET /ready is 1; GET /ready is what health checkers ask",
            limiting(WIDE, {"GET /ready": {**WIDE, "ThrottlingRateLimit": 1}}),
        ),
    ],
    unresolved=[limiting(UNKNOWN), limiting(WIDE, {"GET /ready": UNKNOWN})],
    ignored=[limiting(FEW, route="POST /uploads")],
)

VARIABLES = {"POWERTOOLS_METRICS_NAMESPACE": "Lockstep", "POWERTOOLS_SERVICE_NAME": "observer", "ENVIRONMENT": "prod"}
DIMENSIONS = [{"Name": "service", "Value": "observer"}, {"Name": "environment", "Value": "prod"}]
OF_FUNCTION = alarm(Namespace="AWS/Lambda", Dimensions=[{"Name": "FunctionName", "Value": {"Ref": "Function"}}])
OF_BUCKET = alarm(Namespace="AWS/S3", Dimensions=[{"Name": "BucketName", "Value": "x"}])


def published(**changes: Value) -> Resource:
    """Return an alarm on a metric that the observer publishes."""
    return alarm(Dimensions=DIMENSIONS, **changes)


def observer(environment: Value = None, **more: Value) -> Resource:
    """Return a function that publishes by Powertools, or with another environment."""
    return resource("Lambda::Function", FunctionName="serverless-observer-prod", Environment=environment, **more)


def schedule(**changes: Value) -> Resource:
    """Return a schedule of EventBridge Scheduler that runs the function every minute."""
    target = {"Arn": {"Fn::GetAtt": ["Function", "Arn"]}, "RoleArn": "arn:aws:iam::111122223333:role/x"}
    return resource("Scheduler::Schedule", **{"ScheduleExpression": "rate(1 minutes)", "Target": target, **changes})


def every(expression: Value) -> dict[str, Value]:
    return {"Clock": clock(ScheduleExpression=expression)}


PUBLISHING = {"Alarm": published(), "Function": observer({"Variables": VARIABLES}), "Clock": clock()}


def silent(changes: dict[str, Value], silence: Value = "LastKnownStatus") -> tuple[Template, ...]:
    """Return a check on the alarm of the west that keeps its last status while the metric is silent."""
    check = alarm_check(NAME, WEST)
    if silence is not None:
        (check,) = each(check, SILENCE, silence)
    return world(changed_pair(FirstCheck=check), west=parts(**{**PUBLISHING, **changes}))


NONE = "no function in us-west-2 is seen to publish"
NEVER = "no enabled schedule runs that function"

test_health_silence = rule_test(
    "ActivePassive-Route53HealthSilence",
    silent,
    of="FirstCheck",
    passes=[
        silent(changes, silence)
        for silence in ("LastKnownStatus", None, either("LastKnownStatus", "Healthy"))
        for changes in (
            *({}, {"Clock": schedule()}, {"Clock": clock(State=None)}, {"Slow": clock(ScheduleExpression="rate(1 day)")}),
            *map(every, ("rate(3 minutes)", "cron(* * * * ? *)", "cron(0/2 * * * ? *)")),
            every(either("rate(1 minute)", "rate(2 minutes)")),
            {"Alarm": published(Period=300), **every("rate(10 minutes)")},
            {"Alarm": OF_FUNCTION, "Function": observer()},
        )
    ],
    fails=[
        reports(NONE, {"Alarm": alarm()}),
        reports("Other PeerHealthy, which no function", {"Alarm": published(Namespace="Other")}),
        *(
            reports("is seen to publish", {"Function": observer({"Variables": {**VARIABLES, name: "x"}})})
            for name in ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_DISABLED", "ENVIRONMENT")
        ),
        *(
            reports(NEVER, {"Clock": clock(State=state)})
            for state in ("DISABLED", "disabled", either("ENABLED", "DISABLED"))
        ),
        *(reports(NEVER, {"Clock": clock(**more)}) for more in ({"EventPattern": {"source": ["a"]}}, {"EventBusName": "a"})),
        reports(NEVER, {"Clock": clock(Targets=[])}),
        reports(NEVER, {"Clock": conditional(clock())}),
        reports(NEVER, every("cron(0 12 * * ? *)")),
        reports("every 240 seconds; the alarm looks back 180 seconds", every("rate(4 minutes)")),
        reports("looks back 30 seconds", {"Alarm": published(Period=either(60, 10))}),
        # A function of another region publishes elsewhere.
        world(
            changed_pair(FirstCheck=alarm_check(NAME, WEST)),
            east=parts(**{**PUBLISHING, "Alarm": None}),
            west={"Alarm": published()},
        ),
    ],
    unresolved=[
        *(every(UNKNOWN), {"Clock": clock(State=UNKNOWN)}),
        *({"Alarm": published(Namespace=UNKNOWN)}, {"Alarm": None}),
    ],
    ignored=[silent({"Function": None, "Clock": None}, decided) for decided in ("Healthy", "Unhealthy")],
)
