"""Render report.json. Every written report is valid by `drill/report.schema.json`."""

import json
from pathlib import Path
from typing import Any, Final

from pydantic_core import PydanticSerializationError

from drill.model import DrillReport

SCHEMA: Final = Path(__file__).parents[1] / "report.schema.json"


class ReportError(Exception):
    """Raised when a report is invalid. The message names the field, its value and the allowed values."""


def render(report: DrillReport) -> str:
    """Return the report as JSON text, the same bytes for the same report.

    Raises:
        ReportError: The report is not valid by the schema, although pydantic accepted it: an infinite number, a verdict
            that was set without validation, or text that is not valid Unicode.
    """
    try:
        # Pydantic only warns about a wrong type here; the schema check below reports it.
        text = report.model_dump_json(indent=1, warnings=False) + "\n"
    except PydanticSerializationError as error:
        raise ReportError(f"the report cannot be written as JSON: {error}") from error
    check(json.loads(text))
    return text


def check(report: Any) -> None:  # noqa: ANN401 - JSON
    """Check plain data against the schema."""
    import jsonschema  # type: ignore[import-untyped]  # noqa: PLC0415 - it takes half the time of `drill --help`

    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    worst = jsonschema.exceptions.best_match(validator.iter_errors(report))
    if worst is not None:
        raise ReportError(f"the report is not valid by {SCHEMA.name}: at {worst.json_path}: {worst.message}")
