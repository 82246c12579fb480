"""The edits of a fork's owner: every setting that names something of the fork, and a transform."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import Final

from infra.settings import environment_names

SETTINGS_FILE: Final = Path(__file__).parent / "environments.toml"
"""The fork's environments. Together they set every setting to another value than its default."""
MATRIX: Final = tuple(sorted((Path(__file__).parent / "matrix").glob("*.toml")))
"""Settings of other forks: partitions, pairs of regions, names, accounts. The gate judges every environment of each."""
ENVIRONMENT, *OTHERS = environment_names(SETTINGS_FILE)
"""The fork's environments; the first is the default of the commands, because the fork has no prod."""

SHIPPED: Final = (
    "unit_tests/infra/test_shipped_settings.py",
    "unit_tests/handlers/processor/test_shipped_transform.py",
    "unit_tests/drill/test_load.py",
)
"""Tests of the files that an owner edits."""

_TRANSFORM: Final = '''\
def transform(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with two computed fields, one less and one renamed; leave out what comes from Japan."""
    if record.get("Origin") == "Japan":
        raise Reject("nothing from Japan")
    record["number_of_attributes"] = len(record)
    record["of_a_thousand"] = len(record) / 1000
    record.pop("Cylinders", None)
    if "price" in record:
        record["amount"] = record.pop("price")
    return record
'''
_STORED: Final = '''\
def stored(record: dict[str, Any]) -> dict[str, Any] | None:
    """Return the record with two computed fields, one less and one renamed; None for what comes from Japan."""
    if record.get("Origin") == "Japan":
        return None
    counted = {**record, "number_of_attributes": len(record)}
    kept = {name: value for name, value in counted.items() if name not in {"Cylinders", "price"}}
    renamed = {"amount": record["price"]} if "price" in record else {}
    return {**kept, **renamed, "of_a_thousand": len(counted) / 1000}
'''


def edit(checkout: Path) -> None:
    """Make a fork's edits in a copy of the repository."""
    shutil.copyfile(SETTINGS_FILE, checkout / "environments.toml")
    _replace_function(checkout / "handlers" / "processor" / "transform.py", "transform", _TRANSFORM)
    _replace_function(checkout / "drill" / "load" / "expected.py", "stored", _STORED)


def _replace_function(file: Path, name: str, code: str) -> None:
    text = file.read_text(encoding="utf-8")
    (old,) = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == name)
    lines = text.splitlines(keepends=True)
    lines[old.lineno - 1 : old.end_lineno] = [code]
    file.write_text("".join(lines), encoding="utf-8")
