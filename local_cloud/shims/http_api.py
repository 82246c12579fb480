"""API Gateway's HTTP APIs: the endpoint's real name, and calls to it by that name.

Faithful: CORS settings; `ApiEndpoint` is `https://<api>.execute-api.<region>.amazonaws.com`; a request to this server
whose `Host` is that name reaches the API and, for any path, no other service, including IAM authorization; throttling
and access-log settings of a stage are read back.
Different from AWS: the name does not resolve to this machine, so either set the `Host` header or call
`/_aws/execute-api/<api>/<stage>/...`; throttling has no effect; access logs are not written.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import re
from typing import Any

from ministack import app
from ministack.core.responses import get_region
from ministack.services import apigateway

from local_cloud.shims import _templates
from local_cloud.shims._api import lower_first


def install() -> None:
    """Return AWS's endpoint name, and accept requests to it."""
    app._EXECUTE_API_RE = re.compile(r"^([a-z0-9]{8,10})\.execute-api\.(?:[a-z0-9-]+\.amazonaws\.com|[0-9.]+)(?::\d+)?$")
    # ministack first asks other services, some of them without a signature, whether a path is theirs, such as `/v2/`.
    app._handle_pre_body_request = _unless_of_an_api(app._handle_pre_body_request)
    app._handle_post_body_shortcuts = _unless_of_an_api(app._handle_post_body_shortcuts)
    app._handle_special_data_plane_request = _api_first(app._handle_special_data_plane_request)
    _templates.extend("AWS::ApiGatewayV2::Api", _apply)
    _templates.extend("AWS::ApiGatewayV2::Stage", _apply_stage)


def _names_an_api(headers: dict[str, str], path: str) -> bool:
    host = headers.get("host", "")
    return any(find(host, path) is not None for find in (app._parse_execute_api_url, app._resolve_custom_domain_request))


def _unless_of_an_api(handle: Any) -> Any:  # noqa: ANN401  ministack's handlers
    async def handled(method: str, path: str, headers: dict[str, str], *more: Any) -> Any:  # noqa: ANN401
        return None if _names_an_api(headers, path) else await handle(method, path, headers, *more)

    return handled


def _api_first(handle: Any) -> Any:  # noqa: ANN401  ministack's handler
    async def handled(
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: Any,  # noqa: ANN401
        request_id: str,
        raw_path: str | None = None,
        raw_query_string: str = "",
        **more: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        raw = {"raw_path": raw_path, "raw_query_string": raw_query_string}
        if not _names_an_api(headers, path):
            return await handle(method, path, headers, body, query, request_id, **raw, **more)
        answer = await app._handle_execute_api_request(headers.get("host", ""), path, method, headers, body, query, **raw)
        return app._with_data_plane_headers(answer, request_id, wildcard_cors=False)

    return handled


def _apply(api: _templates.Resource) -> _templates.Attributes:
    endpoint = f"https://{api.physical_id}.execute-api.{get_region()}.amazonaws.com"
    record = apigateway._apis[api.physical_id]
    record["apiEndpoint"] = endpoint
    if cors := api.properties.get("CorsConfiguration"):
        # The stock handler keeps the members in CloudFormation's spelling, which neither its API nor a preflight finds.
        record["corsConfiguration"] = lower_first(cors)
    return {"ApiEndpoint": endpoint}


def _apply_stage(stage: _templates.Resource) -> _templates.Attributes:
    """Set the route settings, whose names the stock handler keeps in CloudFormation's case."""
    record = apigateway._stages[stage.properties["ApiId"]][stage.physical_id]
    record["defaultRouteSettings"] = lower_first(stage.properties.get("DefaultRouteSettings", {}))
    record["routeSettings"] = {
        route: lower_first(settings) for route, settings in stage.properties.get("RouteSettings", {}).items()
    }
    record["accessLogSettings"] = lower_first(stage.properties.get("AccessLogSettings", {}))
    return {}
