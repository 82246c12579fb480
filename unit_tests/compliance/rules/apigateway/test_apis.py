"""The rules about API Gateway that are no entries of the table `required.py`."""

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import alone, function, log_group
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, Resource, Value, conditional, either, resource
from unit_tests.compliance.rules.failover import endpoint_check
from unit_tests.compliance.rules.verdicts import on, reports, rule_test


def route(key: Value = "POST /uploads", kind: Value = "AWS_IAM", **others: Value) -> Resource:
    it = {"ApiId": {"Ref": "Api"}, "RouteKey": key, "AuthorizationType": kind, **others}
    return resource("ApiGatewayV2::Route", **it)


def method(method: str = "POST", kind: Value = "AWS_IAM", **others: Value) -> Resource:
    return resource("ApiGateway::Method", HttpMethod=method, AuthorizationType=kind, **others)


def url(kind: Value) -> Resource:
    return resource("Lambda::Url", AuthType=kind)


def api(**properties: Value) -> Resource:
    return resource("ApiGatewayV2::Api", **{"ProtocolType": "HTTP", **properties})


WEB_SOCKET = template(
    {
        "Api": api(ProtocolType="WEBSOCKET"),
        "Connect": route("$connect", "NONE"),
        "Send": route("send", "NONE"),
        "Default": route("$default", "NONE"),
    }
)

test_authorization = rule_test(
    "ActivePassive-APIGatewayAuthorization",
    passes=[
        *(route(), route(kind="JWT", AuthorizerId="a"), route(kind="CUSTOM", AuthorizerId={"Ref": "Authorizer"})),
        *(route("GET /health", "NONE"), route("GET /healthz", "NONE"), route("GET /ready", ABSENT)),
        *(method(), method(kind="COGNITO_USER_POOLS", AuthorizerId="a"), url("AWS_IAM")),
    ],
    fails=[
        reports("AuthorizationType is NONE, so anyone can call POST /uploads", route(kind="NONE")),
        *(route(kind=kind) for kind in (ABSENT, either("AWS_IAM", "NONE"), "JWT")),
        route(kind="CUSTOM", AuthorizerId=ABSENT),
        *(route(key, "NONE") for key in ("$default", "POST /healthz", "GET /healthz/secrets", "ANY /health")),
        route(kind="NONE", ApiKeyRequired=True),
        *(method(kind="NONE"), method(kind="COGNITO_USER_POOLS"), url("NONE"), url(ABSENT)),
        api(Target="arn:aws:lambda:us-west-2:0:function:f"),
        on("Connect", WEB_SOCKET),
    ],
    unresolved=[*(route(kind=UNKNOWN), route(UNKNOWN), method(kind=UNKNOWN), url(UNKNOWN)), api(Body={"paths": {}})],
    # A web socket is authorized when it is opened.
    ignored=[on("Send", WEB_SOCKET), on("Default", WEB_SOCKET), method("OPTIONS", "NONE"), api()],
)


def disabled(value: Value = "true", kind: str = "ApiGatewayV2::Api") -> Resource:
    """Return an API without an endpoint of its own."""
    return resource(kind, DisableExecuteApiEndpoint=value)


def mapping(of: str = "It", kind: str = "ApiGatewayV2::ApiMapping", name: str = "ApiId") -> Resource:
    return resource(kind, **{name: {"Ref": of}, "DomainName": "ingest.example.com"})


REST = {"It": disabled(kind="ApiGateway::RestApi"), "Mapping": mapping(kind="ApiGateway::BasePathMapping", name="RestApiId")}
OWN_HOST = {"Fn::Sub": "${It}.execute-api.${AWS::Region}.amazonaws.com"}
MAPPED = {"It": disabled(), "Mapping": mapping()}

test_endpoint = rule_test(
    "ActivePassive-APIGatewayEndpoint",
    passes=[alone(MAPPED), alone(REST), alone({**MAPPED, "Check": endpoint_check("us-east-1")})],
    fails=[
        *(disabled(value) for value in (True, "true", either(True, False))),
        alone({"It": disabled(), "Other": disabled(value=False), "Mapping": mapping("Other")}),
        alone({"It": disabled(), "Mapping": conditional(mapping())}),
        reports("checks that endpoint", alone({**MAPPED, "Check": endpoint_check("x", FullyQualifiedDomainName=OWN_HOST)})),
    ],
    unresolved=[disabled(UNKNOWN)],
    ignored=[disabled(value=False), resource("ApiGatewayV2::Api")],
)

OURS = "arn:aws:lambda:us-east-1:000000000000:function:serverless-processor-prod"
LONG = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations"
COLLECTOR = "https://collector.example.net/"
QUEUE = resource("SQS::Queue", KmsMasterKeyId="arn:aws:kms:us-east-1:000000000000:key/1")


def integration(uri: Value, kind: Value = "AWS_PROXY", **more: Value) -> Resource:
    return resource("ApiGatewayV2::Integration", ApiId="a", IntegrationType=kind, IntegrationUri=uri, **more)


def rest(**settings: Value) -> Resource:
    return resource("ApiGateway::Method", HttpMethod="GET", Integration=settings)


def in_account(it: Resource) -> Value:
    """Return the integration, a function, and queues that show which account the templates have."""
    return alone({"It": it, "Function": function(), "One": QUEUE, "Other": QUEUE})


test_integration = rule_test(
    "ActivePassive-APIGatewayIntegration",
    passes=[
        alone({"It": it, "Function": function()})
        for it in (
            *map(integration, ({"Fn::GetAtt": ["Function", "Arn"]}, {"Ref": "Function"}, OURS, f"{OURS}:live")),
            integration({"Fn::Sub": LONG}),
            integration(
                *("arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/a", "HTTP_PROXY"), ConnectionType="VPC_LINK"
            ),
            integration(None, IntegrationSubtype="SQS-SendMessage"),
            *(rest(Type="AWS_PROXY", Uri={"Fn::Sub": LONG}), rest(Type="MOCK")),
        )
    ],
    fails=[
        *map(
            in_account,
            (
                integration(COLLECTOR, "HTTP_PROXY"),
                integration(COLLECTOR, "HTTP_PROXY", ConnectionType="INTERNET"),
                integration(UNKNOWN, "HTTP_PROXY"),
                integration({"Ref": "Function"}, either("AWS_PROXY", "HTTP_PROXY")),
                integration("arn:aws:lambda:us-east-1:999999999999:function:theirs"),
                rest(Type="HTTP", Uri="http://collector.example.net/"),
            ),
        ),
        reports(f"to {COLLECTOR} over the internet", integration(COLLECTOR, "HTTP_PROXY")),
    ],
    unresolved=[integration(UNKNOWN), integration(OURS), integration({"Ref": "Function"}, UNKNOWN)],
)

LOGS: dict[str, Value] = {
    "DestinationArn": {"Fn::GetAtt": ["Logs", "Arn"]},
    "Format": "$context.identity.user $context.routeKey $context.status",
}
LESS: tuple[Value, ...] = (
    ABSENT,
    {},
    {"Format": "x"},
    {"DestinationArn": "x"},
    *({**LOGS, "Format": text} for text in ("", "$context.requestId", "$context.identity.user $context.routeKey")),
    either(LOGS, ABSENT),
)


GROUP_ARN = "arn:aws:logs:us-west-2:000000000000:log-group:serverless-processor-prod"
DECLARED: tuple[Value, ...] = (LOGS["DestinationArn"], GROUP_ARN, f"{GROUP_ARN}:*", {"Fn::Sub": "${Logs.Arn}"})
UNDECLARED: tuple[Value, ...] = (
    f"{GROUP_ARN}-2",
    {"Fn::Sub": "arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:elsewhere"},
    "arn:aws:firehose:us-west-2:000000000000:deliverystream/amazon-apigateway-a",
)


def with_log_group(it: Value) -> Value:
    """Return the stage beside a log group of its region."""
    return {"It": it, "Logs": log_group()}


def stages(settings: Value) -> list[Resource]:
    """Return a stage of each kind of API with settings of access logs."""
    return [
        resource("ApiGatewayV2::Stage", AccessLogSettings=settings),
        resource("ApiGateway::Stage", AccessLogSetting=settings),
    ]


IN_ANOTHER_REGION = (
    alone({"It": stages({**LOGS, "DestinationArn": GROUP_ARN.replace("west-2", "east-1")})[0]}, "us-west-2"),
    alone({"Logs": log_group()}, "us-east-1"),
)

test_logs = rule_test(
    "ActivePassive-APIGatewayLogs",
    with_log_group,
    passes=[stage for value in DECLARED for stage in stages({**LOGS, "DestinationArn": value})],
    fails=[
        *(stage for less in LESS for stage in stages(less)),
        *(stage for value in UNDECLARED for stage in stages({**LOGS, "DestinationArn": value})),
        reports("is a log group of us-east-1", IN_ANOTHER_REGION),
    ],
    unresolved=[*stages(UNKNOWN), *stages({**LOGS, "DestinationArn": UNKNOWN})],
)

LIMITS = {"ThrottlingRateLimit": 50, "ThrottlingBurstLimit": "100"}
EVERY = {"HttpMethod": "*", "ResourcePath": "/*", **LIMITS}


def http(default: Value = None, **routes: Value) -> Resource:
    """Return a stage of an HTTP API with limits, and those of routes."""
    by_route = {f"GET /{name}": each for name, each in routes.items()}
    return resource("ApiGatewayV2::Stage", DefaultRouteSettings=default or LIMITS, RouteSettings=by_route)


def methods(*settings: Value) -> Resource:
    return resource("ApiGateway::Stage", MethodSettings=list(settings))


test_throttle = rule_test(
    "ActivePassive-APIGatewayThrottle",
    passes=[http(), http(health=LIMITS), http(either(LIMITS, LIMITS)), methods(EVERY)],
    fails=[
        resource("ApiGatewayV2::Stage"),
        *map(http, ({"ThrottlingRateLimit": 50}, {"ThrottlingBurstLimit": 50}, {**LIMITS, "ThrottlingRateLimit": 0})),
        http(health={"DetailedMetricsEnabled": True}),
        http(health={**LIMITS, "ThrottlingBurstLimit": -1}),
        http(either(LIMITS, ABSENT)),
        reports("RouteSettings of GET /health has no ThrottlingRateLimit", http(health={})),
        methods(),
        methods({**EVERY, "ResourcePath": "/~1health"}),
        methods({**EVERY, "HttpMethod": "GET"}),
        methods(EVERY, {"HttpMethod": "GET", "ResourcePath": "/x"}),
    ],
    unresolved=[http(UNKNOWN), http({**LIMITS, "ThrottlingRateLimit": UNKNOWN}), methods(UNKNOWN)],
)
