"""Test the app in any configuration, its warnings, and `python -m infra`."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from compliance import gate, plugin
from infra import __main__ as app_command
from infra import app as app_module
from infra.app import build_app
from infra.settings import Settings, SettingsError, load_settings
from unit_tests.fixtures import SETTINGS_FILE


@pytest.fixture(autouse=True)
def _settings_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "ENVIRONMENTS", SETTINGS_FILE)


@pytest.fixture
def asset(tmp_path: Path) -> Path:
    (tmp_path / "asset").mkdir()
    (tmp_path / "asset" / "nothing.py").touch()
    return tmp_path / "asset"


def described(app: App) -> set[str]:
    return {stack.template["Description"] for stack in app.synth().stacks}


def table_of(app: App) -> dict[str, Any]:
    resources = app.synth().get_stack_artifact("Data").template["Resources"].values()
    (table,) = [each["Properties"] for each in resources if each["Type"] == "AWS::DynamoDB::GlobalTable"]
    return dict(table)


def test_environment_without_an_argument_is_prod(tmp_path: Path, asset: Path) -> None:
    assert all("Lockstep prod:" in each for each in described(build_app(outdir=str(tmp_path / "out"), asset=asset)))


def test_settings_are_laid_over_the_environments_own(tmp_path: Path, asset: Path) -> None:
    settings = {"consistency": "strong", "retention": {"attempts_days": 0}, "tags.owner": "data"}
    table = table_of(build_app("dev", outdir=str(tmp_path / "out"), settings=settings, asset=asset))
    assert table["TableName"] == "serverless-ledger-dev"
    assert table["MultiRegionConsistency"] == "STRONG"
    assert {"Key": "Owner", "Value": "data"} in table["Replicas"][0]["Tags"]


def test_tables_and_dotted_keys_say_the_same() -> None:
    by_table = load_settings(
        "dev", SETTINGS_FILE, given={"retention": {"logs_days": 30}, "cors_origins": ["https://a.example"]}
    )
    by_key = load_settings("dev", SETTINGS_FILE, given={"retention.logs_days": 30, "cors_origins": "https://a.example"})
    assert by_table == by_key != load_settings("dev", SETTINGS_FILE)
    assert by_table.retention.trail_days == load_settings("dev", SETTINGS_FILE).retention.trail_days


def test_given_context_comes_after_the_command_line() -> None:
    settings = load_settings("dev", SETTINGS_FILE, {"retention.logs_days": "30"}, given={"retention.logs_days": 60})
    assert settings.retention.logs_days == 60


def test_wrong_settings_are_all_reported_with_their_source() -> None:
    with pytest.raises(SettingsError) as raised:
        build_app("dev", settings={"vpc": {"mode": "nowhere"}, "retentoin.logs_days": 30, "limits.batch_size": 99})
    problems = {problem.key: problem for problem in raised.value.problems}
    assert list(problems) == ["limits.batch_size", "retentoin", "vpc.mode"]
    assert {problem.source for problem in problems.values()} == {"the settings that the app was given"}
    assert problems["vpc.mode"].type_this == 'mode = "isolated"  # under [settings.vpc]'


def test_unknown_environment_is_reported() -> None:
    with pytest.raises(SettingsError, match="one of prod, staging, dev"):
        build_app("deb", settings={"vpc.mode": "none"})


@pytest.mark.parametrize(
    ("settings", "warnings"),
    [(Settings(), 1), (Settings(alarms_email="on-call@example.com"), 0), (Settings(environment="staging"), 0)],
    ids=["prod without", "prod with", "staging without"],
)
def test_prod_without_an_alarms_email_warns(settings: Settings, warnings: int, tmp_path: Path, asset: Path) -> None:
    assembly = Path(build_app(settings=settings, outdir=str(tmp_path / "out"), asset=asset).synth().directory)
    for stack in ("PrimaryRegional", "SecondaryRegional"):
        metadata = json.loads((assembly / f"{stack}.metadata.json").read_text("utf-8"))
        found = [entry["data"] for entries in metadata.values() for entry in entries if entry["type"] == "aws:cdk:warning"]
        assert len(found) == warnings
        assert all('alarms_email = "on-call@example.com"' in each for each in found), "it says what to type"


@pytest.mark.parametrize(("arguments", "judged"), [([], ["dev"]), (["--unjudged"], []), (["--other"], ["dev"])])
def test_app_is_judged_as_the_file_s_first_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], judged: list[str]
) -> None:
    file = tmp_path / "environments.toml"
    file.write_text("[environments.dev]\n")
    found: list[str] = []
    monkeypatch.setattr(app_command, "ENVIRONMENTS", file)
    monkeypatch.setattr(app_command, "build_app", App)
    monkeypatch.setattr(plugin, "synthesize", lambda *_: tmp_path)
    monkeypatch.setattr(gate, "admit", lambda _, environment: found.append(environment))
    monkeypatch.setattr(sys, "argv", ["infra", *arguments])
    app_command.main()
    assert found == judged
