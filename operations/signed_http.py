"""Send requests to the HTTP API, signed as clients sign them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from operations.deployment import Deployment
from operations.errors import RunFailure


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the parsed JSON body."""
        return json.loads(self.body)


class Api:
    """A region's HTTP API.

    Args:
        deployment: The platform, or the region's part of it.
        region: The region of the API.
        timeout: Seconds to wait for a connection, and for a response.
    """

    def __init__(self, deployment: Deployment, region: str, *, timeout: int = 60) -> None:
        self._url = deployment.api_url(region)
        self._region = region
        self._target = deployment.target
        self._http = URLLib3Session(timeout=timeout)

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, signed: bool = True, receipt: str = ""
    ) -> Answer:
        """Send a request, signed for this region (SigV4, `execute-api`) or not at all; with a receipt if one is given."""
        data = json.dumps(body) if body is not None else None
        headers = {"content-type": "application/json"} if body is not None else {}
        headers |= {"x-upload-receipt": receipt} if receipt else {}
        request = AWSRequest(method=method, url=self._url + path, data=data, headers=headers)
        if signed:
            credentials = self._target.caller_credentials()
            if credentials is None:
                raise RunFailure("No AWS credentials were found to sign the request.", hint="Set AWS_PROFILE, or log in.")
            SigV4Auth(credentials, "execute-api", self._region).add_auth(request)
        return self._send(request)

    def put(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Upload to a presigned URL with the headers that it was signed for."""
        return self._send(AWSRequest(method="PUT", url=url, data=body, headers=headers))

    def _send(self, request: AWSRequest) -> Answer:
        response = self._http.send(request.prepare())
        return Answer(response.status_code, response.content)
