"""The command judges any file, or refuses it with exit status 2 and a reason; it judges 97 % of the public templates."""

import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from compliance import gate
from compliance.__main__ import app
from compliance.cfn.loading import LoadError, load_templates
from unit_tests.fixtures.examples import examples

pytestmark = pytest.mark.property

_INTRINSICS = ("Ref", "Fn::If", "Fn::Sub", "Fn::Join", "Fn::GetAtt", "Fn::Select", "Fn::GetStackOutput", "Fn::Transform")
_KEYS = st.sampled_from(
    [
        *_INTRINSICS,
        "Type",
        "Properties",
        "Metadata",
        "Tags",
        "Condition",
        "DependsOn",
        "__proto__",
        "constructor",
        "QueueName",
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["A", "B", "Never"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS | st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
_TYPES = st.sampled_from(["AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::Lambda::Function", "AWS::IAM::Role", "Custom::X"])
_RESOURCE = st.fixed_dictionaries({"Type": _TYPES}, optional={"Properties": _JSON, "DependsOn": _JSON, "Condition": _JSON})
_TEMPLATE = st.fixed_dictionaries(
    {
        "Resources": st.dictionaries(
            st.sampled_from(["A", "B", "__proto__", "Fn::ForEach::X"]), _RESOURCE | _JSON, max_size=3
        )
    },
    optional={"Conditions": _JSON, "Parameters": _JSON, "Outputs": _JSON, "Mappings": _JSON, "Transform": _JSON},
)
_QUICK = settings(
    max_examples=examples(25),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CDK_CONTEXT_JSON", "{}")


def _judged(name: str, content: bytes) -> int:
    """Return the exit status of a run whose report agrees with it."""
    Path(name).write_bytes(content)
    report = Path("out/report.json")
    report.unlink(missing_ok=True)
    result = CliRunner().invoke(app, ["--template", f"{name}@us-east-1", "--format", "json", "--output", "out"])
    output = result.output
    assert result.exit_code in {0, 1, 2}, output
    assert "Traceback" not in output
    assert "the gate itself failed" not in output, output
    if result.exit_code == 2:
        assert "ERROR: " in output
        assert not report.exists()
        return 2
    found = json.loads(report.read_text())
    assert found["passed"] is (result.exit_code == 0)
    answered = {(row["logical_id"], row["rule"].partition("::")[0]) for row in found["findings"] if "logical_id" in row}
    resources = found["templates"][0]["resources"]
    assert resources > 0
    # AWS's validation answers about every resource, or fails the template as a whole.
    assert len({name for name, _ in answered}) >= resources or result.exit_code == 1
    return result.exit_code


@_QUICK
@given(template=_TEMPLATE)
@example(
    template={"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::If": ["Never", "a", "b"]}}}}}
)
@example(template={"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"Fn::If": []}}}})
@example(template={"Resources": {"A": {"Type": "AWS::SQS::Queue", "DependsOn": "A"}}})
def test_any_template_gets_a_verdict_or_a_reason(template: dict[str, Any]) -> None:
    _judged("t.json", json.dumps(template).encode())
    _judged("t.yaml", yaml.safe_dump(template, allow_unicode=True).encode("utf-8", "surrogatepass"))


@_QUICK
@given(content=st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(content=b"")
@example(content=b"\xef\xbb\xbf{}")
@example(content=b"Resources: &a {A: *a}")
@example(content=b"Resources: !!python/object/apply:os.system ['true']")
@example(content=b"{" * 200_000)
@example(content=b"[" * 5_000)
@example(content=b"a: " * 5_000)
def test_any_bytes_are_refused(content: bytes) -> None:
    assert _judged("t.json", content) == 2
    assert _judged("t.yaml", content) == 2


@_QUICK
@given(manifest=_JSON | st.fixed_dictionaries({"artifacts": st.dictionaries(st.text(max_size=3), _JSON, max_size=2)}))
@example(
    manifest={"artifacts": {"S": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "../../etc/passwd"}}}}
)
@example(manifest={"artifacts": {"S": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}}})
@example(manifest={"artifacts": {"S": {"type": "aws:cloudformation:stack", "metadata": {"/S": [None, {"data": []}]}}}})
@example(manifest={"artifacts": {"S": {"type": "aws:cloudformation:stack", "metadata": 7, "properties": []}}})
def test_any_manifest_is_refused(manifest: Any) -> None:  # noqa: ANN401
    Path("cdk.out").mkdir(exist_ok=True)
    Path("cdk.out/manifest.json").write_text(json.dumps(manifest))

    result = CliRunner().invoke(app, ["--assembly", "cdk.out"])

    assert result.exit_code == 2, result.output
    assert "ERROR: " in result.output
    assert "the gate itself failed" not in result.output


def test_conditions_in_a_circle_are_refused_with_a_hint(tmp_path: Path) -> None:
    circle = {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Fn::Not": [{"Condition": "A"}]}}
    queue = {"Type": "AWS::SQS::Queue", "Condition": "A"}
    file = tmp_path / "circle.json"
    file.write_text(json.dumps({"Conditions": circle, "Resources": {"Queue": queue}}))

    result = CliRunner().invoke(app, ["--template", str(file), "--output", str(tmp_path / "out")])

    assert result.exit_code == 2
    assert "check for a condition that refers to itself" in " ".join(result.output.split())


CORPUS: Final = Path(__file__).with_name("public_templates.zip")


def _refusal(file: Path) -> str:
    """Return why the gate does not judge a template; empty where it does. Any other error is the test's."""
    try:
        findings = gate.judge_templates(load_templates([(file, "us-east-1")]), "prod", date(2026, 1, 1), lambda _text: None)
    except LoadError as error:
        return f"{file}: {error}"
    return "" if findings.evaluated else f"{file}: nothing was evaluated"


def test_public_templates_are_judged(tmp_path: Path) -> None:
    with zipfile.ZipFile(CORPUS) as corpus:
        assert len(corpus.namelist()) > 90
        names = corpus.namelist() if examples(1) > 1 else corpus.namelist()[1::3]  # 90 ms each; all of them nightly
        corpus.extractall(tmp_path)
    refusals = [refusal for refusal in (_refusal(tmp_path / name) for name in names) if refusal]
    assert len(refusals) <= 0.03 * len(names), "\n".join(refusals)
