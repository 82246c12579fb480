"""Loading of templates and assemblies: JSON and YAML give the same template, and a malformed file is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from compliance.cfn import loading
from compliance.cfn.loading import MAXIMUM_BYTES, LoadError, load_assembly, load_template, load_templates

YAML = """
AWSTemplateFormatVersion: 2010-09-09
Conditions:
  C: !Equals [!Ref AWS::Region, us-east-1]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub serverless-${X}-prod
      KmsMasterKeyId: !GetAtt Key.Arn
      Tags: !If [C, [{Key: a, Value: !Select [0, [x]]}], !Ref AWS::NoValue]
      DelaySeconds: 5
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Version: 2012-10-17
        Statement: []
"""
AS_DICT: dict[str, Any] = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Conditions": {"C": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}},
    "Resources": {
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": {"Fn::Sub": "serverless-${X}-prod"},
                "KmsMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
                "Tags": {"Fn::If": ["C", [{"Key": "a", "Value": {"Fn::Select": [0, ["x"]]}}], {"Ref": "AWS::NoValue"}]},
                "DelaySeconds": 5,
            },
        },
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}}},
    },
}
QUEUE = '"Q": {"Type": "AWS::SQS::Queue"}'


def _write(folder: Path, text: str | bytes, name: str = "t.yaml") -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_yaml_with_short_forms_and_json_are_read_alike(tmp_path: Path) -> None:
    from_yaml = load_template(_write(tmp_path, YAML), "us-east-1")
    from_json = load_template(_write(tmp_path, json.dumps(AS_DICT), "t.json"))

    assert from_yaml.body == from_json.body == AS_DICT
    assert from_yaml.region == "us-east-1"
    assert from_yaml.text == YAML


@pytest.mark.parametrize("text", ["{Resources: {Q: {Type: 'AWS::SQS::Queue'}}}", f'\ufeff{{"Resources": {{{QUEUE}}}}}'])
def test_flow_style_yaml_and_a_byte_order_mark_are_read(tmp_path: Path, text: str) -> None:
    assert load_template(_write(tmp_path, text)).resources[0].type == "AWS::SQS::Queue"


def test_keys_are_read_as_text_so_none_hides_another(tmp_path: Path) -> None:
    ids = ["On", "Yes", "true", "1", "0x1", "1.0", "2012-10-17"]
    text = "\n".join(["Resources:", *(f"  {each}: {{Type: 'AWS::SQS::Queue'}}" for each in ids)])

    template = load_template(_write(tmp_path, text))

    assert [resource.logical_id for resource in template.resources] == ids


def test_a_template_s_own_construct_paths_are_read(tmp_path: Path) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Metadata": {"aws:cdk:path": "S/Q/Resource"}}
    resources = {"Q": queue, "P": {"Type": "X::Y::Z"}}

    template = load_template(_write(tmp_path, json.dumps({"Resources": resources}), "t.json"))

    assert [resource.path for resource in template.resources] == ["S/Q/Resource", "t.json/P"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a map"),
        ("hello", "not a map"),
        ("- 1", "not a map"),
        ("[]", "not a map"),
        ("{}", "no Resources"),
        ('{"Resources": {}}', "no Resources"),
        ('{"Resources": []}', "no Resources"),
        ('{"Resources": {"Q": "x"}}', "'Q' has no Type"),
        ('{"Resources": {"Q": {"Type": 1}}}', "'Q' has no Type"),
        ('{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Metadata": []}}}', "Metadata of resource 'Q'"),
        ("Resources: [", "neither JSON nor YAML"),
        ("Resources:\n\t- x", "neither JSON nor YAML"),
        ("a: &a 1\nb: *a", "line 2: CloudFormation takes no YAML aliases"),
        ("a: &a [*a]", "CloudFormation takes no YAML aliases"),
        ("a: 1\nb: {c: 1, c: 2}", "line 2: the key 'c' stands twice"),
        ("Resources: !!python/object/apply:os.system ['true']", "neither JSON nor YAML"),
        ("Resources: !!binary aGk=", "JSON does not have"),
        ("Resources: {a: .inf}", "not a JSON value"),
        ("Resources: {a: 1.0e+999}", "1.0e+999 is larger than any number"),
        ("Resources:\n  a: -1e999", "line 2: -1e999 is larger than any number"),
        (f'{{"Resources": {{{QUEUE}}}, "a": 1e999}}', "1e999 is larger than any number"),
        ("? [1, 2]\n: x", "neither JSON nor YAML"),
        ("Resources:\n  Q: {<<: {Type: 'A::B::C'}}", "line 2: CloudFormation takes no YAML merges"),
        ("---\na: 1\n---\nb: 2", "neither JSON nor YAML"),
        ("a: " + "[" * 5000, "nested deeper than 100"),
        (f'{{"Transform": "Boto3", "Resources": {{{QUEUE}}}}}', "transform Boto3"),
        ('{"Resources": {"Q": {"Type": "A::B::C", "Properties": {"Fn::Transform": {"Name": "M"}}}}}', "transform"),
        ('{"Resources": {"Fn::ForEach::Q": ["N", ["a"], {}]}}', "is a macro; declare its transform"),
        (f"A: 0x{'f' * 5000}\n", "line 1: a number of 5,002 characters; if it is text, quote it"),
        (f"A: {'1:' * 5000}1\n", "line 1: a number of 10,001 characters; if it is text, quote it"),
        (f"A: !!int '{'1:' * 5000}1'\n", "line 1: a number of 10,001 characters; if it is text, quote it"),
    ],
)
def test_text_that_is_not_a_template_is_refused_with_the_reason(tmp_path: Path, text: str, says: str) -> None:
    file = _write(tmp_path, text)

    with pytest.raises(LoadError) as refused:
        load_template(file)

    assert says in str(refused.value)
    assert str(file) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{not json", "is not JSON"),
        (f'{{"Resources": {{{QUEUE}, {QUEUE}}}}}', "the key 'Q' stands twice"),
        (f'{{"Resources": {{{QUEUE}}}, "a": NaN}}', "NaN is not a JSON value"),
        (f'{{"Resources": {{{QUEUE}}}, "a": -1e999}}', "-1e999 is larger than any number"),
        (f'{{"Resources": {{{QUEUE}}}, "a": "\\ud800"}}', "is not JSON"),
        (f'{{"Resources": {{{QUEUE}}}, "a": {"9" * 5000}}}', "is not JSON"),
        ('{"a":' * 200 + "1" + "}" * 200, "nested deeper than 100"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested"),
    ],
)
def test_json_with_hidden_or_invalid_values_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(LoadError, match=says):
        load_template(_write(tmp_path, text, "t.json"))


def test_text_that_looks_like_a_number_too_large_is_text(tmp_path: Path) -> None:
    template = load_template(_write(tmp_path, f"Resources: {{{QUEUE}}}\na: ['1e999', \"1e999\", 1e9, 12e999f]"))

    assert [str(value) for value in template.body["a"]] == ["1e999", "1e999", "1e9", "12e999f"]


def test_file_that_is_too_large_binary_or_missing_is_refused(tmp_path: Path) -> None:
    for file, says in (
        (_write(tmp_path, b"#" * (MAXIMUM_BYTES + 1)), "1,048,577 bytes or more; a template has at most 1,048,576"),
        (Path("/dev/zero"), "1,048,577 bytes or more"),
        (_write(tmp_path, b"\xff\xfe\x00", "b.json"), "not UTF-8 text"),
        (tmp_path / "none.json", "cannot be read"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(LoadError, match=says):
            load_template(file)


def test_template_with_too_many_resources_is_refused(tmp_path: Path) -> None:
    resources = {f"Q{number}": {"Type": "AWS::SQS::Queue"} for number in range(501)}

    with pytest.raises(LoadError, match="501 resources; a template has at most 500"):
        load_template(_write(tmp_path, json.dumps({"Resources": resources}), "t.json"))


def _assembly(folder: Path, artifacts: Any) -> Path:  # noqa: ANN401
    _write(folder, json.dumps({"artifacts": artifacts}), "manifest.json")
    _write(folder, json.dumps(AS_DICT), "S.template.json")
    metadata = {
        "/S/Queue/Resource": [
            {"type": "aws:cdk:logicalId", "data": "Queue"},
            {"type": "aws:cdk:acknowledged-rules", "data": {"AwsSolutions::AwsSolutions-SQS3": "because"}},
        ]
    }
    _write(folder, json.dumps(metadata), "S.metadata.json")
    return folder


def test_an_assembly_gives_stack_names_regions_paths_and_acknowledgements(tmp_path: Path) -> None:
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://000000000000/us-west-2",
        "properties": {"templateFile": "S.template.json", "stackName": "serverless-data-prod"},
        "additionalMetadataFile": "S.metadata.json",
    }

    assembly = load_assembly(_assembly(tmp_path, {"S": stack, "Tree": {"type": "cdk:tree"}}))

    (template,) = assembly.templates
    assert (template.name, template.stack_name, template.region) == ("S", "serverless-data-prod", "us-west-2")
    assert template.path_of("Queue") == "S/Queue/Resource"
    assert template.path_of("Key") == "S/Key"
    assert assembly.acknowledged == (("S/Queue/Resource", "AwsSolutions::AwsSolutions-SQS3"),)


def test_template_has_the_assets_within_the_assembly_by_bucket_and_key(tmp_path: Path) -> None:
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://000000000000/us-west-2",
        "properties": {"templateFile": "S.template.json"},
        "dependencies": ["A"],
    }
    listed = {"type": "cdk:asset-manifest", "properties": {"file": "A.assets.json"}}
    to = {"there": {"bucketName": "assets-${AWS::AccountId}-${AWS::Region}", "objectKey": "1.zip"}}
    paths = {"1": "../asset.1", "2": "../../asset.2", "3": "/etc"}
    files = {name: {"source": {"path": path}, "destinations": to} for name, path in paths.items()}
    (tmp_path / "stage").mkdir()
    _write(tmp_path / "stage", json.dumps({"files": files}), "A.assets.json")
    nested = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "stage"}}
    _assembly(tmp_path / "stage", {"S": stack, "A": listed})
    _write(tmp_path, json.dumps({"artifacts": {"Stage": nested}}), "manifest.json")

    (template,) = load_assembly(tmp_path).templates

    assert template.assets == {("assets-${AWS::AccountId}-us-west-2", "1.zip"): tmp_path / "stage" / "../asset.1"}


def test_stage_has_the_report_of_its_feature_flags_too(tmp_path: Path) -> None:
    flags = {"flags": {"type": "cdk:feature-flag-report"}}
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "S.template.json"}}
    nested = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "stage"}}
    (tmp_path / "stage").mkdir()
    _assembly(tmp_path / "stage", {**flags, "Staged": stack})

    assembly = load_assembly(_assembly(tmp_path, {**flags, "S": stack, "Stage": nested}))

    assert [template.name for template in assembly.templates] == ["S", "Staged"]


@pytest.mark.parametrize("artifacts", [None, [], {}, {"Tree": {"type": "cdk:tree"}}])
def test_an_assembly_without_a_stack_is_refused(tmp_path: Path, artifacts: Any) -> None:  # noqa: ANN401
    with pytest.raises(LoadError):
        load_assembly(_assembly(tmp_path, artifacts))


def test_folder_that_is_not_an_assembly_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="not a cloud assembly"):
        load_assembly(tmp_path)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["a/1.yaml", "b/2.yaml"], ["1.yaml", "2.yaml"]),
        (["a/1.yaml@us-east-1", "b/1.yaml@us-west-2", "a/2.yaml"], ["1.yaml@us-east-1", "1.yaml@us-west-2", "2.yaml"]),
        (["a/1.yaml@us-east-1", "a/1.yaml@us-west-2"], ["1.yaml@us-east-1", "1.yaml@us-west-2"]),
        (["a/1.yaml", "b/1.yaml"], ["a/1.yaml", "b/1.yaml"]),
        (["a/1.yaml@us-east-1", "b/1.yaml@us-east-1"], ["a/1.yaml", "b/1.yaml"]),
        (["a/1.yaml@x", "b/1.yaml@x", "b/1.yaml@y"], ["a/1.yaml@x", "b/1.yaml@x", "b/1.yaml@y"]),
        (["a/1.yaml@us-east-1", "a/1.yaml@us-east-1"], None),
    ],
)
def test_templates_of_one_file_name_get_different_names(
    given: list[str], named: list[str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = [(Path(file), region) for file, _, region in (text.partition("@") for text in given)]
    for file, _ in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{{'Resources': {{{QUEUE}}}}}")

    if named is None:
        with pytest.raises(LoadError, match=r"a/1.yaml@us-east-1: is given twice"):
            load_templates(files)
    else:
        assert [template.name for template in load_templates(files)] == named


class _Counted(str):
    """A key that counts how often any such key is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        type(self).compared += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


@pytest.mark.parametrize("keys", [500, 5000])
def test_duplicate_key_is_found_in_linear_time(keys: int) -> None:
    pairs: list[tuple[str, Any]] = [(_Counted(f"k{number}"), None) for number in (*range(keys), keys - 1)]
    _Counted.compared = 0

    with pytest.raises(ValueError, match=f"'k{keys - 1}' stands twice"):
        loading._unique_keys(pairs)  # noqa: SLF001 - json.loads makes plain str, which counts nothing

    assert _Counted.compared < 4 * keys


@pytest.mark.parametrize(
    "text", ['{{"Resources": {{{q}}}, "{k}": 1, "{k}": 2}}', '{{"Resources": {{"{k}": {{"Type": 5}}}}}}']
)
def test_message_about_a_long_key_stays_short(tmp_path: Path, text: str) -> None:
    with pytest.raises(LoadError) as refused:
        load_template(_write(tmp_path, text.format(q=QUEUE, k="k" * 200_000), "t.json"))

    assert len(str(refused.value)) < 400
