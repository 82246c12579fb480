"""A VPC with two subnets, each with its route table, to change in the tests of the rules about VPCs."""

from unit_tests.compliance.rules.corruptions import Resource, Value, given, resource

Resources = dict[str, Resource]


def _of_vpc(kind: str, **properties: Value) -> Resource:
    return resource(f"EC2::{kind}", VpcId={"Ref": "Vpc"}, **properties)


def subnet(zone: Value) -> Resource:
    """Return a subnet in the zone of that number, or of a value; None leaves the zone out."""
    return _of_vpc("Subnet", AvailabilityZone={"Fn::Select": [zone, {"Fn::GetAZs": ""}]} if isinstance(zone, int) else zone)


def endpoint(kind: str, **properties: Value) -> Resource:
    service = "com.amazonaws.us-east-1." + ("s3" if kind == "Gateway" else "sqs")
    return _of_vpc("VPCEndpoint", VpcEndpointType=kind, ServiceName=service, **properties)


def network(*zones: Value) -> Resources:
    """Return the VPC, with a subnet and a route table for each zone: `Subnet0`, `Table0` and so on."""
    made = {"Vpc": resource("EC2::VPC", CidrBlock="10.0.0.0/16", EnableDnsHostnames=True)}
    for number, zone in enumerate(zones or (0, 1)):
        made |= {f"Subnet{number}": subnet(zone), f"Table{number}": _of_vpc("RouteTable")}
    return made


def refs(*names: str) -> list[dict[str, str]]:
    return [{"Ref": name} for name in names]


def group(**ingress: Value) -> Resource:
    """Return a security group with one ingress rule, if it is given."""
    return _of_vpc("SecurityGroup", SecurityGroupIngress=[given(IpProtocol="tcp", **ingress)] if ingress else None)
