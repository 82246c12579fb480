"""The cloud that a run works against: its account, its regions, and clients for it."""

from __future__ import annotations

import dataclasses
import functools
import json
import threading
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials

from infra.naming import DEFAULT_PREFIX
from operations import guard
from reporting.atomic_file import write_whole

TARGET_VARIABLE: Final = "LOCKSTEP_TARGET"
"""Environment variable with the path of a target file; `nox -s local_cloud` prints its value."""


class Mode(StrEnum):
    """The kind of cloud that the platform is deployed to."""

    LOCAL = "local"
    LIVE = "live"


@dataclass(frozen=True)
class Target:
    """A deployment of the platform, as it is known before its stack outputs are read.

    Attributes:
        mode: The local cloud or a real AWS account.
        account: Twelve digits.
        environment: The environment in the stacks' names, for example `prod`.
        primary: The primary's region.
        secondary: The secondary's region.
        control: The region of the data and failover stacks, one of the two.
        run_id: Unique to this run; every object, row and upload of the tests contains it.
        endpoint_url: The local cloud's address; None means AWS's own endpoints.
        api_url: URL of the HTTP APIs on the local cloud, with `{api_id}` for the id; None: the stack's output.
        profile: The AWS profile of the credentials, in live mode.
        operator_profile: The AWS profile that assumes the operator's role, which alone may claim; None: `profile`.
        templates: Folder of the deployed templates; None: read them from CloudFormation.
        known_gaps: (what, why) for each feature that this cloud records but does not simulate.
        secret_file: Local cloud: the file with root's secret access key, which exists while the cloud runs.
        caller: Local cloud with sources bound to callers: the ARN of the role that calls the API. None: the API is
            called with the credentials of all other calls.
        prefix: First part of every name.
        is_protected: Whether a change needs the account, and the region's name as confirmation.
    """

    mode: Mode
    account: str
    environment: str
    primary: str
    secondary: str
    control: str
    run_id: str
    endpoint_url: str | None = None
    api_url: str | None = None
    profile: str | None = None
    operator_profile: str | None = None
    templates: str | None = None
    known_gaps: tuple[tuple[str, str], ...] = ()
    secret_file: str | None = None
    caller: str | None = None
    prefix: str = DEFAULT_PREFIX
    is_protected: bool = True

    @property
    def regions(self) -> tuple[str, str]:
        """The two regions, the primary first."""
        return self.primary, self.secondary

    @property
    def source(self) -> str:
        """The `source` of the tests' uploads through the issuer; it is part of their object keys."""
        return f"e2e-{self.run_id}"

    @property
    def object_prefix(self) -> str:
        """The key prefix of the objects that the tests put into an ingest bucket directly."""
        return f"incoming/e2e/{self.run_id}/"

    @property
    def upload_prefix(self) -> str:
        """The key prefix of the objects that the tests upload through the issuer."""
        return f"incoming/uploads/{self.source}/"

    def name_of(self, resource: str) -> str:
        """Return the name of a resource or stack, the same in both regions and known without any call."""
        return f"{self.prefix}-{resource}-{self.environment}"

    @property
    def table_name(self) -> str:
        """The table's name, the same in both regions and known without any call."""
        return self.name_of("ledger")

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - boto3's clients have no common type
        """Return the boto3 client of a service and region of this cloud; each is created once."""
        return _client(self.session(), service, region, self.endpoint_url)

    def operator_client(self, service: str, region: str) -> Any:  # noqa: ANN401 - likewise
        """Return a client with the operator's role, for claims and the manual DNS failover."""
        as_operator = dataclasses.replace(self, profile=self.operator_profile or self.profile)
        return as_operator.client(service, region)

    def fail_fast_client(self, service: str, region: str) -> Any:  # noqa: ANN401 - likewise
        """Return a client that makes one attempt with a short timeout, for a region that may be down."""
        return _fail_fast_client(self.session(), service, region, self.endpoint_url)

    def session(self) -> boto3.Session:
        """Return the session of every call except the operator's."""
        return _session(self.profile, (self.account, self.secret()) if self.endpoint_url else None)

    def caller_credentials(self) -> Credentials | None:
        """Return the credentials that sign requests to the API; None if there are none."""
        found: Credentials | None = _assumed(self) if self.caller else self.session().get_credentials()
        return found

    def secret(self) -> str:
        """Return the local cloud's secret access key, which its control commands need too; any text if it has ended."""
        try:
            return Path(self.secret_file or "").read_text("utf-8")
        except OSError:
            return "the-local-cloud-is-gone"

    def of_run(self, run_id: str) -> Target:
        """Return the same target with another run id."""
        return dataclasses.replace(self, run_id=run_id)

    def save(self, path: Path) -> None:
        """Write the target to a file for the test process. The file holds no credentials."""
        write_whole(path, json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Target:
        """Read the file that `save` wrote."""
        held = json.loads(path.read_text("utf-8"))
        pairs = tuple((what, why) for what, why in held.pop("known_gaps"))
        return cls(mode=Mode(held.pop("mode")), known_gaps=pairs, **held)


@functools.cache
def _assumed(target: Target) -> Credentials:
    # A drill makes the primary unavailable, so STS of the secondary is used.
    sts = target.client("sts", target.secondary)
    held = sts.assume_role(RoleArn=target.caller, RoleSessionName="lockstep")["Credentials"]
    return Credentials(held["AccessKeyId"], held["SecretAccessKey"], held["SessionToken"])


@functools.cache
def _session(profile: str | None, local_keys: tuple[str, str] | None) -> boto3.Session:
    session = _new_session(profile, local_keys)
    guard.install(session)
    return session


def _new_session(profile: str | None, local_keys: tuple[str, str] | None) -> boto3.Session:
    core = botocore.session.Session(profile=profile)
    # The global endpoint of STS is in us-east-1; the environment or the profile could select it.
    core.set_config_variable("sts_regional_endpoints", "regional")
    if local_keys is None:
        return boto3.Session(botocore_session=core)
    # The local cloud accepts the account's digits as an access key; the user's own credentials are not used.
    account, secret = local_keys
    return boto3.Session(aws_access_key_id=account, aws_secret_access_key=secret, botocore_session=core)


_PATIENT: Final = Config(retries={"mode": "standard", "total_max_attempts": 6}, max_pool_connections=32, connect_timeout=5)
_FAIL_FAST: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 1}, max_pool_connections=32, connect_timeout=2, read_timeout=3
)
_LOCAL: Final = Config(proxies={}, s3={"addressing_style": "path"})
_OWN_ENDPOINTS: Final[dict[str, Any]] = {"ignore_configured_endpoint_urls": True}
# Otherwise botocore would follow an endpoint URL of the environment in live mode.
_LIVE: Final = Config(**_OWN_ENDPOINTS)
_making: Final = threading.Lock()
"""Lock around client creation, which is not thread-safe in a session."""


@functools.cache
def _client(session: Any, service: str, region: str, endpoint_url: str | None) -> Any:  # noqa: ANN401
    return _make_client(session, service, region, endpoint_url, _PATIENT)


@functools.cache
def _fail_fast_client(session: Any, service: str, region: str, endpoint_url: str | None) -> Any:  # noqa: ANN401
    return _make_client(session, service, region, endpoint_url, _FAIL_FAST)


def _make_client(session: Any, service: str, region: str, endpoint_url: str | None, config: Config) -> Any:  # noqa: ANN401
    merged = config.merge(_LOCAL if endpoint_url else _LIVE)
    with _making:
        return session.client(service, region_name=region, endpoint_url=endpoint_url, config=merged)
