"""Each change of an assembly's manifest that would change the deployment fails or is refused."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Annotations, Stack
from aws_cdk import aws_s3_assets as s3_assets

from compliance import gate
from compliance.cfn.loading import LoadError
from compliance.engine.acknowledgements import Registry
from compliance.engine.findings import Verdict
from unit_tests.compliance.sample import build_app

TODAY = date(2026, 11, 24)
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An assembly of two stacks in two regions, with an asset and an output that the one reads of the other."""
    folder = tmp_path_factory.mktemp("manifest")
    (folder / "code").mkdir()
    (folder / "code" / "handler.py").write_text("def handler(event, context): ...\n")
    app = build_app("prod", str(folder / "cdk.out"))
    primary, secondary = (Stack.of(app.node.find_child(name)) for name in ("Primary", "Secondary"))
    s3_assets.Asset(primary, "Code", path=str(folder / "code"))
    queue = secondary.node.find_child("Queue").node.default_child
    read = {"StackName": "serverless-regional-prod", "Region": "us-east-1", "OutputName": "Name"}
    queue.add_property_override("RedriveAllowPolicy", {"Fn::GetStackOutput": read})  # type: ignore[union-attr]
    secondary.add_dependency(primary)
    for stack in (primary, secondary):
        stack.termination_protection = True
    Annotations.of(primary).add_warning_v2("sample:warned", "the sample warns")
    app.synth()
    return folder / "cdk.out"


@pytest.fixture
def assembly(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "cdk.out"))


def _edit(file: Path, change: Callable[[Any], object]) -> None:
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def _failing(assembly: Path) -> dict[str, str]:
    ledger = gate.judge_assembly(assembly, "prod", Registry(), TODAY, print)
    found: dict[str, str] = {}
    for row in ledger.failures:
        if row.pack == "Assembly":
            name = row.rule.partition("::")[2]
            found[name] = f"{found.get(name, '')} {row.message}"
    return found


def _stack(manifest: Manifest, name: str = "Primary") -> Manifest:
    found: Manifest = manifest["artifacts"][name]
    return found


def test_untouched_assembly_passes_every_check(assembly: Path) -> None:
    ledger = gate.judge_assembly(assembly, "prod", Registry(), TODAY, print)

    rows = [row for row in ledger.findings if row.pack == "Assembly"]
    assert len(rows) == 2 * 5
    assert {row.verdict for row in rows} == {Verdict.PASS}, [row.message for row in rows]
    assert "the sample warns" in " ".join(advice.message for advice in ledger.advice)


def _set(key: str, value: Any, name: str = "Primary") -> Callable[[Manifest], object]:  # noqa: ANN401
    return lambda manifest: _stack(manifest, name)["properties"].__setitem__(key, value)


def _drop(key: str) -> Callable[[Manifest], object]:
    return lambda manifest: _stack(manifest)["properties"].pop(key)


def _place(environment: str, name: str = "Primary") -> Callable[[Manifest], object]:
    return lambda manifest: _stack(manifest, name).__setitem__("environment", environment)


def _role(account: str = "000000000000", kind: str = "deploy", qualifier: str = "hnb659fds") -> str:
    return f"arn:${{AWS::Partition}}:iam::{account}:role/cdk-{qualifier}-{kind}-role-{account}-us-east-1"


def _url_of_another_bootstrap(manifest: Manifest) -> None:
    properties = _stack(manifest)["properties"]
    properties["stackTemplateAssetObjectUrl"] = properties["stackTemplateAssetObjectUrl"].replace("hnb659fds", "evil")


@pytest.mark.parametrize(
    ("tamper", "rule", "says"),
    [
        (_drop("terminationProtection"), "Assembly-Protected", "terminationProtection is False"),
        (_set("terminationProtection", value=False), "Assembly-Protected", "must be true"),
        (_set("terminationProtection", "true"), "Assembly-Protected", "'true'"),
        (_drop("tags"), "Assembly-Tagged", "not a map of tags"),
        (lambda m: _stack(m)["properties"]["tags"].pop("Owner"), "Assembly-Tagged", "lack Owner"),
        (lambda m: _stack(m)["properties"]["tags"].update(Environment="dev"), "Assembly-Tagged", "must be prod"),
        (_place("aws://unknown-account/us-east-1"), "Assembly-Placed", "unknown-account"),
        (_place("aws://000000000000/unknown-region"), "Assembly-Placed", "unknown-region"),
        (_place("aws://999999999999/us-east-1"), "Assembly-Placed", "different accounts"),
        (_place("aws://000000000000/eu-west-1"), "Assembly-Placed", "another account or region"),
        (_place("aws://000000000000/us-west-2"), "Assembly-Placed", "2 stacks of the assembly have the name"),
        (_set("assumeRoleArn", _role("999999999999")), "Assembly-Placed", "a role of another account"),
        (_set("assumeRoleArn", _role(kind="cfn-exec")), "Assembly-Placed", "bootstrap's deploy role"),
        (_drop("assumeRoleArn"), "Assembly-Placed", "bootstrap's deploy role"),
        (_set("assumeRoleArn", _role(qualifier="evil")), "Assembly-Placed", "several bootstraps are named: evil, hnb659fds"),
        (_url_of_another_bootstrap, "Assembly-Placed", "several bootstraps are named: evil, hnb659fds"),
        (_set("bootstrapStackVersionSsmParameter", "/evil"), "Assembly-Placed", "'/evil'; it must be /cdk-bootstrap/"),
        (_set("bootstrapStackVersionSsmParameter", "/cdk-bootstrap/evil/version"), "Assembly-Placed", "several bootstraps"),
        (
            lambda m: _stack(m)["properties"]["lookupRole"].update(assumeRoleExternalId="x"),
            "Assembly-Placed",
            "lookupRole has assumeRoleExternalId set",
        ),
        (_set("cloudFormationExecutionRoleArn", "arn:aws:iam::000000000000:role/admin"), "Assembly-Placed", "cfn-exec role"),
        (_set("assumeRoleExternalId", "x"), "Assembly-Placed", "assumeRoleExternalId is set"),
        (_set("parameters", {"BootstrapVersion": "/x"}), "Assembly-Placed", "parameters is set"),
        (_set("notificationArns", ["arn:aws:sns:us-east-1:999999999999:x"]), "Assembly-Placed", "notificationArns is set"),
        (_set("templateFile", "Secondary.template.json"), "Assembly-Whole", "the manifest names"),
        (_set("stackTemplateAssetObjectUrl", "s3://elsewhere/t.json"), "Assembly-Whole", "no digest"),
        (_drop("stackTemplateAssetObjectUrl"), "Assembly-Whole", "no digest"),
        (lambda m: _stack(m, "Secondary")["dependencies"].remove("Primary"), "Assembly-Ordered", "does not depend on that"),
        (lambda m: _stack(m)["dependencies"].append("Gone"), "Assembly-Ordered", "'Gone', which is not in the manifest"),
        (lambda m: _stack(m)["dependencies"].append("Secondary"), "Assembly-Ordered", "depends on itself"),
        (lambda m: _stack(m)["dependencies"].remove("Primary.assets"), "Assembly-Ordered", "asset manifest"),
    ],
)
def test_tampered_manifest_fails(assembly: Path, tamper: Callable[[Manifest], object], rule: str, says: str) -> None:
    _edit(assembly / "manifest.json", tamper)

    assert says in _failing(assembly)[rule]


def _code(assets: Any) -> dict[str, Any]:  # noqa: ANN401
    return next(entry for entry in assets["files"].values() if entry["source"]["packaging"] == "zip")


def _destination(assets: Any) -> dict[str, Any]:  # noqa: ANN401
    found: dict[str, Any] = next(iter(_code(assets)["destinations"].values()))
    return found


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (lambda a: _destination(a).update(bucketName="somebody-elses"), "which is no bootstrap bucket"),
        (lambda a: _destination(a).update(objectKey="other.zip"), "uploaded as 'other.zip'"),
        (lambda a: _destination(a).update(region="eu-west-1"), "to region 'eu-west-1'"),
        (lambda a: _destination(a).update(assumeRoleExternalId="x"), "has assumeRoleExternalId set"),
        (lambda a: _code(a)["source"].update(path="Primary.template.json"), "Primary.template.json was changed"),
        (lambda a: a.update(dockerImages={"x": {"source": {"directory": "d"}}}), "dockerImages"),
        (lambda a: next(iter(a["files"].values()))["source"].update(path="../../etc/passwd"), "inside the assembly"),
        (lambda a: next(iter(a["files"].values())).update(source={"executable": ["sh"]}), "inside the assembly"),
        (lambda a: next(iter(a["files"].values()))["source"].update(path="gone"), "not in the assembly"),
    ],
)
def test_tampered_asset_list_fails(assembly: Path, tamper: Callable[[Any], object], says: str) -> None:
    _edit(assembly / "Primary.assets.json", tamper)

    assert says in _failing(assembly).get("Assembly-Whole", "")


def test_assets_in_a_bucket_of_another_bootstrap_fail(assembly: Path) -> None:
    _edit(
        assembly / "Primary.assets.json",
        lambda a: _destination(a).update(bucketName="cdk-evil-assets-000000000000-us-east-1"),
    )

    assert "several bootstraps are named: evil, hnb659fds" in _failing(assembly)["Assembly-Placed"]


def test_nested_assembly_with_the_name_of_assets_is_refused(assembly: Path) -> None:
    """The CLI uploads by the main assembly's list; a nested one of the same name hides it from a reader by name."""
    shutil.copytree(assembly, assembly / "nested", ignore=shutil.ignore_patterns("manifest.json"))
    listed = json.loads((assembly / "manifest.json").read_text())
    nested = {"version": listed["version"], "artifacts": {"Primary.assets": listed["artifacts"]["Primary.assets"]}}
    (assembly / "nested" / "manifest.json").write_text(json.dumps(nested))
    listed["artifacts"]["Nested"] = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "nested"}}
    (assembly / "manifest.json").write_text(json.dumps(listed))
    (code,) = assembly.glob("asset.*")
    (code / "handler.py").write_text("import os\n")

    with pytest.raises(LoadError, match=r"have the name of another, like 'Primary\.assets'"):
        _failing(assembly)


def test_changed_template_fails_by_its_digest(assembly: Path) -> None:
    file = assembly / "Primary.template.json"
    file.write_text(file.read_text() + "\n")

    assert "Primary.template.json has the digest" in _failing(assembly)["Assembly-Whole"]


@pytest.mark.parametrize("change", ["edit", "add", "remove"])
def test_changed_code_of_a_function_fails(assembly: Path, change: str) -> None:
    (asset,) = assembly.glob("asset.*")
    match change:
        case "edit":
            (asset / "handler.py").write_text("import os\n")
        case "add":
            (asset / "more.py").write_text("")
        case "remove":
            shutil.rmtree(asset)

    assert asset.name in _failing(assembly)["Assembly-Whole"]


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (lambda m: m.update(missing=[{"key": "vpc"}]), "without context"),
        (lambda m: m["artifacts"].update(Extra={"type": "aws:terraform:stack"}), "which the gate cannot judge"),
        (lambda m: m["artifacts"].update(Extra={"type": "AWS:CloudFormation:Stack"}), "which the gate cannot judge"),
    ],
)
def test_manifest_that_cannot_be_judged_is_refused(assembly: Path, tamper: Callable[[Manifest], object], says: str) -> None:
    _edit(assembly / "manifest.json", tamper)

    with pytest.raises(LoadError, match=says):
        _failing(assembly)


@pytest.mark.parametrize("where", ["manifest", "template", "both"])
def test_resource_with_the_path_of_another_is_refused(assembly: Path, where: str) -> None:
    """Else the decisions about the other one would cover it."""
    queue, dead = "Primary/Queue/Resource", "Primary/Queue/Other"

    def in_manifest(manifest: Manifest) -> None:
        records = _stack(manifest)["metadata"]
        (logical_id,) = [each for each in records[f"/{queue}"] if each["type"] == "aws:cdk:logicalId"]
        records[f"/{dead}"] = [{**logical_id, "data": "Twin"}]
        if where != "template":
            records[f"/{queue}"].append(records.pop(f"/{dead}")[0])

    def in_template(template: Any) -> None:  # noqa: ANN401
        twin = next(each for each in template["Resources"].values() if each["Type"] == "AWS::SQS::Queue")
        other = {} if where == "manifest" else {"Metadata": {"aws:cdk:path": queue}}
        template["Resources"]["Twin"] = {**twin, "Metadata": {}, **other}

    file = assembly / "manifest.json"
    if "additionalMetadataFile" in _stack(json.loads(file.read_text())):
        metadata = assembly / _stack(json.loads(file.read_text()))["additionalMetadataFile"]
        _edit(metadata, lambda records: in_manifest({"artifacts": {"Primary": {"metadata": records}}}))
    else:
        _edit(file, in_manifest)
    _edit(assembly / "Primary.template.json", in_template)

    says = "in the template and" if where == "template" else "have one construct path"
    with pytest.raises(LoadError, match=says):
        _failing(assembly)


def test_error_annotation_of_the_app_fails(tmp_path: Path) -> None:
    app = build_app("prod", str(tmp_path))
    Annotations.of(app.node.find_child("Primary")).add_error("this must not be deployed")
    app.synth()

    assert "this must not be deployed" in _failing(tmp_path)["Assembly-Annotated"]
