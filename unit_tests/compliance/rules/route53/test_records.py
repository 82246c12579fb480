"""The rules about failover records and the zone that holds them."""

from dataclasses import replace

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.builders import EAST, WEST, table
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, Value, conditional, either, resource
from unit_tests.compliance.rules.failover import (
    STACK,
    Resources,
    alarm_check,
    changed_pair,
    check_id,
    endpoint_check,
    health_check,
    pair,
    record,
    world,
)
from unit_tests.compliance.rules.verdicts import FAIL, PASS, on, reports, rule_test

FIRST, SECOND = check_id("FirstCheck"), check_id("SecondCheck")


def primary(check: Value = FIRST, **changes: Value) -> Resources:
    """Return the pair with another primary record."""
    return changed_pair(First=record("PRIMARY", EAST, check, **changes))


def secondary(check: Value = SECOND, **changes: Value) -> Resources:
    """Return the pair with another secondary record."""
    return changed_pair(Second=record("SECONDARY", WEST, check, **changes))


def alias(prefix: str, region: str, zone: str) -> dict[str, Value]:
    target = {"DNSName": f"{prefix}.execute-api.{region}.amazonaws.com", "HostedZoneId": zone}
    return {"Type": "A", "TTL": None, "ResourceRecords": None, "AliasTarget": target}


def aliases(**changes: Value) -> Resources:
    """Return a pair of alias records."""
    return changed_pair(
        First=record("PRIMARY", EAST, FIRST, **{**alias("x", EAST, "Z2"), **changes}),
        Second=record("SECONDARY", WEST, SECOND, **alias("y", WEST, "Z3")),
    )


def in_group(**changes: Value) -> Resources:
    records = [{**pair()[name]["Properties"]} for name in ("First", "Second")]
    for one in records:
        del one["HostedZoneId"]
    records[0].update(changes)
    group = resource("Route53::RecordSetGroup", HostedZoneId="Z1", RecordSets=records)
    return changed_pair(First=group, Second=None)


def both(east: Resources, west: Resources) -> tuple[Template, Template]:
    return template(east, EAST), template(west, WEST)


def picked(*names: str, **more: Resource) -> Resources:
    return {**{name: pair()[name] for name in names}, **more}


IN_EAST, IN_WEST = picked("First", "FirstCheck"), picked("Second", "SecondCheck")
BETWEEN = health_check(Type="CALCULATED", ChildHealthChecks=[check_id("Child")])
LATER = conditional(pair()["Second"])
COMPLETE = (
    *(pair(), aliases(), primary(TTL=0), primary(TTL=either("30", "60")), primary(Name="INGEST.example.com")),
    *(secondary(None), primary(HostedZoneId="/hostedzone/Z1")),
    changed_pair(FirstCheck=health_check(Type="HTTPS", IPAddress="192.0.2.1")),
)
ROUTINGS: tuple[dict[str, Value], ...] = (
    *({"Weight": 50}, {"Weight": 0}, {"Region": EAST}, {"GeoLocation": {"ContinentCode": "EU"}}, {"MultiValueAnswer": True}),
    *({"GeoProximityLocation": {"AWSRegion": EAST}}, {"CidrRoutingConfig": {"CollectionId": "c", "LocationName": "*"}}),
)

test_record = rule_test(
    "ActivePassive-Route53Record",
    world,
    of="First",
    passes=[
        *(*COMPLETE, in_group()),
        *(on(name, both(IN_EAST, IN_WEST)) for name in ("First", "Second")),
        changed_pair(FirstCheck=BETWEEN, Child=endpoint_check(EAST, Type="HTTPS_STR_MATCH")),
    ],
    fails=[
        reports("no SECONDARY record of the same name", changed_pair(Second=None)),
        *(secondary(Name="other.example.com"), secondary(Type="A"), secondary(HostedZoneId="Z9")),
        *(secondary(Failover="PRIMARY"), secondary(SetIdentifier="primary")),
        secondary(ResourceRecords=["api.us-east-1.example.com"]),
        changed_pair(Third=record("PRIMARY", EAST, FIRST, SetIdentifier="third")),
        *(primary(Failover="TERTIARY"), primary(SetIdentifier=None)),
        reports("no HealthCheckId", primary(None)),
        reports("its health check us-west-2/SecondCheck asks us-west-2", primary(SECOND)),
        *(primary(TTL=seconds) for seconds in (None, "61", either(60, 3600))),
        reports("300 seconds; at most 60", primary(TTL=300)),
        aliases(TTL="60"),
        # No other routing makes two regions active.
        *(reports(f"is routed by {next(iter(it))}", primary(Failover=None, **it)) for it in ROUTINGS),
        *(in_group(**routing) for routing in ROUTINGS),
        *(
            it
            for kind in ("HTTP", "HTTP_STR_MATCH", "TCP", either("HTTPS", "TCP"))
            for it in (
                changed_pair(FirstCheck=endpoint_check(EAST, Type=kind)),
                changed_pair(FirstCheck=BETWEEN, Child=endpoint_check(EAST, Type=kind)),
            )
        ),
        changed_pair(Second=LATER),
    ],
    unresolved=[
        *(primary(TTL=UNKNOWN), primary(Failover=UNKNOWN), primary(ResourceRecords=UNKNOWN), in_group(TTL=UNKNOWN)),
        *(primary(check) for check in (UNKNOWN, "01234567-89ab-cdef-0123-456789abcdef")),
        # Names that two templates leave open may be the same.
        both(
            picked("FirstCheck", First=record("PRIMARY", EAST, FIRST, Name=UNKNOWN)),
            picked("SecondCheck", Second=record("SECONDARY", WEST, SECOND, Name=UNKNOWN)),
        ),
    ],
    ignored=[
        template(primary(Failover=None, Weight=50), EAST),
        primary(Failover=None, MultiValueAnswer=False),
    ],
)


def judged_by(check: Resource, **others: Value) -> Resources:
    """Return the pair with the primary's health check and others that it may name."""
    return changed_pair(FirstCheck=check, Ready=endpoint_check(EAST), Peer=alarm_check("a", WEST), **others)


def calculated(*children: str) -> Resource:
    ids = [check_id(child) for child in children]
    return health_check(Type="CALCULATED", HealthThreshold=len(children), ChildHealthChecks=ids)


EITHER = either([check_id("Ready"), check_id("Peer")], [check_id("Peer")])
GROUP = resource("Route53::RecordSetGroup", HostedZoneId="Z1", RecordSets=[record("PRIMARY", EAST, FIRST)["Properties"]])
TCP = health_check(Type="TCP", IPAddress="192.0.2.1", Port=443)

test_record_primary = rule_test(
    "ActivePassive-Route53RecordPrimary",
    world,
    of="First",
    passes=[
        judged_by(calculated("Match", "Peer"), Match=endpoint_check(EAST, Type="HTTPS_STR_MATCH", SearchString="ok")),
        judged_by(calculated("Ready", "Peer"), First=record("PRIMARY", EAST, None)),
        judged_by(calculated("Ready", "Peer"), First=GROUP),
    ],
    fails=[
        reports("no alarm", pair()),
        reports("no HTTPS check", judged_by(calculated("Peer"))),
        judged_by(calculated("Open", "Peer"), Open=TCP),
        judged_by(calculated("Nobody", "Peer"), Nobody=health_check(Type="HTTPS", Port=443)),
        judged_by(health_check(Type="CALCULATED", ChildHealthChecks=EITHER)),
    ],
    unresolved=[primary(UNKNOWN), judged_by(calculated("Ready", "Elsewhere")), judged_by(health_check(Type=UNKNOWN))],
    ignored=[on("Second", pair())],
)


def checked(check: Resource, **others: Value) -> Resources:
    """Return the pair with another health check of the secondary, and others that it may name."""
    return changed_pair(SecondCheck=check, **others)


def host(name: Value) -> Resources:
    return checked(health_check(Type="HTTPS", FullyQualifiedDomainName=name))


def output(region: str) -> Value:
    return {"Fn::GetStackOutput": {"StackName": "serverless-regional-prod", "OutputName": "ApiHost", "Region": region}}


def of_children(*children: str) -> Resource:
    return health_check(Type="CALCULATED", HealthThreshold=1, ChildHealthChecks=[{"Ref": child} for child in children])


def first_at(address: str) -> Resource:
    return record("PRIMARY", EAST, FIRST, ResourceRecords=[address])


test_record_secondary = rule_test(
    "ActivePassive-Route53RecordSecondary",
    world,
    of="Second",
    passes=[
        *(pair(), secondary(None), host(output(WEST)), host("second.example.com")),
        checked(TCP),
        *(checked(alarm_check("a", region)) for region in (WEST, "eu-west-1")),
        checked(health_check(Type="RECOVERY_CONTROL", RoutingControlArn="arn:aws:route53-recovery-control::0:x")),
    ],
    fails=[
        reports("depends on an alarm in us-east-1", checked(alarm_check("a", EAST))),
        *(checked(endpoint_check(EAST)), checked(endpoint_check(EAST, Inverted=True)), host(output(EAST))),
        checked(of_children("Own"), Own=endpoint_check(WEST)),
        changed_pair(
            Second=record("SECONDARY", WEST, FIRST, ResourceRecords=["192.0.2.2"]),
            First=first_at("192.0.2.1"),
            FirstCheck=health_check(Type="HTTPS", IPAddress="192.0.2.1"),
        ),
        {**host("first.example.com"), "First": first_at("first.example.com")},
    ],
    unresolved=[
        secondary(UNKNOWN),
        checked(alarm_check("a", UNKNOWN)),
        checked(health_check(Type=UNKNOWN)),
        host(UNKNOWN),
        checked(health_check(Type="CALCULATED", ChildHealthChecks=[UNKNOWN])),
        checked(of_children("SecondCheck")),
        checked(alarm_check("a", WEST), First=first_at("192.0.2.1")),
    ],
    ignored=[on("First", pair())],
)

PRESENT = "ActivePassive-Route53RecordPresent"
API, VPC = resource("ApiGatewayV2::Api", ProtocolType="HTTP"), resource("EC2::VPC")


def found(failover: Template, **regional: Resource) -> list[Value]:
    """Return verdict and message of each row of the rule that asks for records."""
    both = (template({**regional, "Table": table()}, EAST), template(regional, WEST))
    return [(row.verdict, row.message) for row in ask(PRESENT, *both, failover)]


def failover_stack(resources: Resources, **body: Value) -> Template:
    it = template(resources, WEST, STACK)
    return replace(it, body={**it.body, **body})


def declaring(value: Value, **failover: Resource) -> list[Value]:
    """Return the verdicts where the failover stack declares how clients find the region."""
    stack = failover_stack(failover, Outputs={"ClientRouting": {"Value": value}})
    return [verdict for verdict, _ in found(stack, Api=API, Vpc=VPC)]


def test_records_are_required_of_a_system_with_clients_in_two_regions() -> None:
    assert found(failover_stack(pair()), Api=API, Vpc=VPC) == [(PASS, "")]
    assert [verdict for verdict, _ in found(failover_stack({}), Api=API, Vpc=VPC)] == [FAIL]
    half = failover_stack(changed_pair(Second=None))
    text = "APIs answer in several regions, and no template has a SECONDARY failover record"
    assert found(half, Api=API, Vpc=VPC) == [(FAIL, text)]
    assert found(failover_stack({}), Api=API) == found(failover_stack({}), Vpc=VPC) == []
    assert ask(PRESENT, template({"Api": API, "Vpc": VPC, "Table": table()}, EAST)) == []


def test_system_that_declares_ordered_endpoints_needs_no_records() -> None:
    assert declaring("ordered-endpoints") == []
    for value in ("failover-records", "", None, {"Ref": "AWS::StackName"}, ["ordered-endpoints"]):
        assert declaring(value) == [FAIL], value


def test_declaration_is_not_believed_beside_what_records_are_made_for() -> None:
    for left in (
        endpoint_check(EAST),
        resource("Route53::HostedZone", Name="serverless.internal"),
        resource("ApiGatewayV2::DomainName", DomainName="ingest.example.com"),
    ):
        assert declaring("ordered-endpoints", Left=left) == [FAIL], left["Type"]


HERE, THERE = ({"VPCId": "vpc-1", "VPCRegion": EAST}, {"VPCId": UNKNOWN, "VPCRegion": WEST})


PUBLIC = "example.org"


def zone(vpcs: Value) -> tuple[Template, ...]:
    given = {"Name": vpcs} if vpcs == PUBLIC else {"Name": "x.internal", "VPCs": vpcs}
    it = {"It": resource("Route53::HostedZone", **given)}
    return template(it, WEST, STACK), template({}, EAST), template({}, WEST)


test_zone = rule_test(
    "ActivePassive-Route53Zone",
    zone,
    passes=[[HERE, THERE]],
    fails=[*([], [THERE, THERE], either([HERE, THERE], [HERE])), reports(WEST, [HERE]), None],
    unresolved=[UNKNOWN, [UNKNOWN], [HERE, {"VPCId": "vpc-2", "VPCRegion": UNKNOWN}]],
    ignored=[PUBLIC],
)
