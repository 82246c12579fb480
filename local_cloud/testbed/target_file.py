"""Describe the platform of a running local cloud for `operate`, so that the runbook's commands work unchanged."""

from __future__ import annotations

from pathlib import Path

from local_cloud import LocalCloud
from operations.settings_file import place_of
from operations.target import Mode, Target


def write_target(cloud: LocalCloud, environment: str | None = None) -> Path:
    """Write the target file of the platform on a cloud, before or after its deployment; return its path.

    The file is in the cloud's own folder and is removed with it.
    """
    place = place_of(environment)
    target = Target(
        mode=Mode.LOCAL,
        account=cloud.account,
        environment=place.environment,
        primary=place.primary,
        secondary=place.secondary,
        control=place.control,
        run_id="local",
        endpoint_url=cloud.endpoint_url,
        api_url=cloud.api_url("{api_id}"),
        known_gaps=tuple((what, why) for what, why in cloud.known_gaps),
        secret_file=str(cloud.secret_file),
    )
    path = cloud.log.parent / "target.json"
    target.save(path)
    return path
