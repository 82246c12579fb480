"""The warnings of `cdk synth`: settings that are allowed but seldom wanted."""

import json
from pathlib import Path

import pytest

from infra.app import build_app
from infra.settings import Settings


@pytest.mark.parametrize(
    ("settings", "warnings"),
    [
        (Settings(), 1),
        (Settings(alarms_email="on-call@example.com"), 0),
        (Settings(environment="staging"), 0),
    ],
    ids=["prod without", "prod with", "staging without"],
)
@pytest.mark.parametrize("stack", ["PrimaryRegional", "SecondaryRegional"])
def test_prod_without_an_alarms_email_warns(settings: Settings, warnings: int, stack: str, tmp_path: Path) -> None:
    (tmp_path / "asset" / "handlers").mkdir(parents=True)
    (tmp_path / "asset" / "handlers" / "__init__.py").touch()
    app = build_app(settings=settings, outdir=str(tmp_path / "cdk.out"), asset=tmp_path / "asset")
    assembly = Path(app.synth().directory)
    metadata = json.loads((assembly / f"{stack}.metadata.json").read_text("utf-8"))
    found = [entry["data"] for entries in metadata.values() for entry in entries if entry["type"] == "aws:cdk:warning"]
    assert len(found) == warnings
    assert all('alarms_email = "on-call@example.com"' in each for each in found), "it says what to type"
