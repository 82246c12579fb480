"""The source of a construct is the innermost line of the project's Python in the CDK's stack trace."""

import inspect
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sqs as sqs
from jsii._kernel.providers import process

from compliance.cfn.loading import load_assembly
from compliance.cfn.sources import PROJECT, source_of
from compliance.packs.tracing import traced

INNER = f"_queue ({PROJECT}/infra/constructs/queue.py:42)"
OUTER = f"__init__ ({PROJECT}/infra/stacks/regional.py:7)"
LIBRARY = f"__init__ ({PROJECT}/.venv/lib/site-packages/aws_cdk/__init__.py:1)"


def _capture() -> Callable[[], list[list[object]]]:
    """Return the function with which jsii captures stacks."""
    found: Callable[[], list[list[object]]] = vars(process)["capture_stack_trace"]
    return found


def _line() -> int:
    frame = inspect.currentframe()
    assert frame
    assert frame.f_back
    return frame.f_back.f_lineno


@pytest.mark.parametrize(
    ("stack", "source"),
    [
        ([INNER, OUTER], "infra/constructs/queue.py:42"),
        (
            ["...jsii runtime, node internals...", f"__init__ ({PROJECT}/.venv/lib/site-packages/aws_cdk/x.py:1)", OUTER],
            "infra/stacks/regional.py:7",
        ),
        (["_queue (/home/ci/lockstep/infra/constructs/queue.py:42)"], "infra/constructs/queue.py:42"),
        ([f"_synthesize ({PROJECT}/compliance/plugin.py:195)"], ""),
        (["<module> (/tmp/queue.py:1)", "main (/usr/lib/python3.11/runpy.py:3)", "nonsense", 7, None], ""),
        ([], ""),
    ],
)
def test_source_is_the_innermost_line_of_the_project(stack: list[object], source: str) -> None:
    assert source_of(stack) == source


def test_source_of_another_app_is_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "one.py").touch()
    monkeypatch.chdir(tmp_path)

    assert source_of([f"build ({tmp_path}/stacks/one.py:3)"]) == "stacks/one.py:3"


def test_synthesis_records_a_source_for_each_resource(tmp_path: Path) -> None:
    with traced():
        app = App(outdir=str(tmp_path))
        stack = Stack(app, "S")
        sqs.Queue(stack, "Queue")
        queue_line = _line() - 1
        ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateways=0)
        vpc_line = _line() - 1
        app.synth()

    (template,) = load_assembly(tmp_path).templates
    here = "unit_tests/compliance/cfn/test_sources.py"
    sources = {resource.type: resource.source for resource in template.resources}
    assert sources["AWS::SQS::Queue"] == f"{here}:{queue_line}"
    assert {sources[kind] for kind in sources if kind.startswith("AWS::EC2::")} == {f"{here}:{vpc_line}"}
    assert all(resource.line for resource in template.resources)


def test_traced_restores_jsii_and_the_environment() -> None:
    before = _capture(), os.environ.get("JSII_HOST_STACK_TRACES")

    with traced():
        assert _capture() is not before[0]
        ours = _capture()()

    assert (_capture(), os.environ.get("JSII_HOST_STACK_TRACES")) == before
    theirs = _capture()()
    assert [frame[0] for frame in ours] == [frame[0] for frame in theirs]
    assert len(ours) == len(theirs) > 0
