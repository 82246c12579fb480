"""Test that docs/settings.md lists every setting of the code. The prose around the tables is not tested."""

from pathlib import Path

import pytest

from infra.settings.diagnosis import every_setting
from infra.settings.errors import shown

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def row(path: tuple[str, ...]) -> str:
    """Return the document's row of a setting."""
    field = dict(every_setting())[path]
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    is_needed = field.is_required()
    default = "needed with the table" if is_needed else "" if field.default is None else f"`{shown(field.default)}`"
    return f"| `{'.'.join(path)}` | {default} | {field.description} | {extra['allowed']} |"


@pytest.mark.parametrize("path", [path for path, _ in every_setting()], ids=".".join)
def test_settings_document_has_each_setting_of_the_code(path: tuple[str, ...]) -> None:
    assert row(path) in DOCUMENT.read_text(encoding="utf-8").splitlines(), f"put this into {DOCUMENT.name}: {row(path)}"


def test_settings_document_has_no_other_setting() -> None:
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(rows) == len(list(every_setting()))
