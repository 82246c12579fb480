"""Test that the patches of docs/extend.md apply, and that what they add works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from integration_tests.fork.copying import copy

GUIDES: Final = (Path(__file__).parents[2] / "docs" / "extend.md").read_text("utf-8")
PATCHES: Final = re.findall(r"^## (.+?)$|^```diff\n(.*?)^```$", GUIDES, re.MULTILINE | re.DOTALL)
_TRY: Final = """
from drill.faults import FAULTS
from handlers.processor.parsers import open_object
from infra.app import build_app
opened = open_object([b"a:1\\tb:x\\n"], object_key="incoming/a.ltsv", maximum_expanded_bytes=99)
assert [record.value() for record in opened.records] == [{"a": "1", "b": "x"}]
assert "grey-lag" in FAULTS
from pathlib import Path
asset = Path("asset/handlers")
asset.mkdir(parents=True)
(asset / "__init__.py").touch()
app = build_app("prod", settings={"alarms_email": "a@example.org"}, defaults=True, asset=asset.parent, outdir="cdk.out")
text = str([stack.template for stack in app.synth().stacks])
assert all(name in text for name in ("serverless-pulse-prod", "serverless-issuer-throttles-prod", "'by_source'"))
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extended")
    copy(folder)
    for _, patch in PATCHES:
        if patch:
            command = ["git", "-C", str(folder), "apply", "-C1", "-"]
            applied = subprocess.run(command, input=patch, capture_output=True, text=True, check=False)  # noqa: S603
            assert applied.returncode == 0, f"docs/extend.md: {applied.stderr}{patch}"
    return folder


def run(folder: Path, *arguments: str) -> None:
    variables = {**os.environ, "PYTHONPATH": str(folder), "CDK_VALIDATION": "false"}
    ended = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]


def test_guides_are_for_the_eight_things_that_an_owner_adds() -> None:
    titles = [title for title, _ in PATCHES if title]
    words = ("field", "format", "alarm", "function", "index", "rule", "fault", "pair of regions")
    assert [title.split(" ", 1)[1] for title in titles] == list(words)


def test_guides_patches_add_what_they_promise(extended: Path) -> None:
    run(extended, "-c", _TRY)


def test_guides_field_and_fault_pass_the_shipped_tests(extended: Path) -> None:
    names = ("load", "faults", "campaign", "plan", "reporting")
    tests = (
        "handlers/processor/test_shipped_transform",
        "drill/reports/test_documents",
        *(f"drill/test_{one}" for one in names),
    )
    run(extended, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"unit_tests/{test}.py" for test in tests))
