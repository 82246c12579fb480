"""The rules about what enters, leaves and is recorded in a VPC."""

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, bucket, key_arn, table
from unit_tests.compliance.rules.corruptions import (
    ABSENT,
    UNKNOWN,
    Resource,
    Value,
    changed,
    conditional,
    each,
    either,
    lacking,
    resource,
)
from unit_tests.compliance.rules.networks import network
from unit_tests.compliance.rules.verdicts import Row, on, reports, rule_test

VPC = resource("EC2::VPC", CidrBlock="10.0.0.0/16")
TO_S3 = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "DestinationPrefixListId": "pl-68a54001"}
GROUP = {"Fn::GetAtt": ["Group", "GroupId"]}
TO_GROUP = {"IpProtocol": "tcp", "DestinationSecurityGroupId": "sg-1"}


def to(cidr: Value, name: str = "CidrIp") -> dict[str, Value]:
    """Return an egress rule to a range of addresses."""
    return {"IpProtocol": "-1", name: cidr}


def egress(rules: Value, beside: Value = None, groups: Value = (GROUP,)) -> dict[str, Resource]:
    """Return a function in a VPC, with its security group and perhaps an egress rule beside the group."""
    listed = list(groups) if groups == (GROUP,) else groups
    more = {} if beside is None else {"Beside": resource("EC2::SecurityGroupEgress", GroupId=GROUP, **beside)}
    return {
        "Vpc": VPC,
        "It": resource("Lambda::Function", VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": listed}),
        "Group": resource("EC2::SecurityGroup", SecurityGroupEgress=rules),
        **more,
    }


def group_of(rules: Value) -> Value:
    return template({"Group": egress(rules)["Group"]})


def rule_alone(rule: dict[str, Value]) -> dict[str, Resource]:
    return {"It": resource("EC2::SecurityGroupEgress", GroupId="sg-1", **rule)}


def by_list(cidr: str) -> dict[str, Resource]:
    """Return egress to a prefix list of the templates, with one range."""
    ranges = resource("EC2::PrefixList", Entries=[{"Cidr": cidr}])
    return {**egress([{**TO_S3, "DestinationPrefixListId": {"Ref": "List"}}]), "List": ranges}


RANGE = {"Ref": "Range"}

test_egress = rule_test(
    "ActivePassive-VPCEgress",
    lambda resources: resources if "It" in resources else egress([resources]),
    passes=[
        TO_S3,
        egress([TO_S3], TO_GROUP),
        {"IpProtocol": "icmp", "CidrIp": "255.255.255.255/32"},
        *(to(cidr) for cidr in ("10.0.0.0/8", {"Fn::GetAtt": ["Vpc", "CidrBlock"]})),
        egress([TO_S3], groups=either([GROUP], [GROUP])),
        on("Group", group_of([TO_S3])),
        rule_alone(TO_S3),
        by_list("10.0.0.0/8"),
        {**egress([to(RANGE)]), "Vpc": resource("EC2::VPC", CidrBlock=RANGE)},
    ],
    fails=[
        to("0.0.0.0/0"),
        egress([TO_S3, to("::/0", "CidrIpv6")]),
        egress([to("0.0.0.0/1"), to("128.0.0.0/1")]),
        reports("EC2 then adds rules that allow everything", egress([])),
        egress(ABSENT),
        egress([], TO_GROUP),
        egress([TO_S3], to("0.0.0.0/0")),
        either(TO_S3, to("0.0.0.0/0")),
        egress(either([TO_S3], [])),
        egress([TO_S3], groups=[]),
        egress([TO_S3], groups=ABSENT),
        *(on("Group", group_of(rules)) for rules in ([], [to("0.0.0.0/0")])),
        rule_alone(to("0.0.0.0/0")),
        *(to("52.0.0.0/16"), to("8.8.8.8/32"), to("2600:1f00::/56", "CidrIpv6")),
        by_list("0.0.0.0/0"),
    ],
    unresolved=[
        *(to(UNKNOWN), UNKNOWN, to("somewhere"), egress(UNKNOWN), rule_alone(to(UNKNOWN))),
        *(egress([TO_S3], groups=groups) for groups in (UNKNOWN, ["sg-12345678"], [UNKNOWN])),
    ],
    ignored=[{**egress([TO_S3]), "It": resource("Lambda::Function")}],
)


def ingress(**changes: Value) -> dict[str, Resource]:
    """Return an ingress rule that stands alone, `It`, and the same in its group, `Group`."""
    whole = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **changes}
    return {
        "Vpc": VPC,
        "It": resource("EC2::SecurityGroupIngress", GroupId="sg-1", **whole),
        "Group": resource("EC2::SecurityGroup", SecurityGroupIngress=[whole]),
        "Everybody": resource("EC2::PrefixList", Entries=[{"Cidr": "52.0.0.0/16"}]),
        "Closed": resource("EC2::SecurityGroup", SecurityGroupIngress=ABSENT),
    }


def from_group(**changes: Value) -> dict[str, Value]:
    """Return changes of an ingress rule that admits one security group."""
    return {"SourceSecurityGroupId": "sg-2", **changes}


test_ingress, test_ingress_in_its_group = (
    rule_test(
        "ActivePassive-VPCIngress",
        lambda changes: ingress(**changes),
        of=of,
        passes=[
            *({"SourceSecurityGroupId": group} for group in ("sg-2", UNKNOWN)),
            {"SourcePrefixListId": "pl-1"},
            *({"CidrIp": cidr} for cidr in ("10.0.0.0/16", {"Fn::GetAtt": ["Vpc", "CidrBlock"]})),
            {"CidrIpv6": "fd00::/64"},
            *({"CidrIp": cidr} for cidr in ("172.31.0.0/16", "192.168.1.0/24", "100.64.0.0/16")),
            from_group(FromPort="8000", ToPort="8099"),
            from_group(IpProtocol="icmp", FromPort=8, ToPort=-1),
        ],
        fails=[
            *(reports(f"CidrIp {cidr} is wider", {"CidrIp": cidr}) for cidr in ("0.0.0.0/0", "10.0.0.0/8")),
            *(reports(f"CidrIpv6 {cidr} is wider", {"CidrIpv6": cidr}) for cidr in ("::/0", "fc00::/7")),
            *(
                reports("of the internet", {"CidrIp": cidr})
                for cidr in ("52.0.0.0/16", "1.2.0.0/16", "8.8.8.8/32", "172.32.0.0/16", "11.0.0.0/24", "192.0.2.1")
            ),
            *(
                reports("of the internet", {"CidrIpv6": cidr})
                for cidr in ("2600:1f00::/56", "2001:db8::/64", "::ffff:10.0.0.0/112", "64:ff9b::/96")
            ),
            reports("of the internet", {"SourcePrefixListId": {"Ref": "Everybody"}}),
            *(reports("every protocol", from_group(IpProtocol=protocol)) for protocol in ("-1", -1)),
            reports("ports 0 to 65535", from_group(FromPort=0, ToPort=65535)),
            reports("ports 0 to 65535", from_group(FromPort=ABSENT, ToPort=ABSENT)),
            reports("ports 8000 to 8100", from_group(FromPort=8000, ToPort=8100)),
        ],
        unresolved=[
            *({"CidrIp": cidr} for cidr in (UNKNOWN, "everywhere")),
            *(from_group(IpProtocol=protocol) for protocol in (UNKNOWN, ABSENT)),
            from_group(FromPort=UNKNOWN),
        ],
        ignored=[on("Closed", from_group())],
    )
    for of in ("It", "Group")
)

PRIVATE = "10.1.0.0/16"


def routed(of: str, **route: Value) -> Row:
    """Return a row about a route table, its association or another, where the table has one route."""
    resources = {
        "Table": resource("EC2::RouteTable", VpcId="vpc-1"),
        "Route": resource("EC2::Route", RouteTableId={"Ref": "Table"}, **route),
        "Joined": resource("EC2::SubnetRouteTableAssociation", RouteTableId={"Ref": "Table"}),
        "Elsewhere": resource("EC2::SubnetRouteTableAssociation", RouteTableId="rtb-0123456789abcdef0"),
    }
    return on(of, template(resources))


test_gateway = rule_test(
    "ActivePassive-VPCGateway",
    passes=[
        resource("EC2::Subnet"),
        *(resource("EC2::Subnet", MapPublicIpOnLaunch=public) for public in (False, "false")),
        resource("EC2::Route", DestinationCidrBlock=PRIVATE, GatewayId="local"),
        resource("EC2::Route", DestinationPrefixListId="pl-1", GatewayId="vpce-1"),
        routed("Table", DestinationPrefixListId="pl-1", GatewayId="vpce-1"),
        routed("Joined"),
    ],
    fails=[
        resource("EC2::NatGateway", SubnetId="subnet-1"),
        resource("EC2::InternetGateway"),
        resource("EC2::EgressOnlyInternetGateway", VpcId="vpc-1"),
        resource("EC2::VPCGatewayAttachment", VpcId="vpc-1", InternetGatewayId={"Ref": "Gateway"}),
        resource("EC2::VPCGatewayAttachment", VpcId="vpc-1", VpnGatewayId="vgw-1"),
        resource("EC2::VPCPeeringConnection", VpcId="vpc-1", PeerVpcId="vpc-2"),
        resource("EC2::TransitGatewayAttachment", VpcId="vpc-1"),
        resource("EC2::VPNGateway", Type="ipsec.1"),
        resource("EC2::Route", DestinationCidrBlock=PRIVATE, TransitGatewayId="tgw-1"),
        resource("EC2::Route", DestinationCidrBlock=PRIVATE, GatewayId={"Ref": "Vpn"}),
        resource("EC2::Route", DestinationCidrBlock=PRIVATE, NetworkInterfaceId="eni-1"),
        resource("EC2::Route", DestinationIpv6CidrBlock="fd00::/8", VpcPeeringConnectionId="pcx-1"),
        *(resource("EC2::Subnet", MapPublicIpOnLaunch=public) for public in (True, "true", either(True, False))),
        resource("EC2::Route", DestinationCidrBlock="0.0.0.0/0", GatewayId={"Ref": "Gateway"}),
        *(resource("EC2::Route", DestinationCidrBlock=to, TransitGatewayId="tgw-1") for to in ("128.0.0.0/1", "8.8.8.8/32")),
        resource("EC2::Route", DestinationIpv6CidrBlock="::/0", GatewayId="igw-1"),
        resource("EC2::Route", DestinationCidrBlock="10.0.0.0/8", NatGatewayId={"Ref": "Nat"}),
        resource("EC2::Route", DestinationIpv6CidrBlock="fd00::/8", EgressOnlyInternetGatewayId="eigw-1"),
        resource("EC2::Route", DestinationCidrBlock=either("10.0.0.0/8", "0.0.0.0/0")),
        routed("Table", DestinationCidrBlock="0.0.0.0/0", GatewayId="igw-1"),
    ],
    unresolved=[
        resource("EC2::Subnet", MapPublicIpOnLaunch=UNKNOWN),
        *(resource("EC2::Route", DestinationCidrBlock=to) for to in (UNKNOWN, "everywhere")),
        routed("Elsewhere"),
    ],
)

test_subnet_zones = rule_test(
    "ActivePassive-VPCSubnetZones",
    lambda zones: template(network(*zones), EAST, "serverless-it-prod"),
    of="Vpc",
    passes=[[0, 1], [0, 1, 2], [0, 1, 1], ["us-east-1a", "us-east-1b"], [0, either(0, 1)]],
    fails=[
        *([0, 0], [2, 2, 2], [0, None], [None, None]),
        reports("its 2 subnets are in one zone, us-east-1a; spread them", ["us-east-1a", "us-east-1a"]),
    ],
    unresolved=[[0, ["us-east-1a"]], [0, {"Fn::Select": 1, "Other": 2}]],
    ignored=[[0]],
)

SMALL = resource("EC2::VPC", CidrBlock="10.0.0.0/20")
TO_BUCKET = {"LogDestinationType": "s3", "LogGroupName": ABSENT, "DeliverLogsPermissionArn": ABSENT}
BUCKET_ARN = {"Fn::GetAtt": ["Bucket", "Arn"]}
IN_BUCKET = {**TO_BUCKET, "LogDestination": BUCKET_ARN}


def flow_log(**changes: Value) -> Resource:
    """Return a flow log of the VPC `It` to the log group `Group`."""
    properties = {
        "ResourceId": {"Ref": "It"},
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": {"Ref": "Group"},
        "DeliverLogsPermissionArn": {"Fn::GetAtt": ["Role", "Arn"]},
        **changes,
    }
    return resource("EC2::FlowLog", **properties)


def group(**changes: Value) -> Resource:
    """Return a log group that is encrypted and retained."""
    properties = {"LogGroupName": "/serverless/flow-prod", "RetentionInDays": 365, "KmsKeyId": key_arn(WEST), **changes}
    return resource("Logs::LogGroup", **properties)


def logged(*logs: Resource, **others: Resource) -> dict[str, Resource]:
    """Return the VPC with its flow logs, another VPC and the destinations."""
    bystanders = {"Other": SMALL, "Group": group(), "Bucket": bucket(), **others}
    return {"It": SMALL, **bystanders, **{f"Log{number}": log for number, log in enumerate(logs)}}


SOMEBODY_ELSES = flow_log(**TO_BUCKET, LogDestination="arn:aws:s3:::somebody-elses-bucket")
THREE = logged(flow_log(), flow_log(TrafficType="REJECT"), SOMEBODY_ELSES)
TOGETHER = {"It": conditional(SMALL), "Group": group(), "Log": conditional(flow_log())}
IN_EAST = template({"It": SMALL, "Group": group(KmsKeyId=key_arn(EAST)), "Log": flow_log()}, EAST)

test_flow_log = rule_test(
    "ActivePassive-VPCFlowLog",
    lambda changes: changes if "It" in changes else logged(flow_log(**changes)),
    passes=[
        {"LogDestinationType": ABSENT},
        {"LogGroupName": ABSENT, "LogDestination": f"arn:aws:logs:{WEST}:000000000000:log-group:/serverless/flow-prod:*"},
        {**TO_BUCKET, "LogDestination": {"Fn::Sub": "${Bucket.Arn}/flow/"}},
        logged(flow_log(TrafficType="REJECT"), flow_log()),
        {"LogFormat": "${srcaddr} ${dstaddr} ${dstport} ${action}"},
        logged(flow_log(ResourceId=UNKNOWN), flow_log()),
    ],
    fails=[
        *({"TrafficType": traffic} for traffic in ("ACCEPT", "all", ABSENT, either("ALL", "REJECT"))),
        reports("/Log0 records TrafficType REJECT; it must be ALL", {"TrafficType": "REJECT"}),
        {"DeliverLogsPermissionArn": ABSENT},
        *({"ResourceId": it} for it in ({"Ref": "Other"}, "vpc-0123456789abcdef0", either({"Ref": "It"}, {"Ref": "Other"}))),
        {"LogFormat": "${srcaddr} ${dstaddr} ${action}"},
        logged(conditional(flow_log())),
        logged(flow_log(), Group=conditional(group())),
        *(
            reports("which fails ActivePassive-LogsGroup: ", logged(flow_log(), Group=it))
            for it in (
                *lacking(group(), "KmsKeyId RetentionInDays"),
                *each(group(), "RetentionInDays", 1),
                *each(group(), "KmsKeyId", key_arn(EAST)),
            )
        ),
        *(logged(flow_log(**IN_BUCKET), Bucket=it) for it in lacking(bucket(), "BucketEncryption")),
    ],
    unresolved=[
        *({name: UNKNOWN} for name in ("TrafficType", "ResourceId", "LogGroupName", "LogDestinationType")),
        *({"LogGroupName": name} for name in ("somebody-elses", ABSENT, {"Ref": "Bucket"})),
        {"LogDestinationType": "kinesis-data-firehose", "LogDestination": "arn:aws:firehose:::x"},
        logged(flow_log(), Group=changed(group(), "RetentionInDays", to=UNKNOWN)),
        on("Log2", THREE),
    ],
)

RULE = {"IpProtocol": "tcp", "CidrIp": "10.0.0.0/8"}


def grouped(inline: int, beside: int, kind: str = "Ingress") -> dict[str, Resource]:
    """Return a security group with rules of its own and rules beside it."""
    rules = {f"Rule{number}": resource(f"EC2::SecurityGroup{kind}", GroupId=GROUP, **RULE) for number in range(beside)}
    return {"Group": resource("EC2::SecurityGroup", **{f"SecurityGroup{kind}": [RULE] * inline}), **rules}


test_group_size = rule_test(
    "ActivePassive-VPCGroupSize",
    of="Group",
    passes=[template(grouped(*each)) for each in ((0, 0), (50, 0), (20, 30, "Egress"))],
    fails=[
        reports("it has 51 rules of SecurityGroupIngress; at most 50", template(grouped(51, 0)), "Group"),
        *(template(grouped(*each)) for each in ((21, 30), (0, 51, "Egress"))),
    ],
    unresolved=[template({"Group": resource("EC2::SecurityGroup", SecurityGroupIngress=UNKNOWN)})],
    ignored=[template({"Group": resource("EC2::VPC", CidrBlock="10.0.0.0/16")})],
)

NETWORK, WITHOUT = template({"Vpc": VPC}, EAST), template({"Queue": resource("SQS::Queue")}, WEST)

test_regions = rule_test(
    "ActivePassive-VPCRegions",
    of="Vpc",
    passes=[(NETWORK, template({"Vpc": VPC}, WEST)), (NETWORK, template({"Other": VPC}, WEST))],
    fails=[reports("every VPC is in us-east-1, and the templates are of us-east-1, us-west-2", (NETWORK, WITHOUT), "Vpc")],
    ignored=[(NETWORK,)],
)


def in_subnets(*zones: Value, subnets: Value = ABSENT) -> dict[str, Resource]:
    made = [{"Ref": f"Subnet{number}"} for number in range(len(zones))]
    named = made if subnets is ABSENT else subnets
    return {**network(*zones), "It": resource("Lambda::Function", VpcConfig={"SubnetIds": named})}


def in_two_regions(*zones: Value, subnets: Value = ABSENT) -> tuple[Template, Template]:
    """Return a function in a region of a system that keeps a table in two."""
    return template(in_subnets(*zones, subnets=subnets), WEST), template({"Table": table()}, EAST)


test_function_zones = rule_test(
    "ActivePassive-LambdaZones",
    lambda zones: in_subnets(*zones) if isinstance(zones, list) else zones,
    passes=[
        *(in_two_regions(*zones) for zones in ([0], [0, 0], [0, 1])),
        [0, 1],
    ],
    fails=[
        reports("its 2 subnets are in one zone", [0, 0]),
        [None, None],
    ],
    unresolved=[in_subnets(0, subnets=[{"Ref": "Subnet0"}, "subnet-1"]), in_subnets(0, 1, subnets=UNKNOWN)],
    ignored=[{"It": resource("Lambda::Function")}, in_subnets(0, 1, subnets=[])],
)
