"""Tests give the same result whatever the user's shell sets for other programs."""

import os
import subprocess
import sys

from infra.bundling import REPOSITORY

SHELL = {
    "AWS_PROFILE": "of-another-machine",
    "AWS_REGION": "xx-nowhere-1",
    "AWS_DEFAULT_REGION": "xx-nowhere-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_CONFIG_FILE": os.devnull,
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "C",
}


def test_tests_with_the_users_aws_variables_pass() -> None:
    tests = "unit_tests/operations/test_preflight.py::test_every_quota_is_read_by_calls_that_botocore_knows"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests]
    done = subprocess.run(  # noqa: S603 - this Python
        command, cwd=REPOSITORY, env={**os.environ, **SHELL}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
