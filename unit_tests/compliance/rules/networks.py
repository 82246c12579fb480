"""A VPC with two subnets, each with its route table, to damage in the tests of what judges them."""

from typing import Any

Resources = dict[str, dict[str, Any]]


def _of_vpc(kind: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"Type": f"AWS::EC2::{kind}", "Properties": {"VpcId": {"Ref": "Vpc"}, **properties}}


def subnet(zone: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a subnet in the zone of that number, or where a value says."""
    chosen = {"Fn::Select": [zone, {"Fn::GetAZs": ""}]} if isinstance(zone, int) else zone
    return _of_vpc("Subnet", **({} if chosen is None else {"AvailabilityZone": chosen}))


def endpoint(kind: str, **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return an endpoint in the VPC."""
    service = "com.amazonaws.us-east-1." + ("s3" if kind == "Gateway" else "sqs")
    return _of_vpc("VPCEndpoint", VpcEndpointType=kind, ServiceName=service, **properties)


def network(*zones: Any) -> Resources:  # noqa: ANN401 - any JSON
    """Return the VPC, with a subnet and a route table for each zone: `Subnet0`, `Table0` and so on."""
    made: Resources = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": True}}
    }
    for number, zone in enumerate(zones or (0, 1)):
        made |= {f"Subnet{number}": subnet(zone), f"Table{number}": _of_vpc("RouteTable")}
    return made


def refs(*names: str) -> list[dict[str, str]]:
    """References to resources."""
    return [{"Ref": name} for name in names]


def group(**ingress: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a security group, which lets in by one rule, if it is given."""
    return _of_vpc("SecurityGroup", **({"SecurityGroupIngress": [{"IpProtocol": "tcp", **ingress}]} if ingress else {}))
