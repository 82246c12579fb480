"""Test that docs/data.md lists everything that the templates and the table's schema store."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.shared import schema
from infra.settings.diagnosis import every_setting
from unit_tests.infra.synthesis import Synthesis, everywhere

DOCUMENT = Path(__file__).parents[2] / "docs" / "data.md"
KINDS = {
    "AWS::S3::Bucket": ("bucket", "BucketNamePrefix"),
    "AWS::DynamoDB::GlobalTable": ("table", "TableName"),
    "AWS::SQS::Queue": ("queue", "QueueName"),
    "AWS::SecretsManager::Secret": ("secret", "Name"),
    "AWS::Logs::LogGroup": ("log group", "LogGroupName"),
}
HOLDS_DATA = re.compile(
    r"::(\w*Bucket|\w*(?<!Route)Table|Queue|Secret|LogGroup|Topic|Stream|DBInstance|DBCluster|FileSystem|Volume|Cache\w*)$"
)
KEEPS_NOTHING = {"AWS::SNS::Topic"}


def listed() -> list[list[str]]:
    """Return the cells of each row of the document's tables."""
    lines = DOCUMENT.read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [cells for cells in rows if cells[0] not in {"what", "row", "---"}]


def stored(made: Synthesis) -> Iterator[tuple[str, str]]:
    """Yield each resource of the templates that stores data: its kind and the word in its name."""
    for kind, (word, name) in KINDS.items():
        for _, properties in everywhere(made.templates, kind):
            yield word, re.sub(r"^(/\w+/)*serverless-|-prod$", "", properties[name])


@pytest.fixture(params=["prod", "dev"])
def made(request: pytest.FixtureRequest) -> Synthesis:
    synthesis: Synthesis = request.getfixturevalue(request.param)
    return synthesis


def test_everything_in_a_template_that_stores_is_listed(prod: Synthesis) -> None:
    document = {cells[0].split(",")[0] for cells in listed()}
    assert {f"{word} `{name}`" for word, name in stored(prod)} - document == set()


def test_inventory_lists_only_resources_of_the_templates(prod: Synthesis) -> None:
    document = {cells[0].split(",")[0] for cells in listed() if not cells[0].startswith("`")}
    assert document - {f"{word} `{name}`" for word, name in stored(prod)} == set()


def test_storing_types_are_all_listed(made: Synthesis) -> None:
    kinds = {resource["Type"] for template in made.templates.values() for resource in template["Resources"].values()}
    assert {kind for kind in kinds if HOLDS_DATA.search(kind)} - KINDS.keys() <= KEEPS_NOTHING


def test_row_families_of_the_schema_are_all_listed() -> None:
    assert schema.__doc__
    kinds = {
        (re.split(r"[#`]", partition)[0], re.split(r"[#`]", sort)[0])
        for partition, sort in re.findall(r"^\| `([^`]+)` +\| `([^`]+)` ", schema.__doc__, re.MULTILINE)
    }
    assert len(kinds) >= 10
    rows = [cells[0].strip("`") for cells in listed() if cells[0].startswith("`")]
    lacking = {
        kind
        for kind in kinds
        if not any(row.startswith(f"{kind[0]}#") and (kind[1].startswith("<") or kind[1] in row) for row in rows)
    }
    assert lacking == set()


def test_listed_row_has_writer_growth_and_expiry() -> None:
    settings = {".".join(path) for path, _ in every_setting()}
    for cells in listed():
        assert len(cells) == 4, cells
        assert all(cells), cells
        expires = cells[3]
        assert set(re.findall(r"`(retention\.\w+)`", expires)) <= settings, cells
        assert re.search(r"`retention\.|\d+ days|never: |at each rotation|likewise|row by row", expires), cells
