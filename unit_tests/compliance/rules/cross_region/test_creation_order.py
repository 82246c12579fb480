"""The rule about the order in which CloudFormation creates resources."""

from typing import Any

from unit_tests.compliance.rules.builders import role
from unit_tests.compliance.rules.corruptions import Resource, Value, resource
from unit_tests.compliance.rules.networks import network, refs
from unit_tests.compliance.rules.verdicts import on, reports, rule_test

ARN = {"Fn::GetAtt": ["Role", "Arn"]}
SIMPLE = resource("Lambda::Function", Role=ARN)
GROUP_ID = {"Fn::GetAtt": ["Group", "GroupId"]}


def after(it: Resource, *names: str) -> Resource:
    return {**it, "DependsOn": list(names)}


def permission(service: str) -> Resource:
    return resource("Lambda::Permission", FunctionName={"Ref": "Function"}, Principal=f"{service}.amazonaws.com")


def with_role(it: Resource, **more: Resource) -> dict[str, Any]:
    return {**role("s3:GetObject"), "It": it, **more}


def bucket(**target: Value) -> Resource:
    (kind,) = target
    entry = {"Event": "s3:ObjectCreated:*", kind: target[kind]}
    names = {"Queue": "QueueConfigurations", "Topic": "TopicConfigurations", "Function": "LambdaConfigurations"}
    return resource("S3::Bucket", NotificationConfiguration={names[kind]: [entry]})


QUEUES = {"Q": resource("SQS::Queue"), "Admits": resource("SQS::QueuePolicy", Queues=refs("Q"), PolicyDocument={})}
TO_QUEUE = bucket(Queue={"Fn::GetAtt": ["Q", "Arn"]})
TOPICS = {"T": resource("SNS::Topic"), "Admits": resource("SNS::TopicPolicy", Topics=refs("T"), PolicyDocument={})}
CALLED = {"Function": resource("Lambda::Function"), "Admits": permission("s3")}
REPLICATING = resource("S3::Bucket", ReplicationConfiguration={"Role": ARN})
TRAIL = resource("CloudTrail::Trail", S3BucketName={"Ref": "B"})
TRAILS = {"B": resource("S3::Bucket"), "Admits": resource("S3::BucketPolicy", Bucket={"Ref": "B"}, PolicyDocument={})}
ROTATION = resource("SecretsManager::RotationSchedule", RotationLambdaARN={"Fn::GetAtt": ["Function", "Arn"]})
ROTATED = {"Function": resource("Lambda::Function"), "Admits": permission("secretsmanager")}
API = {"ApiId": {"Ref": "Api"}}
STAGE = resource("ApiGatewayV2::Stage", **API, StageName="live", RouteSettings={"GET /ready": {}})
ROUTES = {
    "Api": resource("ApiGatewayV2::Api"),
    "Admits": resource("ApiGatewayV2::Route", **API, RouteKey="GET /ready"),
    "Other": resource("ApiGatewayV2::Route", **API, RouteKey="POST /uploads"),
}
MAPPING = resource("ApiGatewayV2::ApiMapping", **API, Stage="live")
STAGES = {"Api": resource("ApiGatewayV2::Api"), "Admits": resource("ApiGatewayV2::Stage", **API, StageName="live")}
CUSTOM = {"Type": "Custom::Copy", "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}}}
PASSING = {"Type": "Custom::Copy", "Properties": {"ServiceToken": "arn:aws:lambda:::function:f", "WorkerRole": ARN}}
INSIDE = resource("Lambda::Function", VpcConfig={"SubnetIds": refs("Subnet0"), "SecurityGroupIds": [GROUP_ID]})
WAYS = {
    **network(),
    "Group": resource("EC2::SecurityGroup"),
    "EndpointGroup": resource("EC2::SecurityGroup"),
    "Endpoint": resource("EC2::VPCEndpoint", VpcId={"Ref": "Vpc"}, SecurityGroupIds=refs("EndpointGroup")),
    "Out": resource("EC2::SecurityGroupEgress", GroupId=GROUP_ID),
    "In": resource("EC2::SecurityGroupIngress", GroupId={"Ref": "EndpointGroup"}),
    "Route": resource("EC2::SubnetRouteTableAssociation", SubnetId={"Ref": "Subnet0"}),
}
NEEDED = ("Endpoint", "Out", "In", "Route")
PAIRS = (
    (TO_QUEUE, QUEUES),
    (bucket(Topic={"Ref": "T"}), TOPICS),
    (bucket(Function={"Fn::GetAtt": ["Function", "Arn"]}), CALLED),
    (TRAIL, TRAILS),
    (ROTATION, ROTATED),
    (STAGE, ROUTES),
    (MAPPING, STAGES),
)
"""Resources, and what is beside each: `Admits` must come first."""

test_creation_order = rule_test(
    "ActivePassive-CrossRegionCreationOrder",
    lambda resources: resources,
    passes=[
        *({"It": after(it, "Admits"), **others} for it, others in PAIRS),
        *(with_role(after(it, "Policy")) for it in (SIMPLE, REPLICATING, PASSING)),
        with_role({**SIMPLE, "DependsOn": "Policy"}),
        with_role(CUSTOM, Function=after(SIMPLE, "Policy")),
        with_role(after(SIMPLE, "Between"), Between={**resource("SNS::Topic"), "DependsOn": "Policy"}),
        with_role(resource("Lambda::Function", Role=ARN, Description={"Fn::Sub": "${Policy}"})),
        {"It": after(INSIDE, *NEEDED), **WAYS},
        {"It": TO_QUEUE, **QUEUES, "Admits": {**QUEUES["Admits"], "DependsOn": "It"}},  # which cannot be first
        {"It": SIMPLE, "Role": role()["Role"]},
        {"It": resource("Lambda::Function", Role="arn:aws:iam::000000000000:role/elsewhere")},
    ],
    fails=[
        *({"It": it, **others} for it, others in PAIRS),
        *(with_role(it) for it in (SIMPLE, REPLICATING, PASSING)),
        with_role(resource("CloudTrail::Trail", CloudWatchLogsRoleArn=ARN)),
        reports("nothing makes CloudFormation create us-west-2/Policy first", with_role(after(SIMPLE, "Role"))),
        on("Function", with_role(CUSTOM, Function=SIMPLE)),
        *({"It": after(INSIDE, *(name for name in NEEDED if name != left)), **WAYS} for left in NEEDED),
    ],
)
