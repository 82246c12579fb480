"""Secrets Manager: a secret in the control region, and its replica, which follows after a lag.

A change is encrypted with the replica's key on the caller's behalf. If that is denied, the change stays in the home region,
and the next change replicates both.
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicateSecretToRegions.html
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

from botocore.exceptions import ClientError

from simulation.plan import SECONDARY
from simulation.regions import Region, Secret
from simulation.world import ServiceClient, World, refusal

HOME: Final = SECONDARY
"""The control region is the secondary by default (`control` in docs/settings.md)."""
CURRENT: Final = "AWSCURRENT"
PREVIOUS: Final = "AWSPREVIOUS"
PENDING: Final = "AWSPENDING"
_LAG: Final = (1.5, 300.0)
"""Median and maximum seconds until a change reaches the replica; AWS promises no maximum."""
_FIRST_VERSION: Final = "00000000-0000-4000-8000-000000000000"


class ResourceNotFoundException(ClientError):  # noqa: N818 - AWS's name
    """The exception in a client's `exceptions`."""


def create(world: World) -> None:
    """Create the secret in both regions, with a first version."""
    for region in world.regions.values():
        region.secret = Secret({_FIRST_VERSION: '{"key": "' + "first" * 13 + '"}'}, {CURRENT: _FIRST_VERSION})
        _note_verifiers(world, region.secret)


def is_granted(world: World, peer: Region) -> bool:
    """Return whether the caller of a change may use the key in the replica's region."""
    return world.now >= peer.key_denied_until


def begin_rotation(world: World, region: Region, version_id: str) -> str:
    """Stage a new version without a value, as RotateSecret does; return its id.

    A pending version that is not the current one means an unfinished rotation, which is then retried.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    """
    stages = region.secret.stages
    pending = stages.get(PENDING)
    if pending is not None and pending != stages[CURRENT]:
        return pending
    stages[PENDING] = version_id
    _changed(world, region)
    return version_id


class SecretsManagerClient(ServiceClient):
    """A client of a region's copy."""

    service = "secretsmanager"
    exceptions = SimpleNamespace(ResourceNotFoundException=ResourceNotFoundException)

    def __init__(self, world: World, region: Region) -> None:
        super().__init__(world, region)
        self.meta = SimpleNamespace(region_name=region.name)

    def get_secret_value(self, *, SecretId: str, VersionId: str = "", VersionStage: str = "") -> dict[str, Any]:  # noqa: N803
        """See GetSecretValue: a version without a value or without the requested stage is not found."""
        secret = self._region.secret

        def read() -> dict[str, Any]:
            if self._world.now < self._region.key_denied_until:
                raise refusal("GetSecretValue", "AccessDeniedException", "Access to KMS is not allowed", 400)
            stage = VersionStage or ("" if VersionId else CURRENT)
            version_id = VersionId or secret.stages.get(stage, "")
            if (stage and secret.stages.get(stage) != version_id) or version_id not in secret.values:
                raise _not_found("GetSecretValue", stage or version_id)
            return {"ARN": SecretId, "VersionId": version_id, "SecretString": secret.values[version_id]}

        try:
            return self._call("GetSecretValue", read, VersionStage or VersionId)
        except Exception as error:
            if not isinstance(error, ResourceNotFoundException):
                secret.failed_at = self._world.now
            raise

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        """See DescribeSecret; only the secret itself has a rotation, not its replica."""
        secret, is_home = self._region.secret, self._region.name == HOME

        def read() -> dict[str, Any]:
            stages: dict[str, list[str]] = {}
            for stage, version_id in sorted(secret.stages.items()):
                stages.setdefault(version_id, []).append(stage)
            answer: dict[str, Any] = {"ARN": SecretId, "VersionIdsToStages": stages}
            peer = {"Region": self._world.peer(self._region).name, "Status": secret.status}
            return answer | ({"RotationEnabled": True, "ReplicationStatus": [peer]} if is_home else {"PrimaryRegion": HOME})

        return self._call("DescribeSecret", read, SecretId)

    def put_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803 - AWS's names
        ClientRequestToken: str,  # noqa: N803
        SecretString: str,  # noqa: N803
        VersionStages: list[str],  # noqa: N803
    ) -> dict[str, Any]:
        """See PutSecretValue: a repeated token with the same value has no effect; with another value it is refused.

        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
        """

        def write() -> dict[str, Any]:
            self._require_home("PutSecretValue")
            secret = self._region.secret
            if secret.values.setdefault(ClientRequestToken, SecretString) != SecretString:
                message = "A resource with the ID you requested already exists."
                raise refusal("PutSecretValue", "ResourceExistsException", message, 400)
            for stage in VersionStages:
                _attach(secret, stage, ClientRequestToken)
            self._note("PutSecretValue", f"version {ClientRequestToken} has a value")
            _changed(self._world, self._region)
            return {"ARN": SecretId, "VersionId": ClientRequestToken, "VersionStages": VersionStages}

        return self._call("PutSecretValue", write, ClientRequestToken)

    def update_secret_version_stage(
        self,
        *,
        SecretId: str,  # noqa: N803 - AWS's names
        VersionStage: str,  # noqa: N803
        MoveToVersionId: str,  # noqa: N803
        RemoveFromVersionId: str = "",  # noqa: N803
    ) -> dict[str, Any]:
        """See UpdateSecretVersionStage: a label moves only from the given version; AWSPREVIOUS follows AWSCURRENT.

        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
        """

        def write() -> dict[str, Any]:
            self._require_home("UpdateSecretVersionStage")
            secret = self._region.secret
            if MoveToVersionId not in secret.values and MoveToVersionId not in secret.stages.values():
                raise _not_found("UpdateSecretVersionStage", MoveToVersionId)
            held = secret.stages.get(VersionStage)
            if held is not None and held not in {RemoveFromVersionId, MoveToVersionId}:
                message = f"The parameter RemoveFromVersionId is not the version that holds {VersionStage}."
                raise refusal("UpdateSecretVersionStage", "InvalidParameterException", message, 400)
            _attach(secret, VersionStage, MoveToVersionId)
            self._note("UpdateSecretVersionStage", f"{VersionStage} is version {MoveToVersionId}")
            _changed(self._world, self._region)
            return {"ARN": SecretId}

        return self._call("UpdateSecretVersionStage", write, MoveToVersionId)

    def _require_home(self, operation: str) -> None:
        if self._region.name != HOME:
            message = "You can't perform this operation on a replica of a secret."
            raise refusal(operation, "InvalidRequestException", message, 400)


def _attach(secret: Secret, stage: str, version_id: str) -> None:
    held = secret.stages.get(stage)
    if stage == CURRENT and held not in {None, version_id}:
        secret.stages[PREVIOUS] = str(held)
    secret.stages[stage] = version_id


def _changed(world: World, region: Region) -> None:
    """Replicate the current secret, if the caller may use the replica's key."""
    secret, peer = region.secret, world.peer(region)
    secret.number += 1
    _note_verifiers(world, secret)
    if not is_granted(world, peer):
        secret.status = "Failed"
        world.note(region, "Secrets Manager", "replicate", f"failed: the key of {peer.name} denies its use")
        return
    secret.status = "InProgress"
    copy = replace(secret, values=dict(secret.values), stages=dict(secret.stages))
    lag = world.chance.lag(*_LAG, "secret", secret.number)
    world.send(region, lag, lambda replica: _arrive(world, replica, copy))


def _arrive(world: World, replica: Region, copy: Secret) -> None:
    held, home = replica.secret, world.regions[HOME].secret
    if copy.number > held.number:
        held.values, held.stages, held.number = copy.values, copy.stages, copy.number
        _note_verifiers(world, held)
        world.note(replica, "replication", "secret arrives", f"change {copy.number}, {CURRENT} is {held.stages[CURRENT]}")
    if copy.number == home.number:
        home.status = "InSync"


def _note_verifiers(world: World, secret: Secret) -> None:
    verifiers = [secret.stages[stage] for stage in (CURRENT, PREVIOUS) if stage in secret.stages]
    secret.verifies_since = {one: secret.verifies_since.get(one, world.now) for one in verifiers}


def _not_found(operation: str, what: str) -> ResourceNotFoundException:
    message = f"Secrets Manager can't find the specified secret value for: {what}."
    answer: Any = {
        "Error": {"Code": "ResourceNotFoundException", "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    return ResourceNotFoundException(answer, operation)
