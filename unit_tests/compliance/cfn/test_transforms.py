"""Transforms: SAM and AWS's language extensions are expanded without AWS, and every other macro is refused by name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from compliance.cfn.loading import LoadError, load_template
from compliance.cfn.templates import Template

SAM = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Reader:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.14
      Handler: index.handler
      CodeUri: ./src
      Policies: [AWSLambdaExecute]
      Events:
        Every: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
"""
LOOP = """
Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Queues:
    - Name
    - [Red, Blue]
    - Queue${Name}: {Type: AWS::SQS::Queue}
"""

Load = Callable[[str], Template]


@pytest.fixture(name="load")
def _load(tmp_path: Path) -> Load:
    def load(text: str) -> Template:
        file = tmp_path / "t.yaml"
        file.write_text(text, "utf-8")
        return load_template(file, "eu-west-1")

    return load


def test_a_sam_template_becomes_what_is_deployed(load: Load) -> None:
    template = load(SAM)
    assert {resource.type for resource in template.resources} == {
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::IAM::Role",
        "AWS::Events::Rule",
    }
    assert template.is_expanded
    assert "Transform" not in template.body


def test_sam_reads_no_aws_configuration(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    role = next(resource for resource in load(SAM).resources if resource.type == "AWS::IAM::Role")
    assert "arn:aws:iam::aws:policy/AWSLambdaExecute" in role.properties["ManagedPolicyArns"]


def test_code_of_a_path_is_in_an_unknown_bucket(load: Load) -> None:
    function = load(SAM).by_logical_id["Reader"]
    assert function.properties["Code"] == {"S3Bucket": {"Ref": "SamPackageBucket"}, "S3Key": "./src"}


def test_code_of_a_computed_place_is_in_its_bucket(load: Load) -> None:
    function = load(SAM.replace("./src", '!Sub "s3://code-${AWS::Region}/a/b.zip"')).by_logical_id["Reader"]
    assert function.properties["Code"] == {"S3Bucket": {"Fn::Sub": "code-${AWS::Region}"}, "S3Key": {"Fn::Sub": "a/b.zip"}}


def test_a_parameter_without_default_stands_for_a_name(load: Load) -> None:
    text = "Parameters: {Stage: {Type: String}}" + SAM.replace("CodeUri: ./src", "AutoPublishAlias: !Ref Stage")
    assert "ReaderAliasStage" in load(text).by_logical_id


def test_an_image_without_uri_is_unknown(load: Load) -> None:
    image = SAM.replace("CodeUri: ./src", "PackageType: Image").replace("Runtime: python3.14", "MemorySize: 128")
    function = load(image.replace("Handler: index.handler", "Timeout: 3")).by_logical_id["Reader"]
    assert function.properties["Code"] == {"ImageUri": {"Ref": "SamPackageImage"}}


def test_a_loop_keeps_the_line_of_other_resources(load: Load) -> None:
    template = load(LOOP + "  Other: {Type: AWS::SQS::Queue}\n")
    assert [resource.logical_id for resource in template.resources] == ["QueueRed", "QueueBlue", "Other"]
    assert template.by_logical_id["Other"].line == 8


def test_both_transforms_are_applied_in_order(load: Load) -> None:
    text = SAM.replace("Transform: ", "Transform: [AWS::LanguageExtensions, ").replace("-10-31\n", "-10-31]\n")
    text = text.replace("  Reader:\n", "  Fn::ForEach::Readers:\n  - Name\n  - [A, B]\n  - Reader${Name}:\n").replace(
        "\n    ", "\n       "
    )
    functions = [each.logical_id for each in load(text).resources if each.type == "AWS::Lambda::Function"]
    assert functions == ["ReaderA", "ReaderB"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Transform: Boto3\n", "uses the transform Boto3, which CloudFormation expands"),
        ("Transform: [AWS::LanguageExtensions, Mine]\n", "uses the transform Mine"),
        ("Transform: {Name: AWS::Include, Parameters: {Location: s3://b/k}}\n", "uses the transform AWS::Include"),
        ("Metadata: {Fn::Transform: {Name: Inner}}\n", "uses the transform Inner"),
        ("Transform: [[AWS::LanguageExtensions]]\n", "uses the transform"),
    ],
)
def test_another_macro_is_refused_by_name(load: Load, text: str, message: str) -> None:
    with pytest.raises(LoadError, match=message.replace("[", r"\[")):
        load(f"{text}Resources: {{Q: {{Type: AWS::SQS::Queue}}}}\n")


def test_a_loop_without_its_transform_is_refused(load: Load) -> None:
    with pytest.raises(LoadError, match="is a macro; declare its transform: AWS::LanguageExtensions"):
        load(LOOP.replace("Transform: AWS::LanguageExtensions", "Description: none"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SAM.replace("Handler: index.handler", "Timeout: 1"), "is not a template that AWS::Serverless-2016-10-31 takes"),
        ("Transform: AWS::Serverless-2016-10-31\nResources: [1]\n", "Serverless-2016-10-31"),
        (
            "Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: AWS::Serverless::Api, Properties: 7}}\n",
            "Serverless-2016-10-31",
        ),
        ("Transform: AWS::LanguageExtensions\nResources: 7\n", "has no Resources"),
    ],
)
def test_a_malformed_template_is_refused(load: Load, text: str, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        load(text)


def test_an_application_of_a_repository_is_a_nested_stack(load: Load) -> None:
    location = "{ApplicationId: arn:aws:serverlessrepo:us-east-1:123456789012:applications/a, SemanticVersion: 1.0.0}"
    template = load(
        "Transform: AWS::Serverless-2016-10-31\n"
        f"Resources: {{App: {{Type: AWS::Serverless::Application, Properties: {{Location: {location}}}}}}}\n"
    )
    app = template.by_logical_id["App"]
    assert (app.type, app.properties) == ("AWS::CloudFormation::Stack", {"TemplateURL": {"Ref": "SamApplicationTemplate"}})
