"""Run the pinned CDK CLI with the pinned Node.js: `python -m infra.cdk_cli deploy --all`.

It adds five things to the CLI:

* A deployment to AWS is refused while the environment names no account; the message shows what to write where.
* The assembly is synthesized or copied into one private folder, judged by the gate there, and deployed from there.
* An option that would change the assembly after that is refused (`infra/cdk_options.py`).
* A deployment to AWS has to pass the preflight, which compares the account's quotas with the templates (`preflight`
  runs it alone).
* Node.js comes from the Python environment, so that no installation is needed.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from infra import cdk_options
from infra.bundling import REPOSITORY
from infra.cdk_options import CommandLine, RefusedError
from infra.settings import SettingsError, settings_from_context
from reporting.chromium import node

_PACKAGE = REPOSITORY / "node_modules" / "aws-cdk"
_CLI = _PACKAGE / "bin" / "cdk"
REGISTRY = _PACKAGE / cdk_options.REGISTRY
PROJECT_FILE = REPOSITORY / "cdk.json"
_SETTINGS_FILE = REPOSITORY / "environments.toml"
_GATED_APP = "python -m infra"
"""The app of cdk.json. It judges the synthesized templates, unless it gets the option `--unjudged`."""
_PREFLIGHT_FOLDER = REPOSITORY / ".build" / "preflight"
JSII_CACHE = REPOSITORY / ".build" / "jsii"
"""Folder of jsii's cache. Its default is in HOME, and jsii fails if it may not write there or if HOME is another user's."""
_HELP = {"--help", "-h", "--version"}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def cdk(*arguments: str) -> list[str]:
    """Return the command that runs the pinned CLI."""
    return [str(node()), str(_CLI), *arguments]


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return `variables` with those that the CLI and its app need."""
    return {
        "CDK_VALIDATION": "false",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(JSII_CACHE),
        **variables,
        "JSII_NODE": str(node()),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        # The metadata of the assembly then holds the Python line of each construct, which the gate reports.
        "JSII_HOST_STACK_TRACES": "1",
        # cdk.json runs `python`; this puts the current interpreter first in PATH.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), variables.get("PATH", os.defpath)]),
        "PYTHONPATH": str(REPOSITORY),
    }


def refusal(line: CommandLine, variables: Mapping[str, str]) -> str | None:
    """Return the reason to refuse this command line; None if it is allowed.

    Args:
        line: the command line.
        variables: environment variables; AWS_ENDPOINT_URL distinguishes a local cloud from AWS.

    Raises:
        SettingsError: the settings of the command line are wrong.
        RefusedError: an environment variable, or a key of cdk.json or ~/.cdk.json, is an option that is not allowed.
    """
    if line.command not in cdk_options.CHANGING:
        return None
    cdk_options.require_no_options_elsewhere(variables, (PROJECT_FILE, Path.home() / ".cdk.json"), REGISTRY)
    if _is_local(variables):
        return None
    settings = settings_from_context(_context(line), _SETTINGS_FILE)
    if settings.has_account:
        return None
    return (
        f"The environment '{settings.environment}' names no account to deploy to.\n"
        f"Allowed: the 12 digits of an AWS account. Type into environments.toml:\n\n"
        f'  [environments.{settings.environment}]\n  account = "123456789012"\n\n'
        "To try it without an account: nox -s e2e, or nox -s local_cloud."
    )


def deploy(line: CommandLine, variables: Mapping[str, str]) -> int:
    """Run the CLI on a private assembly that the gate has judged; return the exit status of the first step that fails, or 0.

    No other user may write to the folder (mode 0700), and nothing is synthesized after the gate has judged it.

    Args:
        line: the command line; its `app` may be an assembly, which is copied, or a command, which is run.
        variables: environment variables.
    """
    _PREFLIGHT_FOLDER.parent.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="deploy-", dir=_PREFLIGHT_FOLDER.parent) as private:
        assembly = Path(private) / "cdk.out"
        given = _given_assembly(line)
        if given is None:
            status = _synthesize(line, variables, assembly)
        else:
            try:
                shutil.copytree(given, assembly)  # copies the targets of links, because they may change later
            except OSError as error:
                sys.exit(
                    f"{given} cannot be copied: {error}\nAllowed: the folder that `nox -s synth` wrote. Type: nox -s synth"
                )
            status = 0
        status = status or _judge(line, variables, assembly)
        if not status and not _is_local(variables):
            _require_account(line, assembly)
            status = _check(line, variables, assembly)
        if status:
            return status
        # The context was an input of the synthesis. Parameters have the judged defaults, not the deployed values.
        options = line.arguments(without=("app", "context"))
        defaults = ["--no-previous-parameters"] if line.command == "deploy" else []
        return _run(cdk(*options, *defaults, f"--app={assembly}"), variables)


def preflight(line: CommandLine, variables: Mapping[str, str]) -> int:
    """Check the account's quotas and the updates of deployed stacks.

    The app is synthesized unless the arguments name an assembly. Returns the exit status of the first failed step, or 0.

    Args:
        line: the command line; its `context`, `app` and `profile` are used.
        variables: environment variables.
    """
    assembly = _given_assembly(line)
    if assembly is None:
        assembly = _PREFLIGHT_FOLDER
        if status := _synthesize(line, variables, assembly):
            return status
    return _check(line, variables, assembly)


def _given_assembly(line: CommandLine) -> Path | None:
    return next((REPOSITORY / value for value in line.values("app") if (REPOSITORY / value).is_dir()), None)


def _synthesize(line: CommandLine, variables: Mapping[str, str], assembly: Path) -> int:
    """Write an assembly without judging it: the gate judges the folder in the next step."""
    app = line.values("app") or [json.loads(PROJECT_FILE.read_text("utf-8"))["app"]]
    options = [("output", str(assembly)), ("app", f"{_GATED_APP} --unjudged" if app == [_GATED_APP] else app[0])]
    context = [("context", value) for value in line.values("context")]
    synth = CommandLine(command="synth", options=(("quiet", "true"), *options, *context))
    return _run(cdk(*synth.arguments()), variables)


def _judge(line: CommandLine, variables: Mapping[str, str], assembly: Path) -> int:
    """Run the gate as `nox -s compliance` does; its reports are the evidence for the deployment."""
    environment_ = settings_from_context(_context(line), _SETTINGS_FILE).environment
    gate = [sys.executable, "-m", "compliance", "--assembly", str(assembly), "--environment", environment_]
    return _run(gate, variables)


def _require_account(line: CommandLine, assembly: Path) -> None:
    """Exit unless the assembly is for the account of the settings; the gate has checked that all stacks share one."""
    artifacts = json.loads((assembly / "manifest.json").read_text("utf-8"))["artifacts"].values()
    accounts = {artifact["environment"].split("/")[2] for artifact in artifacts if "environment" in artifact}
    settings = settings_from_context(_context(line), _SETTINGS_FILE)
    if accounts != {settings.account}:
        sys.exit(
            f"The assembly is for account {', '.join(sorted(accounts))}; environment '{settings.environment}' has account"
            f" {settings.account}.\nAllowed: an assembly for that account. Type: nox -s synth -- -c environment="
            f"{settings.environment} -c account={settings.account}"
        )


def _check(line: CommandLine, variables: Mapping[str, str], assembly: Path) -> int:
    profile = [part for value in line.values("profile") for part in ("--profile", value)]
    # A process of its own, because synthesis must not import boto3.
    deployed = str(_PREFLIGHT_FOLDER.with_name("deployed"))
    quotas = [sys.executable, "-m", "operations.preflight", str(assembly), "--deployed", deployed, *profile]
    return _run(quotas, variables) or _run([sys.executable, "-m", "infra.updates", deployed, str(assembly)], variables)


def _run(command: Sequence[str], variables: Mapping[str, str]) -> int:
    passed = environment(cdk_options.passed_on(variables))
    return subprocess.run(command, cwd=REPOSITORY, env=passed, check=False).returncode  # noqa: S603


def _is_local(variables: Mapping[str, str]) -> bool:
    """Return whether every endpoint in the variables is on this machine; one service at AWS makes it a deployment to AWS."""
    endpoints = [value for name, value in variables.items() if name.startswith("AWS_ENDPOINT_URL") and value]
    is_general = bool(variables.get("AWS_ENDPOINT_URL"))
    return is_general and all(urlsplit(endpoint).hostname in _LOOPBACK for endpoint in endpoints)


def _context(line: CommandLine) -> dict[str, object]:
    """Return the context of the arguments; the last value of a key counts."""
    return {key: value for key, _, value in (assignment.partition("=") for assignment in line.values("context"))}


def main(given: Sequence[str] | None = None) -> None:
    """Run the CLI with the given arguments, by default those of the process, and exit with its status."""
    arguments = list(sys.argv[1:] if given is None else given) or ["--help"]
    if not _CLI.exists():
        sys.exit("The CDK CLI is not installed here. Type: nox -s environment")
    try:
        if shown := _HELP.intersection(arguments):
            command = [] if arguments[0].startswith("-") else [arguments[0]]
            sys.exit(_run(cdk(*command, shown.pop()), os.environ))
        line = cdk_options.parse(arguments, REGISTRY)
        if why := refusal(line, os.environ):
            sys.exit(why)
        if line.command == "preflight":
            sys.exit(preflight(line, os.environ))
        is_judged = line.command in cdk_options.JUDGED
        sys.exit(deploy(line, os.environ) if is_judged else _run(cdk(*line.arguments()), os.environ))
    except (RefusedError, SettingsError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
