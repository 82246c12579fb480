"""What the owner of the fork writes: every setting that names something of his own, and a transform of his own."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

ENVIRONMENT: Final = "live"
"""The fork's first environment; it has no prod."""

_SETTINGS: Final = """\
[defaults]
account = "123456789012"
primary_region = "eu-west-1"
secondary_region = "eu-central-1"

[defaults.tags]
project = "parcels"
owner = "parcels-team@example.org"
cost_center = "4711"
data_classification = "restricted"

[environments.live]
alarms_email = "on-call@example.org"
cors_origins = ["https://parcels.example.org", "https://localhost:8443"]

[environments.live.domain]
name = "upload.parcels.example.org"
hosted_zone_id = "Z0FEDCBA9876543210ZZ"

[environments.lab]
alarms_email = "parcels-team@example.org"

[environments.lab.vpc]
mode = "none"

[environments.lab.object_lock]
mode = "none"
"""

_TRANSFORM: Final = '''\
def transform(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with the number of its attributes; leave out what comes from Japan."""
    if record.get("Origin") == "Japan":
        raise Reject("nothing from Japan")
    return {**record, "number_of_attributes": len(record)}
'''
_STORED: Final = '''\
def stored(record: dict[str, Any]) -> dict[str, Any] | None:
    """Return the record with the number of its attributes; None for what comes from Japan."""
    return None if record.get("Origin") == "Japan" else {**record, "number_of_attributes": len(record)}
'''


def edit(checkout: Path) -> None:
    """Edit what a fork edits, in a copy of the repository."""
    (checkout / "environments.toml").write_text(_SETTINGS, encoding="utf-8")
    _replace_function(checkout / "handlers" / "processor" / "transform.py", "transform", _TRANSFORM)
    _replace_function(checkout / "drill" / "load" / "expected.py", "stored", _STORED)


def _replace_function(file: Path, name: str, code: str) -> None:
    text = file.read_text(encoding="utf-8")
    (old,) = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == name)
    lines = text.splitlines(keepends=True)
    lines[old.lineno - 1 : old.end_lineno] = [code]
    file.write_text("".join(lines), encoding="utf-8")
