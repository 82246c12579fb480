"""What the stacks say of themselves: the only thing that the tests know of the platform."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from operations.atomic_file import write_whole
from operations.errors import RunFailure
from operations.target import Target

Outputs = dict[str, str]


@dataclass(frozen=True)
class Deployment:
    """A deployed platform, known by its stack outputs.

    Attributes:
        target: Where it is.
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
        """Ask CloudFormation, each stack in its own region.

        Raises:
            RunFailure: A stack is not there or not in a state that can be used.
        """
        return cls(
            target=target,
            regional={region: _outputs(target, "regional", region) for region in target.regions},
            data=_outputs(target, "data", target.control),
            failover=_outputs(target, "failover", target.control),
        )

    @classmethod
    def of_region(cls, target: Target, region: str) -> Deployment:
        """Ask CloudFormation in one region, and for that region's stack alone; the other may be lost.

        Raises:
            RunFailure: The stack is not there or not in a state that can be used.
        """
        return cls(target=target, regional={region: _outputs(target, "regional", region)}, data={}, failover={})

    def save(self, path: Path) -> None:
        """Write the outputs, for whoever must know them while a region cannot be asked."""
        held = {"regional": self.regional, "data": self.data, "failover": self.failover}
        write_whole(path, json.dumps(held, indent=2) + "\n")

    @classmethod
    def load(cls, path: Path, target: Target) -> Deployment:
        """Read what `save` wrote.

        Raises:
            RunFailure: The file is not whole, or is none that `save` wrote.
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
                hint="Delete it and type the same again while both regions answer: it is then read from the stacks anew.",
            ) from error

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - boto3's clients have no common type
        """Return a client of the cloud it is deployed to."""
        return self.target.client(service, region)

    def ingest_bucket(self, region: str) -> str:
        """The name of a region's ingest bucket."""
        return self.regional[region]["IngestBucketName"]

    def archive_bucket(self, region: str) -> str:
        """The name of a region's archive bucket."""
        return self.regional[region]["ArchiveBucketName"]

    def table(self, region: str) -> str:
        """The name of the table's replica in a region."""
        return self.regional[region]["TableName"]

    def api_url(self, region: str) -> str:
        """Where a region's HTTP API answers."""
        outputs = self.regional[region]
        if self.target.api_url:
            return self.target.api_url.format(api_id=outputs["ApiId"])
        return outputs["ApiEndpoint"]


def _what(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _outputs(target: Target, stack: str, region: str) -> Outputs:
    name = target.stack_name(stack)
    try:
        (found,) = target.client("cloudformation", region).describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        raise RunFailure(
            f"CloudFormation in {region} has no stack {name}: {error.response['Error']['Message']}",
            hint=f"Deploy it first: nox -s cdk -- deploy --all -c environment={target.environment}",
        ) from error
    if not found["StackStatus"].endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE")):
        raise RunFailure(f"The stack {name} in {region} is {found['StackStatus']}; it must be complete to be tested.")
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
