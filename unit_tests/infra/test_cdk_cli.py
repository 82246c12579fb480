"""Test `python -m infra.cdk_cli`: its refusals, the arguments that it passes to the pinned CLI, and its error messages.

A script that prints its arguments replaces the CLI, so these tests cannot prove what the real CLI does with them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra import cdk_cli, cdk_options
from infra.cdk_options import RefusedError
from infra.settings import SettingsError
from reporting.chromium import node
from unit_tests.fixtures import SETTINGS_FILE

REPOSITORY = Path(__file__).parents[2]
CHANGING = ("bootstrap", "deploy", "destroy", "gc", "import", "publish-assets", "refactor", "rollback")
TELLS_ALL = """
const [, , ...given] = process.argv;
console.log(JSON.stringify({given, folder: process.cwd(), node: process.version, variables: process.env}));
process.exit(7);
"""


@pytest.fixture(autouse=True)
def _settings_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cdk_cli, "_SETTINGS_FILE", SETTINGS_FILE)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    for name in [name for name in os.environ if name.startswith("CDK")]:
        monkeypatch.delenv(name)


def refusal(arguments: list[str], variables: dict[str, str] | None = None) -> str | None:
    try:
        return cdk_cli.refusal(cdk_options.parse(arguments, cdk_cli.REGISTRY), variables or {})
    except RefusedError as error:
        return str(error)


def main(*arguments: str) -> Any:  # noqa: ANN401 - an exit status or a message
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["cdk_cli", *arguments])
        with pytest.raises(SystemExit) as stopped:
            cdk_cli.main()
    return stopped.value.code


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A CLI that prints its arguments and exits with 7."""
    script = tmp_path / "cdk.cjs"
    script.write_text(TELLS_ALL)
    monkeypatch.setattr(cdk_cli, "_CLI", script)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return script


@pytest.mark.parametrize("command", CHANGING)
def test_changing_command_without_an_account_is_refused(command: str) -> None:
    why = refusal([command])
    assert why is not None
    assert "'prod' names no account" in why
    assert '[environments.prod]\n  account = "123456789012"' in why
    assert "nox -s e2e" in why


@pytest.mark.parametrize("command", ["diff", "list", "ls", "synth", "doctor", "context"])
def test_reading_command_needs_no_account(command: str) -> None:
    assert refusal([command]) is None


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
def test_local_cloud_needs_no_account_and_other_endpoints_do(endpoint: str, *, is_refused: bool) -> None:
    assert (refusal(["deploy"], {"AWS_ENDPOINT_URL": endpoint}) is not None) == is_refused


def test_single_service_at_aws_needs_an_account() -> None:
    local = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ENDPOINT_URL_S3": "http://localhost:4566"}
    assert refusal(["deploy"], local) is None
    elsewhere = {"AWS_ENDPOINT_URL_CLOUDFORMATION": "https://cloudformation.us-east-1.amazonaws.com"}
    assert "names no account" in str(refusal(["deploy"], local | elsewhere))


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
def test_account_on_the_command_line_is_accepted(arguments: list[str]) -> None:
    assert refusal(["deploy", *arguments]) is None


def test_last_named_environment_counts() -> None:
    why = refusal(["deploy", "-c", "environment=dev", "--context", "environment=staging"])
    assert why is not None
    assert "'staging' names no account" in why


@pytest.mark.parametrize("named", ["nope", ""])
@pytest.mark.usefixtures("stand_in")
def test_unknown_or_empty_environment_is_refused_with_the_names(named: str) -> None:
    message = main("deploy", "-c", f"environment={named}")
    assert "one of prod, staging, dev" in message
    assert "type this: -c environment=prod" in message


@pytest.mark.usefixtures("stand_in")
def test_cli_gets_every_argument_and_its_exit_status_is_returned(capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["diff", "-q", "-vv", "-c", "retention.logs_days=30", "a b", "$HOME", "--no-fail", "-c", "tags.owner=ab'\"c"]
    assert main(*arguments) == 7
    received = json.loads(capfd.readouterr().out)
    assert received["given"] == [
        *("diff", "a b", "$HOME", "--quiet", "--verbose", "--verbose"),
        *("--context=retention.logs_days=30", "--fail=false", "--context=tags.owner=ab'\"c"),
    ]
    assert Path(received["folder"]) == REPOSITORY
    assert received["node"].startswith("v24."), "the wheel's Node.js and no other"


@pytest.mark.usefixtures("stand_in")
def test_refusal_never_reaches_the_cli(capfd: pytest.CaptureFixture[str]) -> None:
    assert "names no account" in main("deploy", "--all")
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("stand_in")
def test_command_without_arguments_shows_the_help(capfd: pytest.CaptureFixture[str]) -> None:
    main()
    assert json.loads(capfd.readouterr().out)["given"] == ["--help"]


@pytest.mark.parametrize(
    ("arguments", "handed_on"),
    [
        (["deploy", "--help"], ["deploy", "--help"]),
        (["deploy", "--all", "--role-arn=x", "-h"], ["deploy", "-h"]),
        (["--role-arn", "x", "--version"], ["--version"]),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("stand_in")
def test_help_reaches_the_cli_with_nothing_else(
    capfd: pytest.CaptureFixture[str], arguments: list[str], handed_on: list[str]
) -> None:
    assert main(*arguments) == 7
    assert json.loads(capfd.readouterr().out)["given"] == handed_on


@pytest.mark.parametrize("command", ["deploy", "destroy", "bootstrap", "rollback"])
@pytest.mark.usefixtures("stand_in")
def test_option_in_a_variable_stops_a_change_and_never_reaches_the_cli(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setenv("CDK_ROLE_ARN", "arn:x")
    assert "Type: unset CDK_ROLE_ARN" in main(command, *WITH_ACCOUNT)
    assert main("list") == 7
    assert "CDK_ROLE_ARN" not in json.loads(capfd.readouterr().out)["variables"]


def test_missing_cli_is_reported_with_the_command_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cdk_cli, "_CLI", tmp_path / "node_modules" / "aws-cdk" / "bin" / "cdk")
    assert main("synth") == "The CDK CLI is not installed here. Type: nox -s environment"
    assert "def environment(session" in (REPOSITORY / "noxfile.py").read_text(), "there must be such a session"


@pytest.mark.usefixtures("stand_in")
def test_interrupt_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", interrupted)
    assert main("synth") == 130


def test_app_runs_under_this_python_and_the_callers_variables() -> None:
    variables = cdk_cli.environment({"PATH": "/somewhere", "AWS_PROFILE": "mine", "CDK_VALIDATION": "true"})
    assert variables["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/somewhere"]
    assert variables["AWS_PROFILE"] == "mine"
    assert variables["CDK_VALIDATION"] == "true"
    assert variables["JSII_NODE"] == str(node())
    assert Path(variables["JSII_NODE"]).exists()
    assert Path(variables["PYTHONPATH"]) == REPOSITORY


def test_app_without_a_home_to_write_to_starts() -> None:
    variables = cdk_cli.environment({"PATH": os.environ["PATH"], "HOME": os.devnull})
    command = [sys.executable, "-c", "import aws_cdk"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)  # noqa: S603 - this Python
    assert done.returncode == 0, done.stderr
    assert cdk_cli.environment({"JSII_RUNTIME_PACKAGE_CACHE_ROOT": "/mine"})["JSII_RUNTIME_PACKAGE_CACHE_ROOT"] == "/mine"


def test_pinned_cli_is_the_installed_one() -> None:
    pinned = json.loads((REPOSITORY / "package.json").read_text())["devDependencies"]["aws-cdk"]
    locked = json.loads((REPOSITORY / "package-lock.json").read_text())["packages"]["node_modules/aws-cdk"]["version"]
    _, cli, *_ = cdk_cli.cdk("synth")
    installed = json.loads((Path(cli).parents[1] / "package.json").read_text())["version"]
    assert pinned == locked == installed


@pytest.mark.property
@given(
    arguments=st.lists(st.sampled_from(["deploy", "-c", "--context", "-c="]) | st.text(max_size=20), min_size=1, max_size=6)
)
@example(arguments=["deploy", "-c"])
@example(arguments=["deploy", "-c", "environment"])
@example(arguments=["deploy", "-c", "=", "--context=", "-c=a..b=c"])
def test_any_arguments_are_run_or_refused_with_a_hint(arguments: list[str]) -> None:
    try:
        why = refusal(arguments)
    except SettingsError as error:
        assert "type this:" in str(error)
    else:
        assert why is None or "Type" in why


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"environment": 3, "retention.logs_days": "31", "Retention": {}}, "3 problems"),
        ({"bundle": "mars"}, "allowed: lambda, host"),
    ],
)
def test_app_reports_wrong_context_without_a_traceback(context: dict[str, object], expected: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "infra"],
        cwd=REPOSITORY,
        env=cdk_cli.environment({**os.environ, "CDK_CONTEXT_JSON": json.dumps(context)}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert expected in run.stderr
    assert "Traceback" not in run.stderr


def _write_assembly(folder: Path, template: str, account: str = "123456789012") -> None:
    folder.mkdir(parents=True)
    (folder / "a.template.json").write_text(template)
    artifacts = {"A": {"environment": f"aws://{account}/us-east-1"}, "A.assets": {"properties": {}}}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))


class Commands(list[list[str]]):
    """The commands in order, and the content of the private folder at each.

    Attributes:
        failing: the word of the command that ends with 1; the others end with 0.
        held: by command, the text of the template in the folder that it reads, and the folder's mode.
        change: called before the command returns, to tamper with the folder.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failing = ""
        self.held: list[tuple[str, int]] = []
        self.variables: list[dict[str, str]] = []
        self.change: Callable[[], object] = lambda: None

    def run(self, command: list[str], *, env: dict[str, str], **_: object) -> subprocess.CompletedProcess[str]:
        self.append(command)
        self.variables.append(env)
        words = [word for argument in command for word in argument.split("=", 1)]
        for before, argument in pairwise(words):
            if before == "--output":
                _write_assembly(Path(argument), "synthesized")
            if before in {"--assembly", "--app"} and (template := Path(argument) / "a.template.json").exists():
                self.held.append((template.read_text(), Path(argument).parent.stat().st_mode & 0o777))
        self.change()
        return subprocess.CompletedProcess(command, int(self.failing in command))

    @property
    def steps(self) -> list[str]:
        names = (
            "synth",
            "compliance",
            "operations.preflight",
            "infra.updates",
            "deploy",
            "import",
            "publish-assets",
            "refactor",
        )
        return [next((name for name in names if name in command), "other") for command in self]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Commands:
    """Record the commands instead of running them; the account is known, and AWS is meant."""
    recorded = Commands()
    monkeypatch.setattr(subprocess, "run", recorded.run)
    monkeypatch.setattr(cdk_cli, "_PREFLIGHT_FOLDER", tmp_path / ".build" / "preflight")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return recorded


@pytest.fixture
def given_assembly(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    _write_assembly(folder, "given")
    return folder


WITH_ACCOUNT = ("-c", "account=123456789012")
DEFAULTS = {"deploy": ["--no-previous-parameters"]}


@pytest.mark.parametrize("command", ["deploy", "import", "publish-assets", "refactor"])
def test_deploy_synthesizes_judges_checks_and_deploys_one_folder(commands: Commands, command: str) -> None:
    assert main(command, *WITH_ACCOUNT, "-c", "environment=dev", "--profile=other") == 0
    assert commands.steps == ["synth", "compliance", "operations.preflight", "infra.updates", command]
    synth, judge, check, updates, run = commands
    folder = next(each for each in synth if each.startswith("--output=")).removeprefix("--output=")
    assert "--app=python -m infra --unjudged" in synth, "the folder is judged once, where it is deployed from"
    assert judge[1:] == ["-m", "compliance", "--assembly", folder, "--environment", "dev"]
    assert check[3] == updates[-1] == folder
    assert check[-2:] == ["--profile", "other"]
    assert check[4:5] == ["--deployed"]
    assert run[2:] == [command, "--profile=other", *DEFAULTS.get(command, ()), f"--app={folder}"]
    assert commands.held == [("synthesized", 0o700)] * 2, "the gate and the CLI read the same folder, which is private"
    assert not Path(folder).exists(), "the private folder goes"


@pytest.mark.parametrize(
    ("failing", "steps"), [("synth", 1), ("compliance", 2), ("operations.preflight", 3), ("infra.updates", 4)]
)
def test_deploy_stops_at_the_first_step_that_fails(commands: Commands, failing: str, steps: int) -> None:
    commands.failing = failing
    assert main("deploy", "--all", *WITH_ACCOUNT) == 1
    assert len(commands) == steps
    assert commands.steps[-1] == failing


@pytest.mark.parametrize("spelling", [["--app", "{}"], ["--app={}"], ["-a", "{}"], ["-a={}"]])
def test_deploy_of_an_assembly_judges_and_deploys_its_copy(
    commands: Commands, given_assembly: Path, spelling: list[str]
) -> None:
    def tamper() -> None:
        (given_assembly / "a.template.json").write_text("tampered with")

    commands.change = tamper
    arguments = [each.format(given_assembly) for each in spelling]
    assert main("deploy", *arguments, "--all", *WITH_ACCOUNT) == 0
    assert commands.steps == ["compliance", "operations.preflight", "infra.updates", "deploy"]
    assert commands.held == [("given", 0o700)] * 2, "neither command may read the changed folder"
    assert str(given_assembly) not in commands[-1]
    assert commands[-1][2:-1] == ["deploy", "--all", *DEFAULTS["deploy"]]


def test_deploy_of_an_assembly_copies_what_is_behind_its_links(
    commands: Commands, given_assembly: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("given")
    (given_assembly / "a.template.json").unlink()
    (given_assembly / "a.template.json").symlink_to(elsewhere)
    commands.change = lambda: elsewhere.write_text("tampered with")
    assert main("deploy", "--app", str(given_assembly), *WITH_ACCOUNT) == 0
    assert commands.held == [("given", 0o700)] * 2


def test_deploy_of_an_assembly_for_another_account_is_refused(commands: Commands, tmp_path: Path) -> None:
    _write_assembly(tmp_path / "theirs", "given", account="999999999999")
    why = main("deploy", "--app", str(tmp_path / "theirs"), "--all", *WITH_ACCOUNT)
    assert "The assembly is for account 999999999999; environment 'prod' has account 123456789012." in why
    assert "Type: nox -s synth -- -c environment=prod -c account=123456789012" in why
    assert commands.steps == ["compliance"]


def test_deploy_of_an_incomplete_assembly_reports_the_file(commands: Commands, given_assembly: Path) -> None:
    (given_assembly / "asset.zip").symlink_to("nowhere")
    why = main("deploy", "--app", str(given_assembly), *WITH_ACCOUNT)
    assert "asset.zip" in why
    assert "Type: nox -s synth" in why
    assert not commands


def test_deploy_of_an_assembly_reports_an_unknown_environment(
    monkeypatch: pytest.MonkeyPatch, commands: Commands, given_assembly: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    why = main("deploy", "--app", str(given_assembly), "-c", "environment=nope")
    assert "one of prod, staging, dev" in why
    assert not commands


def test_deploy_with_another_app_is_judged_too(commands: Commands) -> None:
    assert main("deploy", "--app", "python -m other", *WITH_ACCOUNT) == 0
    assert commands.steps[:2] == ["synth", "compliance"]
    assert "--app=python -m other" in commands[0]
    assert "python -m other" not in " ".join(commands[-1])


def test_deploy_to_a_local_cloud_is_judged_without_preflight(monkeypatch: pytest.MonkeyPatch, commands: Commands) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert main("deploy", "--all") == 0
    assert commands.steps == ["synth", "compliance", "deploy"]


@pytest.mark.parametrize("file", ["cdk.json", ".cdk.json"])
def test_option_in_a_file_stops_a_change(
    monkeypatch: pytest.MonkeyPatch, commands: Commands, tmp_path: Path, file: str
) -> None:
    (tmp_path / "home").mkdir()
    written = tmp_path / "home" / file
    written.write_text('{"build": "make"}')
    if file == "cdk.json":
        monkeypatch.setattr(cdk_cli, "PROJECT_FILE", written)
    why = main("deploy", "--all", *WITH_ACCOUNT)
    assert f"{written}: the key 'build' is \"make\"" in why
    assert not commands


def test_preflight_alone_does_not_deploy(commands: Commands) -> None:
    assert main("preflight", "-c", "environment=dev") == 0
    assert commands.steps == ["synth", "operations.preflight", "infra.updates"]
