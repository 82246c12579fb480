"""The outputs of the deployed stacks, which are all that the tests know of the platform."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from operations.errors import RunFailure
from operations.target import Target
from reporting.atomic_file import write_whole

Outputs = dict[str, str]


@dataclass(frozen=True)
class Deployment:
    """A deployed platform and its stack outputs.

    Attributes:
        target: The cloud and the regions of the platform.
        regional: The outputs of the regional stack, by region.
        data: The outputs of the data stack.
        failover: The outputs of the failover stack.
    """

    target: Target
    regional: dict[str, Outputs]
    data: Outputs
    failover: Outputs

    @classmethod
    def read(cls, target: Target) -> Deployment:
        """Read the outputs from CloudFormation, each stack in its own region.

        Raises:
            RunFailure: A stack does not exist or its deployment is not complete.
        """
        return cls(
            target=target,
            regional={region: _outputs(target, "regional", region) for region in target.regions},
            data=_outputs(target, "data", target.control),
            failover=_outputs(target, "failover", target.control),
        )

    @classmethod
    def of_region(cls, target: Target, region: str) -> Deployment:
        """Read the outputs of one region's stack, from CloudFormation there. The other region may be down.

        Raises:
            RunFailure: The stack does not exist or its deployment is not complete.
        """
        return cls(target=target, regional={region: _outputs(target, "regional", region)}, data={}, failover={})

    def save(self, path: Path) -> None:
        """Write the outputs to a file, for use while a region does not answer."""
        held = {"regional": self.regional, "data": self.data, "failover": self.failover}
        write_whole(path, json.dumps(held, indent=2) + "\n")

    @classmethod
    def load(cls, path: Path, target: Target) -> Deployment:
        """Read the file that `save` wrote.

        Raises:
            RunFailure: The file is incomplete or has another format.
        """
        try:
            held = json.loads(path.read_text("utf-8"))
            return cls(
                target=target,
                regional={region: dict(held["regional"][region]) for region in target.regions},
                data=dict(held["data"]),
                failover=dict(held["failover"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunFailure(
                f"{path} does not hold the stacks' outputs of {' and '.join(target.regions)}: {_what(error)}",
                hint="Delete it and run the same command again while both regions answer: it reads the stacks again.",
            ) from error

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - boto3's clients have no common type
        """Return a boto3 client of the target's cloud."""
        return self.target.client(service, region)

    def ingest_bucket(self, region: str) -> str:
        """Return the name of a region's ingest bucket."""
        return self.regional[region]["IngestBucketName"]

    def archive_bucket(self, region: str) -> str:
        """Return the name of a region's archive bucket."""
        return self.regional[region]["ArchiveBucketName"]

    def secret(self, region: str) -> str:
        """Return the name of the secret that signs receipts, the same in both regions."""
        return self.regional[region]["SecretName"]

    def table(self, region: str) -> str:
        """Return the name of the table's replica in a region."""
        return self.regional[region]["TableName"]

    def api_url(self, region: str) -> str:
        """Return the URL of a region's HTTP API."""
        outputs = self.regional[region]
        if self.target.api_url:
            return self.target.api_url.format(api_id=outputs["ApiId"])
        return outputs["ApiEndpoint"]


def client_configuration(target: Target) -> str:
    """Return the upload client's configuration in TOML: the API of each region, the primary first.

    Raises:
        RunFailure: A regional stack does not exist or its deployment is not complete.
    """
    apis = {region: Deployment.of_region(target, region).api_url(region) for region in target.regions}
    return "\n".join(f'[[endpoints]]\nregion = "{region}"\nurl = "{url}"\n' for region, url in apis.items())


def _what(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _outputs(target: Target, stack: str, region: str) -> Outputs:
    name = target.name_of(stack)
    try:
        (found,) = target.client("cloudformation", region).describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        raise RunFailure(
            f"CloudFormation in {region} has no stack {name}: {error.response['Error']['Message']}",
            hint=f"Deploy it first: lockstep deploy --environment {target.environment}",
        ) from error
    if not found["StackStatus"].endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE")):
        raise RunFailure(
            f"The stack {name} in {region} has the status {found['StackStatus']}; a *_COMPLETE status is needed."
        )
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
