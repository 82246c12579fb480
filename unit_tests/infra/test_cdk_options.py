"""Test the options for the pinned CDK CLI: an option that changes the deployment after the gate's judgement is refused.

The tests cannot prove that an allowed option is harmless; its reason in the list argues that.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra import cdk_cli, cdk_options
from infra.cdk_options import CHANGING, EVERYWHERE, LOOKING, RefusedError, parse, passed_on, require_no_options_elsewhere

REGISTRY = cdk_cli.REGISTRY
LISTED: dict[str, Any] = json.loads(REGISTRY.read_text())
UNJUDGED = (
    *(
        ["--parameters", "Key=x"],
        ["--parameters=Stack:Key=x"],
        ["--notification-arns", "arn:x"],
        ["--notificationArns=arn:x"],
    ),
    *(["--role-arn", "arn:x"], ["--roleArn=arn:x"], ["-r", "arn:x"], ["-r=arn:x"], ["--tags", "a=b"], ["-t", "a=b"]),
    *(["--toolkit-stack-name", "x"], ["--toolkitStackName", "x"], ["--no-rollback"], ["--rollback=false"], ["-R"]),
    *(["--method", "execute-change-set"], ["-m=execute-change-set"], ["--no-previous-parameters"], ["--express"]),
    *(["--hotswap"], ["--hotswap=true"], ["--hotswapFallback"], ["--hotswap-fallback"], ["--no-hotswap"]),
    *(["--hotswap-ecs-minimum-healthy-percent", "1"], ["--watch"], ["--watch=true"], ["--logs"]),
    *(["--import-existing-resources"], ["--importExistingResources"], ["--no-execute"], ["--build-exclude", "x"], ["-E=x"]),
    *(["--plugin", "x"], ["-p", "x"], ["--build", "x"], ["--output", "x"], ["-o", "x"], ["--region", "x"]),
    *(["--ignore-errors"], ["--no-staging"], ["--staging=false"], ["--telemetry-file", "x"], ["--ignore-no-stacks"]),
    # Spellings of something else, or of two things at once.
    *(["-va"], ["-aother"], ["-ev"], ["--"], ["-"], ["--context.a=b"], ["--app.x=y"], ["--unheard-of"], ["--param", "a=b"]),
    *(["--all", "true"], ["false"], ["--all=maybe"], ["--all=true", "--all=false"], ["--profile=a", "--profile=b"]),
    *(
        ["--profile"],
        ["--profile="],
        ["-c", "--role-arn=arn:x"],
        ["--context=-r"],
        ["-c", "'environment=dev'"],
        ["--no-app"],
    ),
)


@pytest.mark.parametrize("option", UNJUDGED, ids=" ".join)
@pytest.mark.parametrize("command", ["deploy", "publish-assets"])
def test_option_that_the_gate_does_not_judge_is_refused(command: str, option: list[str]) -> None:
    with pytest.raises(RefusedError, match=r"(?s)is refused with .*\.\nAllowed: --.*Type: nox -s cdk -- deploy --all$"):
        parse([command, *option], REGISTRY)


@pytest.mark.parametrize(
    "command", ["watch", "orphan", "init", "migrate", "explore", "lsp", "cli-telemetry", "--all", "", "other"]
)
def test_command_that_the_gate_cannot_judge_is_refused(command: str) -> None:
    with pytest.raises(RefusedError, match=re.escape(f"'{command}' is refused: ")):
        parse([command], REGISTRY)


@pytest.mark.parametrize(
    "arguments",
    [
        ["rollback", "--force"],
        ["rollback", "--orphan", "Stack.Id"],
        ["destroy", "--express"],
        ["bootstrap", "--trust", "999999999999"],
        ["bootstrap", "--template", "x"],
        ["bootstrap", "--no-public-access-block-configuration"],
        ["bootstrap", "--denyExternalId=false"],
        ["bootstrap", "-b", "bucket"],
        ["gc", "--no-confirm"],
        ["import", "--no-rollback"],
        ["refactor", "--revert"],
    ],
    ids=" ".join,
)
def test_option_that_weakens_an_account_is_refused(arguments: list[str]) -> None:
    with pytest.raises(RefusedError, match="is refused with"):
        parse(arguments, REGISTRY)


@pytest.mark.parametrize(
    ("arguments", "handed_on"),
    [
        (["deploy", "--all", "-vv"], ["deploy", "--all", "--verbose", "--verbose"]),
        (["deploy", "-e", "Data", "Keys*"], ["deploy", "Data", "Keys*", "--exclusively"]),
        (["deploy", "--requireApproval", "never"], ["deploy", "--require-approval=never"]),
        (["deploy", "-m", "prepare-change-set", "-f"], ["deploy", "--method=prepare-change-set", "--force"]),
        (["deploy", "--no-asset-prebuild", "--concurrency=4"], ["deploy", "--asset-prebuild=false", "--concurrency=4"]),
        (["deploy", "--noColor", "--no-notices"], ["deploy", "--no-color", "--notices=false"]),
        (["synthesize", "-q", "-o", "out"], ["synth", "--quiet", "--output=out"]),
        (["ls", "-l"], ["list", "--long"]),
        (["bootstrap", "aws://1/r", "-c", "bundle=host"], ["bootstrap", "aws://1/r", "--context=bundle=host"]),
        (["gc", "--unstable", "gc", "--action=print"], ["gc", "--unstable=gc", "--action=print"]),
        (
            ["import", "Data", "-m", "map.json", "--execute=false"],
            ["import", "Data", "--resource-mapping=map.json", "--execute=false"],
        ),
    ],
    ids=lambda value: " ".join(value),
)
def test_allowed_options_are_handed_on_in_one_spelling(arguments: list[str], handed_on: list[str]) -> None:
    assert parse(arguments, REGISTRY).arguments() == handed_on


def test_pinned_cli_reads_the_arguments_as_intended(tmp_path: Path) -> None:
    line = parse(
        ["context", "-j", "-vv", "-c", "a=b=c", "--context", "d= e", "--no-notices", "--profile", "x y", "--unstable=gc"],
        REGISTRY,
    )
    done = subprocess.run(  # noqa: S603 - the pinned CLI
        cdk_cli.cdk(*line.arguments()),
        cwd=tmp_path,
        env=cdk_cli.environment(passed_on({"CDKAPP": "x", "CDK_ROLE_ARN": "x", "CDK__app": "x", "HOME": str(tmp_path)})),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = (done.stdout + done.stderr).partition("Command line arguments:")[2].partition("\n}")[0]
    for part in ("_: [ 'context' ]", "json: true", "context: [ 'a=b=c', 'd= e' ]", "notices: false", "profile: 'x y'"):
        assert part in read
    assert "verbose: 2" in read
    assert "unstable: [ 'gc' ]" in read
    assert "app: 'x'" not in read
    assert "roleArn: 'x'" not in read


@pytest.mark.parametrize("where", ["globalOptions", "deploy"])
@pytest.mark.parametrize("option", ["--brand-new", "--brandNew=true", "-n"])
def test_option_that_an_upgrade_adds_is_refused(tmp_path: Path, where: str, option: str) -> None:
    listed = json.loads(REGISTRY.read_text())
    options = listed[where] if where == "globalOptions" else listed["commands"][where]["options"]
    options["brand-new"] = {"type": "boolean", "alias": "n"}
    upgraded = tmp_path / "registry.json"
    upgraded.write_text(json.dumps(listed))
    with pytest.raises(RefusedError, match="the gate does not judge what it changes"):
        parse(["deploy", option], upgraded)


def test_command_that_an_upgrade_adds_is_refused(tmp_path: Path) -> None:
    listed = json.loads(REGISTRY.read_text())
    listed["commands"]["deploy-fast"] = {"aliases": ["df"], "options": {}}
    upgraded = tmp_path / "registry.json"
    upgraded.write_text(json.dumps(listed))
    for name in ("deploy-fast", "df"):
        with pytest.raises(RefusedError, match="the gate cannot judge what it does"):
            parse([name], upgraded)


def test_listed_options_exist_in_the_pinned_cli() -> None:
    ours = {"preflight", "version"}
    assert set(EVERYWHERE) <= set(LISTED["globalOptions"])
    for command, options in {**CHANGING, **{name: each.split() for name, each in LOOKING.items()}}.items():
        known = {} if command in ours else LISTED["commands"][command].get("options", {})
        assert set(options) - set(known) <= {"output", "staging", "ignore-errors"}, command
    assert set(LISTED["commands"]) - {*CHANGING, *LOOKING} == {
        *("watch", "orphan", "drift", "init", "migrate", "explore", "lsp", "cli-telemetry")
    }


@pytest.mark.property
@given(
    command=st.sampled_from([*CHANGING, *LOOKING]),
    arguments=st.lists(
        st.sampled_from([f"--{name}" for each in LISTED["commands"].values() for name in each.get("options", {})])
        | st.sampled_from([f"--{name}" for name in LISTED["globalOptions"]])
        | st.sampled_from(["-v", "-c", "a=b", "-e", "true", "x", "--no-color", "--no-force", "--", "-"])
        | st.text(max_size=8),
        max_size=6,
    ),
)
@example(command="deploy", arguments=["--app", "true"])
def test_passed_arguments_are_allowed_and_equivalent(command: str, arguments: list[str]) -> None:
    try:
        line = parse([command, *arguments], REGISTRY)
    except RefusedError as error:
        assert "\nAllowed" in str(error)
        return
    assert parse(line.arguments(), REGISTRY) == line.__class__(command=line.command, names=line.names, options=line.options)
    assert {name for name, _ in line.options} <= {*EVERYWHERE, *CHANGING.get(command, ()), *LOOKING.get(command, "").split()}
    assert not [word for word in line.names if word.startswith("-")]


@pytest.mark.parametrize(
    ("variable", "option"),
    [
        ("CDK_ROLE_ARN", "role-arn"),
        ("CDK_PARAMETERS", "parameters"),
        ("CDK_APP", "app"),
        ("CDKAPP", "app"),
        ("CDK_A", "app"),
        ("CDK_roleArn", "role-arn"),
        ("CDK_HOTSWAP_FALLBACK", "hotswap-fallback"),
        ("CDK_TOOLKIT_STACK_NAME", "toolkit-stack-name"),
        ("CDK_NOTIFICATION_ARNS", "notification-arns"),
        ("CDK_CONTEXT", "context"),
        ("CDK_PLUGIN", "plugin"),
    ],
)
def test_option_in_the_environment_is_refused_by_name(variable: str, option: str) -> None:
    with pytest.raises(
        RefusedError, match=rf"{variable} is 'x'; the CDK CLI reads it as --{option}\.\n.*Type: unset {variable}"
    ):
        require_no_options_elsewhere({variable: "x"}, (), REGISTRY)
    assert passed_on({variable: "x", "AWS_PROFILE": "mine"}) == {"AWS_PROFILE": "mine"}


@pytest.mark.parametrize(
    "variable", ["CDK_NEW_BOOTSTRAP", "CDK_LEGACY_BOOTSTRAP", "CDK_DEFAULT_REGION", "CDK_CONTEXT_JSON", "CDK"]
)
def test_other_variable_of_the_cli_is_not_passed_on(variable: str) -> None:
    require_no_options_elsewhere({variable: "x"}, (), REGISTRY)
    assert passed_on({variable: "x"}) == {}


@pytest.mark.parametrize("variable", sorted(cdk_options.PASSED_ON))
def test_listed_variable_is_passed_on(variable: str) -> None:
    require_no_options_elsewhere({variable: "x"}, (), REGISTRY)
    assert passed_on({variable: "x"}) == {variable: "x"}


@pytest.mark.parametrize(
    "key",
    [
        *("build", "plugin", "toolkitStackName", "roleArn", "tags", "hotswap", "rollback", "profile", "region", "staging"),
        *("toolkitBucket", "caBundle", "parameters", "notificationArns", "unheardOf"),
    ],
)
def test_key_of_a_file_that_is_an_option_is_refused(tmp_path: Path, key: str) -> None:
    file = tmp_path / "cdk.json"
    file.write_text(json.dumps({"app": "python -m infra", key: "x"}))
    with pytest.raises(RefusedError, match=rf"cdk.json: the key '{key}' is \"x\"; .*\nAllowed, in camel case: "):
        require_no_options_elsewhere({}, (file,), REGISTRY)


@pytest.mark.parametrize("content", ["{", "\udcff", '"text"'])
def test_file_that_the_cli_cannot_read_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / ".cdk.json"
    file.write_text(content, errors="surrogateescape")
    with pytest.raises(RefusedError, match=r"\.cdk\.json (cannot be read as JSON|is not a JSON object)"):
        require_no_options_elsewhere({}, (file,), REGISTRY)


def test_cdk_json_has_no_refused_key(tmp_path: Path) -> None:
    require_no_options_elsewhere({}, (cdk_cli.PROJECT_FILE, tmp_path / "absent.json"), REGISTRY)
