"""Test that `lockstep init` writes settings that load, and writes nothing otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.settings import load_settings
from lockstep import init

ANSWERS = {
    "environment": "qa-eu",
    "account": "123456789012",
    "prefix": "acme",
    "alarms-email": "on-call@example.com",
    "primary-region": "eu-west-1",
    "secondary-region": "eu-central-1",
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "environments.toml"
    monkeypatch.setattr(init, "FILE", file)
    return file


def typed(*more: str, **changes: str) -> Result:
    options = ANSWERS | {name.replace("_", "-"): value for name, value in changes.items()}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return CliRunner().invoke(init.app, [*words, *more])


def test_options_become_settings_that_load(file: Path) -> None:
    result = typed()
    assert result.exit_code == 0, result.output
    settings = load_settings("qa-eu", file)
    assert (settings.account, settings.prefix, settings.alarms_email) == ("123456789012", "acme", "on-call@example.com")
    assert settings.regions == ("eu-west-1", "eu-central-1")
    expected = "aws://123456789012/eu-west-1 aws://123456789012/eu-central-1 --environment qa-eu"
    assert result.output.splitlines()[-1] == f"Next: lockstep bootstrap {expected}"


def test_questions_are_asked_and_have_defaults(file: Path) -> None:
    result = CliRunner().invoke(init.app, input="dev\n" + "\n" * 5)
    assert result.exit_code == 0, result.output
    settings = load_settings("dev", file)
    assert (settings.regions, settings.prefix, settings.has_account) == (("us-east-1", "us-west-2"), "serverless", False)
    assert "Next: lockstep local --deploy --environment dev" in result.output


def test_input_that_ends_is_refused_with_the_options(file: Path) -> None:
    result = CliRunner().invoke(init.app, input="dev\n")
    assert (result.exit_code, file.exists()) == (2, False)
    assert "lockstep init --help" in result.output


def test_existing_file_is_replaced_by_force_alone(file: Path) -> None:
    mine = "# ours\n[environments.prod]\n[environments.dev]\n"
    file.write_text(mine, "utf-8")
    result = typed()
    assert (result.exit_code, file.read_text("utf-8")) == (2, mine)
    assert "with the environments prod, dev; nothing was written" in " ".join(result.output.split())
    assert "--force" in result.output
    assert typed("--force", prefix="-").exit_code == 2
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    for kept in ("environments.toml.old", "environments.toml.old1"):
        former, result = file.read_text("utf-8"), typed("--force")
        assert result.exit_code == 0, result.output
        assert (file.parent / kept).read_text("utf-8") == former
        assert kept in result.output.replace("\n", "")
    assert load_settings("qa-eu", file).prefix == "acme"


def test_force_keeps_a_file_that_is_no_toml(file: Path) -> None:
    file.write_text("[environments", "utf-8")
    assert typed("--force").exit_code == 0
    assert (file.parent / "environments.toml.old").read_text("utf-8") == "[environments"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("environment", "No"), ("environment", 'a"]\n[x'), ("account", "12"), ("prefix", "-"), ("alarms-email", "nobody")),
        *(("primary-region", "mars-1"), ("secondary-region", "eu-west-1")),
    ],
)
def test_wrong_answer_is_refused_by_its_option(file: Path, option: str, value: str) -> None:
    result = typed(**{option: value})
    assert result.exit_code == 2, result.output
    assert f"--{option} " in result.output
    assert not file.exists()
