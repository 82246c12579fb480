"""The rules about VPC endpoints."""

from compliance.cfn.templates import Template
from unit_tests.compliance.rules.builders import alone, function, role
from unit_tests.compliance.rules.corruptions import (
    ABSENT,
    UNKNOWN,
    Resource,
    Value,
    changed,
    each,
    either,
    given,
    lacking,
    resource,
    unknown,
)
from unit_tests.compliance.rules.networks import endpoint, group, network, refs
from unit_tests.compliance.rules.verdicts import on, reports, rule_test

OBJECTS = "arn:aws:s3:::serverless-ingest-prod/incoming/*"


def allowing(kind: Value = "Gateway", **changes: Value) -> Resource:
    """Return an endpoint whose policy has one statement."""
    whole = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["s3:GetObject", "s3:PutObject"], "Resource": OBJECTS}
    return resource(
        "EC2::VPCEndpoint",
        VpcEndpointType=kind,
        ServiceName="com.amazonaws.us-west-2.s3",
        VpcId="vpc-1",
        PolicyDocument={"Statement": [given(**{**whole, **changes})]},
    )


def account(operator: str, value: str = "000000000000") -> dict[str, Value]:
    return {operator: {"aws:ResourceAccount": value}}


POLICY = allowing()["Properties"]["PolicyDocument"]
(DEFAULT,) = lacking(allowing(), "PolicyDocument")

test_endpoint = rule_test(
    "ActivePassive-VPCEndpoint",
    passes=[
        allowing(),
        allowing("Interface"),
        allowing(Effect="Deny", Action="*", Resource="*"),
        allowing(Action="s3:Get*"),
        allowing(Action="xray:PutTraceSegments", Resource="*"),
        allowing(Resource={"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/*"]]}),
        allowing(Resource="*", Condition=account("StringEquals")),
        allowing(Action="sqs:SendMessage", Resource="arn:aws:sqs:us-west-2:000000000000:serverless-*-prod"),
    ],
    fails=[
        reports("lets everyone do everything", DEFAULT),
        *lacking(DEFAULT, "VpcEndpointType"),
        *each(allowing(), "PolicyDocument", either(POLICY, ABSENT)),
        *(allowing(Action=action) for action in ("*", "s3:*", ["s3:GetObject", "*:*"])),
        *(allowing(Resource=arn) for arn in ("*", None, ["arn:aws:s3:::a", "*"])),
        *(allowing(Resource=f"arn:aws:s3:::{path}") for path in ("*", "*/*", "*/incoming/*")),
        allowing(Principal=None),
        allowing(Action="sqs:SendMessage", Resource="arn:aws:sqs:*:*:*"),
        allowing(Action="dynamodb:GetItem", Resource="arn:aws:dynamodb:us-west-2:000000000000:table/*"),
        allowing(Resource="*", Condition=account("StringLike", "*")),
        allowing(Resource="*", Condition=account("StringNotEquals", "1")),
        allowing(Resource="*", Condition=account("ForAllValues:StringEquals")),
        allowing(Resource="*", Condition=account("StringLike", "0*")),
        allowing(Action=None, NotAction="s3:DeleteObject"),
        allowing(Resource=None, NotResource="arn:aws:s3:::a"),
        allowing(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::1:root"}),
        allowing(Action=["xray:PutTraceSegments", "s3:GetObject"], Resource="*"),
    ],
    unresolved=[
        *unknown(allowing(), "VpcEndpointType PolicyDocument"),
        allowing(Action=UNKNOWN),
        allowing(Action="quantumthings:Do", Resource="*"),
    ],
    ignored=lacking(allowing("GatewayLoadBalancer"), "PolicyDocument"),
)

ROLE = "arn:aws:iam::000000000000:role/issuer"


def admitting(principal: Value, **more: Value) -> Resource:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*", **more}
    return resource("EC2::VPCEndpoint", PolicyDocument={"Statement": [statement]})


test_endpoint_principal = rule_test(
    "ActivePassive-VPCEndpointPrincipal",
    passes=[
        admitting({"AWS": ROLE}),
        admitting("*", Condition={"ArnEquals": {"aws:PrincipalArn": ROLE}}),
        admitting({"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalAccount": "000000000000"}}),
        admitting("*", Effect="Deny"),
    ],
    fails=[
        reports("Open admits every principal", admitting("*", Sid="Open")),
        *(admitting(principal) for principal in ("*", {"AWS": "*"}, either({"AWS": ROLE}, "*"))),
        admitting("*", Condition={"StringLike": {"s3:prefix": "incoming/"}}),
        admitting("*", Condition={"ArnLike": {"aws:PrincipalArn": "*"}}),
        admitting("*", Condition={"ArnNotEquals": {"aws:PrincipalArn": ROLE}}),
    ],
    unresolved=[resource("EC2::VPCEndpoint", PolicyDocument=UNKNOWN)],
    ignored=[resource("EC2::VPCEndpoint")],  # an endpoint without a policy has a rule of its own
)

BOTH, OURS = refs("Subnet0", "Subnet1"), refs("Group")
INTERFACE = endpoint("Interface", PrivateDnsEnabled=True, SubnetIds=BOTH, SecurityGroupIds=OURS)
GATEWAY = endpoint("Gateway", RouteTableIds=refs("Table0", "Table1"))
(UNNAMED,) = lacking(INTERFACE, "PrivateDnsEnabled")
BESIDE_GATEWAY = changed(UNNAMED, "ServiceName", to=GATEWAY["Properties"]["ServiceName"])
INGRESS = resource("EC2::SecurityGroupIngress", GroupId={"Fn::GetAtt": ["Group", "GroupId"]})


def in_vpc(it: Resource, *zones: Value, **more: Resource) -> Template:
    """Return a VPC with the endpoint and a security group that admits the VPC."""
    return alone({"It": it, **network(*zones), "Group": group(CidrIp="10.0.0.0/16"), **more})


def with_vpc(it: Resource, setting: str) -> Template:
    """Return a VPC with one DNS setting off, and the endpoint."""
    return in_vpc(it, Vpc=changed(network()["Vpc"], setting, to=False))


def elsewhere(**more: Value) -> Resource:
    """Return a gateway endpoint of a VPC that no template has."""
    return {"It": resource("EC2::VPCEndpoint", VpcId="vpc-1", VpcEndpointType="Gateway", **more)}


test_endpoint_reach = rule_test(
    "ActivePassive-VPCEndpointReach",
    in_vpc,
    passes=[
        in_vpc(INTERFACE, 0, 1, 1),  # one subnet of each zone is enough
        in_vpc(BESIDE_GATEWAY, Gateway=GATEWAY),  # which needs no private names
        in_vpc(INTERFACE, Group=group(), Ingress=INGRESS),
        *(with_vpc(GATEWAY, setting) for setting in ("EnableDnsSupport", "EnableDnsHostnames")),
    ],
    fails=[
        BESIDE_GATEWAY,
        *each(
            endpoint("Interface", PrivateDnsEnabled=True), "SubnetIds", *([], refs("Subnet1"), either(BOTH, refs("Subnet0")))
        ),
        reports("leaves out us-east-1/Table1", endpoint("Gateway", RouteTableIds=refs("Table0"))),
        alone(elsewhere()),
        in_vpc(INTERFACE, Group=group(CidrIp="10.0.0.0/16", FromPort=80, ToPort=80)),
        in_vpc(INTERFACE, Group=group(), Ingress=changed(changed(INGRESS, "IpProtocol", to="tcp"), "FromPort", to=444)),
        *lacking(INTERFACE, "SecurityGroupIds"),
        *(with_vpc(INTERFACE, setting) for setting in ("EnableDnsSupport", "EnableDnsHostnames")),
    ],
    unresolved=[
        *unknown(INTERFACE, "PrivateDnsEnabled SubnetIds"),
        *each(INTERFACE, "SubnetIds", [UNKNOWN]),
        *unknown(GATEWAY, "RouteTableIds"),
        alone(elsewhere(RouteTableIds=["rtb-1"])),
    ],
    ignored=[on("It", endpoint("GatewayLoadBalancer", SubnetIds=BOTH))],
)


def calling(*actions: str, **more: Resource) -> dict[str, Resource]:
    """Return a function in a VPC whose role allows actions, and what is beside it."""
    config = {"SubnetIds": refs("Subnet0"), "SecurityGroupIds": OURS}
    return {
        **network(),
        **role(*actions, on="arn:aws:s3:::a/*"),
        "It": changed(function(), "VpcConfig", to=config),
        "Group": group(CidrIp="10.0.0.0/16"),
        **more,
    }


def sending_out(*egress: Value, beside: Value = None, service: str = "s3") -> dict[str, Resource]:
    """Return a function that calls S3 or SQS, with egress rules in its security group or beside it."""
    rule = {} if beside is None else {"Rule": resource("EC2::SecurityGroupEgress", GroupId=OURS[0], **beside)}
    named = {"s3": changed(GATEWAY, "ServiceName", to="com.amazonaws.us-west-2.s3"), "sqs": QUEUES}
    made = calling("s3:GetObject" if service == "s3" else "sqs:SendMessage", Endpoint=named[service], **rule)
    return {**made, "Group": changed(made["Group"], "SecurityGroupEgress", to=list(egress))}


def https(**to: Value) -> dict[str, Value]:
    return {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **to}


NOWHERE = {"IpProtocol": "icmp", "CidrIp": "255.255.255.255/32", "FromPort": 252, "ToPort": 86}
TO_S3 = https(DestinationPrefixListId="pl-68a54001")
TO_DYNAMODB = https(DestinationPrefixListId="pl-00a54069")
TO_US = https(DestinationSecurityGroupId=OURS[0])
QUEUES = changed(INTERFACE, "ServiceName", to="com.amazonaws.us-west-2.sqs")

test_endpoint_present = rule_test(
    "ActivePassive-VPCEndpointPresent",
    lambda resources: resources,
    passes=[
        calling("sqs:SendMessage", Queues=QUEUES),
        calling("kms:Decrypt", "xray:PutTraceSegments"),  # no function connects to these itself
        *(sending_out(rule) for rule in (TO_S3, {**TO_S3, "IpProtocol": -1}, https(DestinationPrefixListId=UNKNOWN))),
        *(sending_out(rule) for rule in (https(CidrIp="0.0.0.0/0"), https(CidrIpv6="::/0"), {**TO_S3, "FromPort": "1"})),
        *(sending_out(NOWHERE, beside=TO_S3), sending_out(TO_DYNAMODB, TO_S3)),
        *(sending_out(rule, service="sqs") for rule in (TO_US, https(CidrIp="10.0.0.0/16"))),
        *(sending_out(https(DestinationPrefixListId="pl-0a"), service="sqs"), sending_out(beside=TO_US, service="sqs")),
    ],
    fails=[
        reports("it may call sqs", calling("sqs:SendMessage")),
        calling("sqs:SendMessage", Queues=changed(QUEUES, "VpcId", to="vpc-1")),
        reports("it may call s3, and its security groups let nothing out", sending_out(TO_DYNAMODB)),
        *(sending_out(rule) for rule in (NOWHERE, TO_US, {**TO_S3, "FromPort": 80, "ToPort": 80}, {**TO_S3, "ToPort": 442})),
        sending_out({**TO_S3, "IpProtocol": "udp"}),
        *(sending_out(rule, service="sqs") for rule in (NOWHERE, TO_S3, {**TO_US, "FromPort": 444})),
        sending_out(https(DestinationSecurityGroupId={"Ref": "Vpc"}), service="sqs"),
    ],
    unresolved=[sending_out({**TO_S3, "FromPort": UNKNOWN}), {**calling("sqs:SendMessage"), "Role": resource("IAM::User")}],
    ignored=[calling("sqs:SendMessage", Exit=resource("EC2::NatGateway")), {**calling("sqs:SendMessage"), "It": function()}],
)
