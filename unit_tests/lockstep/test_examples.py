"""The examples of docs/examples.md are valid: the workflow by its schema and pins, the template by the gate and by rows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
import yaml  # type: ignore[import-untyped]
from moto import mock_aws
from moto.events.models import EventPattern

from compliance.cfn.loading import load_template
from compliance.cfn.templates import Template, TemplateSet
from compliance.engine.findings import Verdict
from compliance.engine.judge import judge
from compliance.packs import native
from compliance.rules import our_rules
from handlers.processor import store
from unit_tests.operations.conftest import create_table

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "examples.md").read_text("utf-8")
WORKFLOW, TEMPLATE = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EAST, WEST = "us-east-1", "us-west-2"


def test_workflow_fits_its_schema_and_has_the_pins_of_ours(tmp_path: Path) -> None:
    (tmp_path / "upload.yml").write_text(WORKFLOW, "utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", "upload.yml"]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
    assert checked.returncode == 0, checked.stdout
    ours = "".join(file.read_text("utf-8") for file in (ROOT / ".github" / "workflows").glob("*.yml"))
    pins = re.findall(r"uses: (\S+@[0-9a-f]{40} # v\S+)", WORKFLOW)
    assert len(pins) == WORKFLOW.count("uses:")
    assert [pin for pin in pins if pin not in ours] == []


def test_workflow_names_commands_and_options_that_exist() -> None:
    (job,) = yaml.safe_load(WORKFLOW)["jobs"].values()
    typed = [step["run"].split() for step in job["steps"] if step.get("run", "").startswith("lockstep")]
    assert [name for _, name, *_ in typed] == ["upload", "verify"]
    for _, name, *words in typed:
        options = {word for word in words if word.startswith("--")}
        shown = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "lockstep", name, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert [option for option in options if option not in shown.stdout] == []


@pytest.fixture
def template(tmp_path: Path) -> Template:
    """The template of the consumer, deployed in the secondary."""
    file = tmp_path / "consumer.yaml"
    file.write_text(TEMPLATE, "utf-8")
    return load_template(file, WEST)


def test_template_passes_cloudformations_validation_and_the_gates_rules(template: Template) -> None:
    both = TemplateSet(templates=(template,), environment="prod")
    rows = [*native.validate(both).rows, *judge(both, our_rules()).rows]
    assert [row for row in rows if row.verdict in {Verdict.FAIL, Verdict.NOT_EVALUATED}] == []


@mock_aws
def test_templates_filter_passes_a_file_when_its_records_are_complete(template: Template) -> None:
    (pipe,) = (one for one in template.resources if one.type == "AWS::Pipes::Pipe")
    (given,) = pipe.properties["SourceParameters"]["FilterCriteria"]["Filters"]
    pattern = EventPattern.load(given["Pattern"]["Fn::Sub"].replace("${AWS::Region}", WEST))
    create_table(WEST, "ledger")
    dynamodb = boto3.client("dynamodb", region_name=WEST)
    own, peer = (
        store.Ledger(dynamodb=dynamodb, table_name="ledger", region=region, attempt_retention_days=0)
        for region in (WEST, EAST)
    )
    result = store.Concluded(accepted=2, records=2, effect_digest="d", processing_version="v1")

    def rows() -> dict[str, dict[str, Any]]:
        return {row["sk"]["S"]: row for row in dynamodb.scan(TableName="ledger")["Items"]}

    def stream_record(row: Any, before: Any) -> Any:  # noqa: ANN401 - moto names other keys
        return {"dynamodb": {"Keys": {"sk": row["sk"]}, "NewImage": row, **({"OldImage": before} if before else {})}}

    def passed(write: Callable[[], object]) -> list[str]:
        """Write, and return the sort keys of the rows whose stream records pass the filter."""
        before = rows()
        write()
        return [
            key
            for key, row in rows().items()
            if row != before.get(key) and pattern.matches_event(stream_record(row, before.get(key)))
        ]

    def settle(ledger: store.Ledger, withdrawals: int) -> bool:
        return ledger.settle("a", result, 1, withdrawals=withdrawals)

    assert passed(lambda: own.begin("a", 1, processing_version="v1")) == []
    assert passed(lambda: settle(peer, 0)) == []
    assert passed(lambda: settle(own, 0)) == [f"REPLICA#{WEST}"]
    assert passed(lambda: settle(own, 0)) == []
    assert passed(lambda: own.unsettle("a", "v2")) == []
    assert passed(lambda: settle(own, 1)) == [f"REPLICA#{WEST}"]
