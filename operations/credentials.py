"""Tell errors of the credentials from errors of the region: the user logs in, and needs no failover."""

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
    """Return whether an error means that there are no credentials, or that AWS rejects them."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "")) in _REFUSED
    return isinstance(error, _NONE)
