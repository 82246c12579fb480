"""Targets and clients for the tests of the end-to-end run."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from operations.target import Mode, Target

ACCOUNT = "123456789012"
LIVE = Target(
    mode=Mode.LIVE,
    account=ACCOUNT,
    environment="staging",
    primary="us-east-1",
    secondary="us-west-2",
    control="us-west-2",
    run_id="20260101-000000-abcdef12",
)


@dataclass
class FakeClients:
    """A replacement of boto3 that returns an identity and endpoints, and records every call.

    Attributes:
        accounts: The account that STS returns, by region.
        endpoint: The endpoint of every client, with the placeholders `{service}` and `{region}`.
        error: The error that STS raises instead of an answer.
    """

    accounts: dict[str, str]
    endpoint: str = "https://{service}.{region}.amazonaws.com"
    error: Exception | None = None
    called: list[str] = field(default_factory=list)

    def __call__(self, _session: object, service: str, region: str, _endpoint_url: str | None) -> Any:  # noqa: ANN401 - a client
        return SimpleNamespace(
            meta=SimpleNamespace(endpoint_url=self.endpoint.format(service=service, region=region)),
            get_caller_identity=lambda: self._identity(region),
        )

    def _identity(self, region: str) -> dict[str, str]:
        self.called.append(region)
        if self.error:
            raise self.error
        account = self.accounts[region]
        return {"Account": account, "Arn": f"arn:aws:iam::{account}:user/tester"}


def clients(primary: str = ACCOUNT, secondary: str = ACCOUNT, **further: Any) -> FakeClients:  # noqa: ANN401 - any field
    """Return clients with credentials of these accounts in the two regions."""
    return FakeClients({LIVE.primary: primary, LIVE.secondary: secondary}, **further)
