"""Gives tests the environment variables that they need, however pytest is started: by nox, an editor or a shell."""

import os

from infra.bundling import REPOSITORY
from infra.cdk_cli import node

os.environ |= {
    # CDK's own validation engine takes five seconds to build; the gate runs the same rules natively.
    "CDK_VALIDATION": "false",
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    # No test asks a metadata service for credentials.
    "AWS_EC2_METADATA_DISABLED": "true",
    "JSII_NODE": str(node()),
    # Processes that a test starts find the project from any working directory.
    "PYTHONPATH": str(REPOSITORY),
}
