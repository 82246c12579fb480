"""Describe the platform of a running local cloud in files, for `--local` and for the variable LOCKSTEP_TARGET."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

from client import local_files
from local_cloud import LocalCloud
from local_cloud.testbed.run_folder import CHECKOUT
from operations.deployment import client_configuration
from operations.settings_file import place_of
from operations.target import Mode, Target


def target_of(cloud: LocalCloud, environment: str | None = None) -> Target:
    """Return the target of a platform that will be deployed to the cloud by the user.

    Args:
        cloud: A running cloud.
        environment: The environment of environments.toml; by default prod or the file's only one.

    Raises:
        Refused: The settings are wrong.
    """
    place = asdict(place_of(environment))
    return Target(
        mode=Mode.LOCAL,
        account=cloud.account,
        run_id="local",
        endpoint_url=cloud.endpoint_url,
        api_url=cloud.api_url("{api_id}"),
        known_gaps=tuple((what, why) for what, why in cloud.known_gaps),
        secret_file=str(cloud.secret_file),
        **place,
    )


def write_files(cloud: LocalCloud, target: Target, *, is_deployed: bool) -> Path:
    """Write the files of `client.local_files`; return the path of the target file.

    They are in the cloud's own folder and are removed with it. The checkout's `.build/local` links to them.

    Args:
        cloud: A running cloud.
        target: The platform on it.
        is_deployed: Whether the stacks are deployed, so that the APIs have addresses.
    """
    folder = cloud.log.parent / "platform"
    folder.mkdir(mode=0o700)
    credentials = folder / local_files.CREDENTIALS
    credentials.touch(mode=0o600)
    keys = (f"aws_access_key_id = {cloud.account}", f"aws_secret_access_key = {cloud.secret_access_key}")
    credentials.write_text("\n".join(["[default]", *keys, ""]), "utf-8")
    if is_deployed:
        receipts = f'receipts = "{folder / local_files.RECEIPTS}"\n\n'
        (folder / local_files.CONFIGURATION).write_text(receipts + client_configuration(target), "utf-8")
    target.save(folder / local_files.TARGET)
    link = CHECKOUT / local_files.FOLDER
    link.parent.mkdir(exist_ok=True)
    new = link.with_name(f"{link.name}-{os.getpid()}")
    new.symlink_to(folder)
    new.replace(link)
    return folder / local_files.TARGET
