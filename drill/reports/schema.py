"""Generate the schema of report.json from the model: `python -m drill.reports.schema > drill/report.schema.json`."""

import json
import sys
from typing import Final

from drill.model import SCHEMA_VERSION, DrillReport

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def render() -> str:
    """Return the schema as JSON text."""
    schema = DrillReport.model_json_schema(mode="serialization")
    schema["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    head = {"$schema": DIALECT, "title": "The report of a drill of Lockstep", "description": "report.json"}
    return json.dumps({**schema, **head}, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
