"""Start and stop a local cloud, and connect clients to it."""

from __future__ import annotations

import atexit
import os
import threading
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
from botocore.config import Config

from local_cloud.clock import checked_factor
from local_cloud.fault_injector import FaultInjector
from local_cloud.hazards import chosen_seed, is_calm, is_slow
from local_cloud.known_gaps import NOT_FAITHFUL
from local_cloud.server_process import HOST, LocalCloudError, ServerProcess

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

PLACEHOLDER_ACCOUNT: Final = "000000000000"
DEFAULT_REGION: Final = "us-east-1"
_ACCOUNT_DIGITS: Final = 12


class LocalCloud(FaultInjector):
    """AWS's APIs on a loopback port, in a separate server process that is always stopped.

    Use it as a context manager:

        with LocalCloud.start() as cloud:
            cloud.client("s3", "us-east-1").list_buckets()

    Attributes:
        account: The account whose root is the caller, twelve digits.
        endpoint_url: `http://127.0.0.1:<port>`.
        known_gaps: (what, why) for each difference from AWS.
    """

    known_gaps: Final = NOT_FAITHFUL

    def __init__(self, server: ServerProcess, *, account: str) -> None:
        self._server = server
        self._session: Any = boto3.session.Session()
        self._making_clients = threading.Lock()
        self.account = account
        super().__init__(f"http://{HOST}:{server.port}", server.secret)

    @classmethod
    def start(
        cls,
        account: str = PLACEHOLDER_ACCOUNT,
        *,
        port: int = 0,
        keep_folder: bool = False,
        time_factor: float = 1.0,
        health_checkers: bool = False,
        seed: int | None = None,
        calm: bool | None = None,
        hosted_zones: Mapping[str, str] = MappingProxyType({}),
    ) -> Self:
        """Start a server, and return when it answers.

        Args:
            account: The AWS account id, twelve digits, which is also root's access key id.
            port: The loopback port; 0 takes a free one.
            keep_folder: Keep the folder with the log when it stops.
            time_factor: Factor by which health checks, DNS TTLs, alarm periods and EventBridge rates run faster than
                on AWS: 1 to 100.
            health_checkers: Check health periodically, as Route 53 does, instead of on each request for a status. Each
                check of an API then runs its function.
            seed: Seed of the hazards; by default the environment's LOCAL_CLOUD_SEED, else a new one. `health()` returns it.
            calm: Start without hazards; the default is LOCAL_CLOUD_CALM, 1 or 0, else with hazards. With
                LOCAL_CLOUD_SLOW=1 every delay is at its longest.
            hosted_zones: Name of each initial public hosted zone, by its id. On AWS it exists before the platform.

        Raises:
            LocalCloudError: An argument is wrong, or the server did not start; the message then ends with its log's last
            lines.
        """
        if len(account) != _ACCOUNT_DIGITS or not account.isdecimal():
            raise LocalCloudError(
                f"The account must be {_ACCOUNT_DIGITS} digits, like {PLACEHOLDER_ACCOUNT}; got {account!r}."
            )
        try:
            factor = checked_factor(time_factor)
            hazards = [
                f"--seed={chosen_seed(seed)}",
                *(["--calm"] if is_calm(calm) else []),
                *(["--slow"] if is_slow() else []),
            ]
        except ValueError as error:
            raise LocalCloudError(str(error)) from error
        options = [f"--time-factor={factor:g}", *hazards, *(["--health-checkers"] if health_checkers else [])]
        options += [f"--hosted-zone={identity}={name}" for identity, name in hosted_zones.items()]
        server = ServerProcess(account=account, port=port, keep_folder=keep_folder, options=options)
        atexit.register(server.stop)
        try:
            server.wait_until_healthy()
        except BaseException:
            server.stop()
            atexit.unregister(server.stop)
            raise
        return cls(server, account=account)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        """The server's log: its own lines, and functions' output that CloudWatch Logs has not taken yet."""
        return self._server.log

    @property
    def secret_access_key(self) -> str:
        """Root's secret access key, which differs in each run."""
        return self._server.secret

    @property
    def secret_file(self) -> Path:
        """The file with the secret access key, for other processes of this user."""
        return self._server.secret_file

    @property
    def process_id(self) -> int:
        """The server's process id."""
        return self._server.process_id

    def require_alive(self) -> None:
        """Check that the server runs, has its files and its port, and can write.

        Raises:
            LocalCloudError: It is not so, for the reason in the message's first line.
        """
        self._server.require_alive()

    def stop(self) -> None:
        """Stop the server and all its workers, and remove its folder. Idempotent."""
        atexit.unregister(self._server.stop)
        self._server.stop()

    def environment(self, region: str = DEFAULT_REGION) -> dict[str, str]:
        """Return a complete environment for a subprocess (the AWS CLI, the CDK) that must use this cloud and no other.

        It is this process's environment with every `AWS_*` variable replaced, so that it has no profile, endpoint or
        session of the real AWS.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**inherited, **self.aws_variables(region)}

    def aws_variables(self, region: str = DEFAULT_REGION) -> dict[str, str]:
        """Return only the variables that point an AWS SDK at this cloud."""
        return {
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": region,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": HOST,
        }

    def client(self, service: str, region: str = DEFAULT_REGION, **overrides: Any) -> Any:  # noqa: ANN401  boto3's clients have no common type
        """Return a boto3 client of this cloud, as the account's root unless `overrides` have other credentials.

        Args:
            service: AWS's name of the service, for example `s3`.
            region: The region of the requests.
            overrides: Further arguments of `boto3.client`: the keys of a role to act as, a `config`.
        """
        arguments: dict[str, Any] = {
            "region_name": region,
            "endpoint_url": self.endpoint_url,
            "aws_access_key_id": self.account,
            "aws_secret_access_key": self.secret_access_key,
            "config": Config(proxies={}, s3={"addressing_style": "path"}, retries={"mode": "standard"}),
        }
        # Making a client reads its service's model, which the session keeps; sessions are not thread-safe.
        with self._making_clients:
            return self._session.client(service, **{**arguments, **overrides})

    def api_url(self, api_id: str, stage: str = "$default") -> str:
        """Return the URL of an HTTP API on this server, because AWS's own name for it needs DNS and TLS."""
        return f"{self.endpoint_url}/_aws/execute-api/{api_id}/{stage}"

    def _control(self, command: str, *, method: str = "POST") -> dict[str, Any]:
        try:
            return super()._control(command, method=method)
        except LocalCloudError:
            self._server.require_alive()
            raise
