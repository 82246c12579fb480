"""`python -m infra`: which environment's names and tags the gate expects, and when the gate is left to the caller."""

import sys
from pathlib import Path

import pytest

from compliance import gate, plugin
from infra import __main__ as app_command


@pytest.mark.parametrize(("arguments", "judged"), [([], ["dev"]), (["--unjudged"], []), (["--other"], ["dev"])])
def test_app_is_judged_as_the_file_s_first_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], judged: list[str]
) -> None:
    file = tmp_path / "environments.toml"
    file.write_text("[environments.dev]\n")
    from aws_cdk import App  # noqa: PLC0415 - slow to import

    found: list[str] = []
    monkeypatch.setattr(app_command, "ENVIRONMENTS", file)
    monkeypatch.setattr(app_command, "build_app", App)
    monkeypatch.setattr(plugin, "synthesize", lambda *_: tmp_path)
    monkeypatch.setattr(gate, "admit", lambda _, environment: found.append(environment))
    monkeypatch.setattr(sys, "argv", ["infra", *arguments])
    app_command.main()
    assert found == judged
