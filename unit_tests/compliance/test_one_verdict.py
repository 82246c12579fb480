"""App mode, `--assembly` and deployment judge the deployed templates, not the constructs."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from aws_cdk import App, CfnResource, Stack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance import gate
from compliance.cfn.loading import LoadError, load_assembly
from compliance.engine.acknowledgements import Registry
from compliance.engine.findings import Findings
from compliance.engine.matrix import Configuration
from unit_tests.compliance.overrides import Damage, Override, build_app, damaged
from unit_tests.fixtures.examples import examples

TODAY = date(2026, 11, 24)
PROD = (Configuration.of("prod"),)

_FUNCTION = "Primary/Function"
_BUCKET = "Primary/Bucket/Resource"


def _judge_app() -> Findings:
    return gate.judge_app("unit_tests.compliance.overrides:build_app", PROD, Registry(), TODAY, print)


def _add_open_bucket(app: App) -> None:
    CfnResource(Stack.of(app.node.find_child("Primary")), "Generic", type="AWS::S3::Bucket", properties={})


@pytest.mark.parametrize(
    ("damage", "rule", "path"),
    [
        (Override(_FUNCTION, "Properties.VpcConfig", None, late=False), "NIST.800.53.R5-LambdaInsideVPC", _FUNCTION),
        (Override(_FUNCTION, "Properties.VpcConfig", None, late=True), "NIST.800.53.R5-LambdaInsideVPC", _FUNCTION),
        (
            Override(_FUNCTION, "Properties.ReservedConcurrentExecutions", {"Ref": "AWS::NoValue"}, late=False),
            "NIST.800.53.R5-LambdaConcurrency",
            _FUNCTION,
        ),
        (
            Override(_BUCKET, "Properties.VersioningConfiguration.Status", "Suspended", late=False),
            "PCI.DSS.321-S3BucketVersioningEnabled",
            _BUCKET,
        ),
        (
            Override(_BUCKET, "Properties.PublicAccessBlockConfiguration.BlockPublicPolicy", value=False, late=True),
            "AwsSolutions-S2",
            _BUCKET,
        ),
        (
            Override("Primary/Bucket/Policy/Resource", "Properties.PolicyDocument.Statement.0.Effect", "Allow", late=False),
            "AwsSolutions-S10",
            _BUCKET,
        ),
        (
            Override("Primary/Dead", "Properties.SqsManagedSseEnabled", value=False, late=False),
            "AwsSolutions-SQS2",
            "Primary/Dead",
        ),
        (_add_open_bucket, "AwsSolutions-S10", "Primary/Generic"),
    ],
)
def test_packs_fail_damage_that_only_the_template_has(damage: Damage, rule: str, path: str) -> None:
    with damaged():
        before = {(row.rule.partition("::")[2], row.path) for row in _judge_app().failures}
    with damaged(damage):
        after = {(row.rule.partition("::")[2], row.path) for row in _judge_app().failures}

    assert (rule, path) not in before
    assert (rule, path) in after


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Each construct path with each dotted key of its resource that an override can name."""
    folder = tmp_path_factory.mktemp("sample")
    build_app("prod", str(folder)).synth()
    resources = [resource for template in load_assembly(folder).templates for resource in template.resources]
    return [
        (resource.path, key)
        for resource in resources
        for key in ("DeletionPolicy", "Metadata.cdk_nag", "DependsOn", *_keys(resource.properties, "Properties"))
    ]


def _keys(value: Any, prefix: str) -> list[str]:  # noqa: ANN401
    yielded = [prefix]
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yielded += _keys(child, f"{prefix}.{str(key).replace('.', chr(92) + '.')}")
    return yielded


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 2**31),
    st.sampled_from(["", "*", "Suspended", "Delete", "999999999999", "arn:aws:iam::999999999999:root", "é"]),
    st.sampled_from([{}, [], {"Ref": "AWS::NoValue"}, {"Ref": "AWS::AccountId"}, {"Fn::If": ["Never", 1, 2]}]),
    st.just({"rules_to_suppress": [{"id": "AwsSolutions-SQS4", "reason": "it is accepted here"}]}),
)


@pytest.mark.property
@settings(max_examples=examples(10), suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_override_gets_one_verdict_in_every_mode(places: list[tuple[str, str]], data: st.DataObject) -> None:
    path, key = data.draw(st.sampled_from(places))
    unknown = data.draw(st.sampled_from(["", ".Unknown", ".Condition"]))
    damage = Override(path, key + unknown, data.draw(_VALUES), late=data.draw(st.booleans()))
    with damaged(damage), TemporaryDirectory() as folder:
        app = _answer(_judge_app)
        build_app("prod", folder).synth()

        assembly = _answer(lambda: gate.judge_assembly(Path(folder), "prod", Registry(), TODAY, print))

        assert assembly == app
        with pytest.raises((gate.OpenFindingsError, LoadError)) as refused:
            gate.admit(Path(folder), "prod", Registry())
    if isinstance(app, set):
        reported = set(re.findall(r"^  (\S+(?:\[.*?\])?) at (\S+?)(?: \(|: )", str(refused.value), re.MULTILINE))
        assert reported >= {(rule, where) for rule, where, verdict, _ in app if verdict == "FAIL" and "[" not in rule}
    else:
        assert isinstance(refused.value, LoadError)


def _answer(judge: Any) -> set[tuple[str, str, str, str]] | str:  # noqa: ANN401
    """Return every row as rule, path, verdict and message, or that the gate refuses to read it."""
    try:
        ledger = judge()
    except LoadError as error:
        assert "cannot" in str(error) or "is not" in str(error) or "has" in str(error), error
        return "refused"
    return {(row.rule, row.path, row.verdict.value, row.message) for row in ledger.findings}
