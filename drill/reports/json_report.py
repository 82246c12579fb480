"""report.json: the report as data. `drill/report.schema.json` is its contract, and nothing is written that breaks it."""

import json
from pathlib import Path
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped]
from pydantic_core import PydanticSerializationError

from drill.model import DrillReport

SCHEMA: Final = Path(__file__).parents[1] / "report.schema.json"


class ReportError(Exception):
    """A report that is none: the message says which field, what it holds and what may be there."""


def render(report: DrillReport) -> str:
    """Return the report as JSON text, the same bytes for the same report.

    Raises:
        ReportError: The report is not valid by the schema, though its Python object could be made: an infinite
            number, a verdict past pydantic's checks, text that is no Unicode.
    """
    try:
        # Serialized as the fields say, a wrong type would only warn; the schema says it better, just below.
        text = report.model_dump_json(indent=1, warnings=False) + "\n"
    except PydanticSerializationError as error:
        raise ReportError(f"the report cannot be written as JSON: {error}") from error
    check(json.loads(text))
    return text


def check(report: Any) -> None:  # noqa: ANN401 - JSON
    """Hold plain data against the schema.

    Raises:
        ReportError: It is no report.
    """
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    worst = jsonschema.exceptions.best_match(validator.iter_errors(report))
    if worst is not None:
        raise ReportError(f"the report is not valid by {SCHEMA.name}: at {worst.json_path}: {worst.message}")
