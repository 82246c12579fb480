"""`python -m infra.cdk_cli`: what it refuses, what it hands to the pinned CLI, and how a mistake is told.

The CLI is stood in for by a script that tells what it was given; cannot prove what the real one makes of it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra import cdk_cli
from infra.settings import SettingsError
from unit_tests.fixtures import SETTINGS_FILE

REPOSITORY = Path(__file__).parents[2]
CHANGING = ("bootstrap", "deploy", "destroy", "gc", "import", "orphan", "publish-assets", "refactor", "rollback", "watch")
TELLS_ALL = """
const [, , ...given] = process.argv;
console.log(JSON.stringify({given, folder: process.cwd(), node: process.version, variables: process.env}));
process.exit(7);
"""


@pytest.fixture(autouse=True)
def _settings_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cdk_cli, "_SETTINGS_FILE", SETTINGS_FILE)


def main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:  # noqa: ANN401 - an exit status, or what is told
    """Run the command, and return what it exits with."""
    monkeypatch.setattr(sys, "argv", ["cdk_cli", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cdk_cli.main()
    return stopped.value.code


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A CLI that prints what it was given and ends with 7."""
    script = tmp_path / "cdk.cjs"
    script.write_text(TELLS_ALL)
    monkeypatch.setattr(cdk_cli, "_CLI", script)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return script


@pytest.mark.parametrize("command", CHANGING)
def test_what_changes_an_account_is_refused_while_none_is_named(command: str) -> None:
    why = cdk_cli.refusal([command, "--all"], {})
    assert why is not None
    assert "'prod' names no account" in why
    assert '[environments.prod]\n  account = "123456789012"' in why
    assert "nox -s e2e" in why


@pytest.mark.parametrize("command", ["diff", "list", "ls", "synth", "doctor", "context", "--help"])
def test_what_changes_nothing_needs_no_account(command: str) -> None:
    assert cdk_cli.refusal([command], {}) is None


@pytest.mark.parametrize(
    ("endpoint", "is_refused"),
    [
        ("http://127.0.0.1:4566", False),
        ("http://localhost:4566", False),
        ("http://[::1]:4566", False),
        ("https://cloudformation.us-east-1.amazonaws.com", True),
        ("http://127.0.0.1.example.com", True),
        ("", True),
    ],
)
def test_a_local_cloud_needs_no_account_and_any_other_endpoint_does(endpoint: str, *, is_refused: bool) -> None:
    assert (cdk_cli.refusal(["deploy"], {"AWS_ENDPOINT_URL": endpoint}) is not None) == is_refused


@pytest.mark.parametrize(
    "arguments",
    [
        ["-c", "account=123456789012"],
        ["--context", "account=123456789012"],
        ["--context=account=123456789012"],
        ["-c=account=123456789012"],
        ["-c", "account=nonsense", "-c", "account=123456789012"],
    ],
)
def test_an_account_on_the_command_line_is_one(arguments: list[str]) -> None:
    assert cdk_cli.refusal(["deploy", *arguments], {}) is None


def test_the_last_environment_that_is_named_is_meant() -> None:
    why = cdk_cli.refusal(["deploy", "-c", "environment=dev", "--context", "environment=staging"], {})
    assert why is not None
    assert "'staging' names no account" in why


@pytest.mark.parametrize("named", ["nope", ""])
def test_an_unknown_environment_is_told_clearly_and_an_empty_one_is_not_prod(
    monkeypatch: pytest.MonkeyPatch, stand_in: Path, named: str
) -> None:
    told = main(monkeypatch, "deploy", "-c", f"environment={named}")
    assert "one of prod, staging, dev" in told
    assert "type this: -c environment=prod" in told
    assert stand_in.exists()


def test_the_cli_gets_every_argument_and_its_exit_status_is_ours(
    monkeypatch: pytest.MonkeyPatch, stand_in: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["diff", "--all", "-c", "retention.logs_days=30", "a b", "$HOME", "-c", "tags.owner=ab'\"c"]
    assert main(monkeypatch, *arguments) == 7
    told = json.loads(capfd.readouterr().out)
    assert told["given"] == arguments
    assert Path(told["folder"]) == REPOSITORY
    assert told["node"].startswith("v24."), "the wheel's Node.js and no other"
    assert stand_in.exists()


def test_a_refusal_never_reaches_the_cli(
    monkeypatch: pytest.MonkeyPatch, stand_in: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "names no account" in main(monkeypatch, "deploy", "--all")
    assert capfd.readouterr().out == ""
    assert stand_in.exists()


def test_no_argument_shows_the_help(
    monkeypatch: pytest.MonkeyPatch, stand_in: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    main(monkeypatch)
    assert json.loads(capfd.readouterr().out)["given"] == ["--help"]
    assert stand_in.exists()


def test_a_missing_cli_is_told_with_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cdk_cli, "_CLI", tmp_path / "node_modules" / "aws-cdk" / "bin" / "cdk")
    assert main(monkeypatch, "synth") == "The CDK CLI is not installed here. Type: nox -s environment"
    assert "def environment(session" in (REPOSITORY / "noxfile.py").read_text(), "there must be such a session"


def test_an_interrupt_ends_as_shells_expect(monkeypatch: pytest.MonkeyPatch, stand_in: Path) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", interrupted)
    assert main(monkeypatch, "synth") == 130
    assert stand_in.exists()


def test_the_app_runs_under_this_python_and_the_caller_s_variables() -> None:
    variables = cdk_cli.environment({"PATH": "/somewhere", "AWS_PROFILE": "mine", "CDK_VALIDATION": "true"})
    assert variables["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/somewhere"]
    assert variables["AWS_PROFILE"] == "mine"
    assert variables["CDK_VALIDATION"] == "true"
    assert variables["JSII_NODE"] == str(cdk_cli.node())
    assert Path(variables["JSII_NODE"]).exists()
    assert Path(variables["PYTHONPATH"]) == REPOSITORY


def test_the_pinned_cli_is_the_one_that_is_found() -> None:
    pinned = json.loads((REPOSITORY / "package.json").read_text())["devDependencies"]["aws-cdk"]
    locked = json.loads((REPOSITORY / "package-lock.json").read_text())["packages"]["node_modules/aws-cdk"]["version"]
    _, cli, *_ = cdk_cli.cdk("synth")
    installed = json.loads((Path(cli).parents[1] / "package.json").read_text())["version"]
    assert pinned == locked == installed


@pytest.mark.property
@given(arguments=st.lists(st.sampled_from(["deploy", "-c", "--context", "-c="]) | st.text(max_size=20), max_size=6))
@example(arguments=["deploy", "-c"])
@example(arguments=["deploy", "-c", "environment"])
@example(arguments=["deploy", "-c", "=", "--context=", "-c=a..b=c"])
def test_any_arguments_are_run_or_refused_with_a_lesson(arguments: list[str]) -> None:
    try:
        why = cdk_cli.refusal(arguments, {})
    except SettingsError as error:
        assert "type this:" in str(error)
    else:
        assert why is None or "environments.toml" in why


@pytest.mark.parametrize(
    ("context", "told"),
    [
        ({"environment": "nope"}, "type this: -c environment="),
        ({"environment": 3, "retention.logs_days": "31", "Retention": {}}, "3 problems"),
        ({"bundle": "mars"}, "allowed: lambda, host"),
    ],
)
def test_the_app_tells_wrong_context_without_a_traceback(context: dict[str, object], told: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "infra"],
        cwd=REPOSITORY,
        env=cdk_cli.environment({**os.environ, "CDK_CONTEXT_JSON": json.dumps(context)}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert told in run.stderr
    assert "Traceback" not in run.stderr


@pytest.fixture
def preflight_commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would be run; the one of the quotas ends with 1, the others with 0."""
    commands: list[list[str]] = []
    failing = ["operations.preflight"]

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, int(failing[0] in command))

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(cdk_cli, "refusal", lambda *_: None)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return commands


def test_deploy_stops_where_the_preflight_fails(
    monkeypatch: pytest.MonkeyPatch, preflight_commands: list[list[str]]
) -> None:
    assert main(monkeypatch, "deploy", "--all", "-c", "environment=dev", "--profile=other") == 1
    synth, check = preflight_commands
    assert synth[2:4] == ["synth", "--quiet"]
    assert synth[-2:] == ["-c", "environment=dev"]
    assert check[1:3] == ["-m", "operations.preflight"]
    assert check[-2:] == ["--profile", "other"]
    assert check[4:5] == ["--deployed"]


def test_deploy_of_an_assembly_checks_that_assembly(
    monkeypatch: pytest.MonkeyPatch, preflight_commands: list[list[str]], tmp_path: Path
) -> None:
    assert main(monkeypatch, "deploy", "--app", str(tmp_path)) == 1
    (check,) = preflight_commands
    assert check[3] == str(tmp_path)


def test_deploy_to_a_local_cloud_has_no_preflight(
    monkeypatch: pytest.MonkeyPatch, preflight_commands: list[list[str]]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert main(monkeypatch, "deploy", "--all") == 0
    (deploy,) = preflight_commands
    assert deploy[2:] == ["deploy", "--all"]


def test_preflight_alone_does_not_deploy(monkeypatch: pytest.MonkeyPatch, preflight_commands: list[list[str]]) -> None:
    assert main(monkeypatch, "preflight", "-c", "environment=dev") == 1
    assert not [command for command in preflight_commands if "deploy" in command]
