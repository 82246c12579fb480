"""The front door: a regional HTTP API that passes every request to the issuer."""

import json
from typing import Final

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.log_group import log_group
from infra.region import RegionContext

_GET, _POST = apigateway.HttpMethod.GET, apigateway.HttpMethod.POST

SIGNED_ROUTES: Final = (
    (_POST, "/uploads"),
    (_POST, "/uploads/{id}/parts"),
    (_POST, "/uploads/{id}/complete"),
    (_GET, "/uploads/{id}"),
    (_GET, "/files"),
)
"""Routes that callers sign with SigV4; IAM decides who may call them."""
OPEN_ROUTES: Final = {(_GET, "/healthz"): 20, (_GET, "/ready"): 200}
"""Routes without a signature, with their limits in requests a second. Route 53's health checkers cannot sign, and the
answers hold no secret.

The health checkers send two requests a second. A flood above the rest of the limit would make Route 53 regard the region
as unhealthy (docs/adr/0010-ready-stays-open.md). The answers are cached, so they cost little.
"""
OPEN_ROUTE_BURST_SECONDS: Final = 2

_ACCESS_LOG_FIELDS: Final = {
    "requestId": "$context.requestId",
    "requestTime": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "caller": "$context.identity.userArn",
    "userAgent": "$context.identity.userAgent",
    "routeKey": "$context.routeKey",
    "path": "$context.path",
    "protocol": "$context.protocol",
    "status": "$context.status",
    "responseLength": "$context.responseLength",
    "responseLatency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationError": "$context.integrationErrorMessage",
    "error": "$context.error.message",
}


class FrontDoor(Construct):
    """The HTTP API of one region, with its stage, routes and access log.

    Attributes:
        api: the API.
        stage: the only stage, `$default`.
        canary_arns: ARNs of the two routes that a canary calls: issue an upload, and read its state.
        host: the host name that clients of this region call.
        url: its URL, without a trailing slash.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        context: RegionContext,
        issuer: lambda_.IFunction,
        logs_key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        self._context = context
        self.api = apigateway.HttpApi(
            self,
            "Api",
            api_name=context.naming.api("ingest"),
            description="Issues uploads and returns their state",
            create_default_stage=False,
            cors_preflight=_cors(context),
        )
        self._route(issuer)
        self.stage = self._stage(logs_key)
        self.canary_arns = [self._route_arn(_POST, "uploads"), self._route_arn(_GET, "uploads/*")]
        self.host = f"{self.api.api_id}.execute-api.{context.region}.{Aws.URL_SUFFIX}"
        self.url = f"https://{self.host}"

    def _route(self, issuer: lambda_.IFunction) -> None:
        integration = integrations.HttpLambdaIntegration(
            "Issuer", issuer, payload_format_version=apigateway.PayloadFormatVersion.VERSION_2_0
        )
        iam = authorizers.HttpIamAuthorizer()
        for method, path in SIGNED_ROUTES:
            self.api.add_routes(path=path, methods=[method], integration=integration, authorizer=iam)
        self._open_routes = [
            route
            for method, path in OPEN_ROUTES
            for route in self.api.add_routes(path=path, methods=[method], integration=integration)
        ]

    def _route_arn(self, method: apigateway.HttpMethod, path: str) -> str:
        return Stack.of(self).format_arn(
            service="execute-api",
            # The account as CloudFormation knows it: what the gate acknowledges by ARN then holds in any account.
            account=Aws.ACCOUNT_ID,
            resource=self.api.api_id,
            resource_name=f"{self.stage.stage_name}/{method.value}/{path}",
        )

    def _stage(self, logs_key: kms.IKey) -> apigateway.HttpStage:
        limits = self._context.settings.limits
        access_log = log_group(self, "AccessLog", context=self._context, resource="api-access", key=logs_key)
        stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(rate_limit=limits.api_rate, burst_limit=limits.api_burst),
        )
        resource = stage.node.default_child
        assert isinstance(resource, apigateway.CfnStage)  # noqa: S101 - CDK's invariant, for the type checker
        # CDK's stage takes these only as an object of a class that Python would have to implement.
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=access_log.log_group_arn, format=json.dumps(_ACCESS_LOG_FIELDS)
        )
        # The routes that anyone may call have a throttle of their own, so a flood of them leaves the others theirs.
        resource.route_settings = {
            f"{method.value} {path}": {
                "ThrottlingRateLimit": rate,
                "ThrottlingBurstLimit": OPEN_ROUTE_BURST_SECONDS * rate,
            }
            for (method, path), rate in OPEN_ROUTES.items()
        }
        # API Gateway refuses settings of a route that it does not have yet.
        resource.node.add_dependency(*self._open_routes)
        return stage


def _cors(context: RegionContext) -> apigateway.CorsPreflightOptions | None:
    origins = context.settings.cors_origins
    if not origins:
        return None
    return apigateway.CorsPreflightOptions(
        allow_origins=list(origins),
        allow_methods=[apigateway.CorsHttpMethod.GET, apigateway.CorsHttpMethod.POST],
        # What a browser must send with a request that is signed with SigV4, and the receipt of an upload.
        allow_headers=[
            "authorization",
            "content-type",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-amz-security-token",
            "x-upload-receipt",
        ],
        max_age=Duration.minutes(10),
    )
