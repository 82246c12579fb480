"""Whether an error says that the credentials are at fault, and not the region: one logs in then, and fails nothing over."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

LOG_IN: Final = "Log in first (for example `aws sso login --profile NAME`) and give --profile NAME."

_NONE: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    LoginError,
    NoAuthTokenError,
    TokenRetrievalError,
    SSOError,
    ProfileNotFound,
)
_REFUSED: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


def are_missing(error: BaseException) -> bool:
    """Whether it says that there are no credentials, or none that AWS takes."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "")) in _REFUSED
    return isinstance(error, _NONE)
