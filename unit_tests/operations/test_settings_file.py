"""A platform's regions come from environments.toml; options of the command line take precedence."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from drill import __main__ as drill_command_line
from integration_tests.e2e import __main__ as e2e_command_line
from operations import __main__ as operate_command_line
from operations import selection, settings_file, status
from operations.errors import Refused
from operations.settings_file import Place, place_of
from operations.target import Target

EUROPE = '[defaults]\nprimary_region = "eu-west-1"\nsecondary_region = "eu-central-1"\n'
LIVE, LAB = '[environments.live]\ncontrol = "primary"\nprefix = "acme"\nprotected = true\n', "[environments.lab]\n"
PROD = '[environments.prod]\nprimary_region = "us-east-2"\n'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "environments.toml"
    monkeypatch.setattr(settings_file, "FILE", path)
    return path


@pytest.mark.parametrize(
    ("text", "given", "place"),
    [
        (EUROPE + LIVE, {}, Place("live", "eu-west-1", "eu-central-1", "eu-west-1", "acme")),
        (
            EUROPE + LIVE + LAB,
            {"environment": "lab"},
            Place("lab", "eu-west-1", "eu-central-1", "eu-central-1", is_protected=False),
        ),
        (EUROPE + LAB + PROD + LIVE, {}, Place("prod", "us-east-2", "eu-central-1", "eu-central-1")),
        (EUROPE + LIVE, {"primary": "eu-west-3"}, Place("live", "eu-west-3", "eu-central-1", "eu-west-3", "acme")),
        (
            EUROPE + LIVE,
            {"control": "eu-central-1", "prefix": "b"},
            Place("live", "eu-west-1", "eu-central-1", "eu-central-1", "b"),
        ),
        (EUROPE + LAB, {"secondary": "us-east-1"}, Place("lab", "eu-west-1", "us-east-1", "us-east-1", is_protected=False)),
    ],
)
def test_place_is_the_files_unless_given(file: Path, text: str, given: dict[str, str], place: Place) -> None:
    file.write_text(text, "utf-8")
    assert place_of(**given) == place


def test_two_environments_and_no_prod_are_refused_by_name(file: Path) -> None:
    file.write_text(EUROPE + LIVE + LAB, "utf-8")
    with pytest.raises(Refused, match=r"No environment is given, .* It has live, lab\.") as refused:
        place_of()
    assert "Type --environment and one of live, lab." in refused.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (EUROPE + LIVE, r"has no table \[environments.prod\]"),
        ("[environments.prod]\nprimary_region = 'eu-west-9'\n", "eu-west-9"),
        ("[environments.prod", "TOML"),
        ("", r"has no table \[environments.prod\]"),
        (None, "environments.toml"),
    ],
)
def test_file_that_does_not_help_is_needed_unless_all_is_given(file: Path, text: str | None, message: str) -> None:
    if text is not None:
        file.write_text(text, "utf-8")
    with pytest.raises(Refused, match=message) as refused:
        place_of("prod")
    assert "With --environment, --primary and --secondary the file is not needed." in refused.value.hint
    assert place_of("prod", "us-west-1", "us-west-2") == Place("prod", "us-west-1", "us-west-2", "us-west-2")
    assert place_of("prod", "us-west-1", "us-west-2", "us-west-1").control == "us-west-1"


@pytest.mark.parametrize("given", [{"secondary": "eu-west-1"}, {"control": "us-east-1"}])
def test_regions_that_contradict_each_other_are_refused(file: Path, given: dict[str, str]) -> None:
    file.write_text(EUROPE + LIVE, "utf-8")
    with pytest.raises(Refused, match="contradict each other"):
        place_of(**given)


@pytest.mark.parametrize("command", ["operate", "e2e", "drill"])
def test_command_line_takes_regions_from_the_file(file: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(EUROPE + LIVE, "utf-8")
    assert _place(command, monkeypatch) == ("live", "eu-west-1", "eu-central-1", "eu-west-1")


@pytest.mark.parametrize("command", ["operate", "e2e", "drill"])
def test_command_line_lists_the_environments_without_prod(file: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(EUROPE + LIVE + LAB, "utf-8")
    with pytest.raises(AssertionError, match="one of live, lab"):
        _place(command, monkeypatch)


def _place(command: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, str, str]:
    """Return the place that a command line acts on; its output is the assertion's message."""
    reached: list[Target] = []
    account = ["--account", "123456789012"]
    monkeypatch.setattr(operate_command_line, "shown", lambda **_: reached.append(selection.selected()))
    monkeypatch.setattr(status, "look", lambda _: [])
    monkeypatch.setattr(operate_command_line, "show", lambda *_, **__: None)
    monkeypatch.setattr(e2e_command_line, "_live", lambda target, *_: reached.append(target))
    monkeypatch.setattr(drill_command_line, "_show", reached.append)
    app, arguments = {
        "operate": (operate_command_line.app, [*account, "status"]),
        "e2e": (e2e_command_line.app, ["--live", *account]),
        "drill": (drill_command_line.app, ["run", "--live", *account, "--dry-run"]),
    }[command]
    result = CliRunner().invoke(app, arguments)
    assert reached, " ".join(result.output.split())
    assert result.exit_code == 0, result.output
    (one,) = reached
    return one.environment, one.primary, one.secondary, one.control


@pytest.mark.parametrize("arguments", [["status", "--help"], ["--help"], ["dlq", "redrive", "--help"]])
def test_help_needs_no_settings(file: Path, arguments: list[str]) -> None:
    file.write_text(EUROPE + LIVE + LAB, "utf-8")
    result = CliRunner().invoke(operate_command_line.app, arguments)
    assert (result.exit_code, "Usage:" in result.output) == (0, True), result.output
