"""Signatures of requests to the API: AWS Signature Version 4, service `execute-api`, for the called region."""

from collections.abc import Mapping

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError

from client.errors import Misconfigured


def find_credentials(profile: str | None) -> Credentials:
    """Return the credentials of a profile, or of AWS's usual chain.

    Raises:
        Misconfigured: There are no credentials.
    """
    hint = (
        "Set AWS_PROFILE, type --profile NAME, or log in (`aws sso login`); `aws sts get-caller-identity` shows who you are."
    )
    try:
        credentials: Credentials | None = botocore.session.Session(profile=profile).get_credentials()
    except BotoCoreError as error:
        raise Misconfigured(f"The AWS credentials cannot be read: {error}.", hint) from error
    if credentials is None:
        raise Misconfigured("There are no AWS credentials to sign requests with.", hint)
    return credentials


class Signer:
    """Sign requests; the credentials are refreshed when they are about to expire."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def headers(self, region: str, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """Return all headers of a request, including those of the signature.

        Raises:
            Misconfigured: The credentials have expired and cannot be refreshed.
        """
        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
        try:
            frozen = self._credentials.get_frozen_credentials()
        except BotoCoreError as error:
            hint = "Log in again, then type the same command: nothing is sent twice."
            raise Misconfigured(f"The AWS credentials have expired: {error}.", hint) from error
        SigV4Auth(frozen, "execute-api", region).add_auth(request)
        return {str(name): str(value) for name, value in request.headers.items()}
