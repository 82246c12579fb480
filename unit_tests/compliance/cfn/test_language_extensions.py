"""AWS::LanguageExtensions: loops, JSON text, lengths and maps are what CloudFormation makes of them, or are refused."""

import pytest

from compliance.cfn.language_extensions import ExpansionError, expand
from compliance.cfn.templates import Json

REGION = {"AWS::Region": "eu-west-1"}


def _loop(collection: Json, body: dict[str, Json], name: Json = "Name") -> dict[str, Json]:
    return {"Resources": {"Fn::ForEach::Loop": [name, collection, body]}}


def _resources(template: dict[str, Json], **sections: Json) -> Json:
    return expand({**sections, **template, "Transform": "AWS::LanguageExtensions"}, REGION)["Resources"]


def test_a_loop_makes_one_resource_a_value() -> None:
    body = {
        "Topic${Name}": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": {"Ref": "Name"}, "X": {"Fn::Sub": "a-${Name}"}},
        }
    }
    assert _resources(_loop(["Red", "Blue"], body)) == {
        f"Topic{name}": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name, "X": f"a-{name}"}}
        for name in ("Red", "Blue")
    }


def test_a_loop_in_a_loop_has_both_values() -> None:
    inner = {"Fn::ForEach::Inner": ["Size", ["S", "L"], {"Shirt${Name}${Size}": {"Type": "${Name} ${Size}"}}]}
    assert list(_resources(_loop(["A", "B"], inner))) == ["ShirtAS", "ShirtAL", "ShirtBS", "ShirtBL"]


def test_a_loop_over_pairs_has_both_names() -> None:
    body = {"Subnet${Zone}": {"Type": "AWS::EC2::Subnet", "Properties": {"CidrBlock": {"Ref": "Range"}}}}
    made = _resources(_loop([["a", "10.0.0.0/24"], ["b", "10.0.1.0/24"]], body, ["Zone", "Range"]))
    assert {name: each["Properties"]["CidrBlock"] for name, each in made.items()} == {
        "Subneta": "10.0.0.0/24",
        "Subnetb": "10.0.1.0/24",
    }


def test_a_loop_in_properties_makes_properties() -> None:
    table = {"Properties": {"Fn::ForEach::Limits": ["Name", ["Read", "Write"], {"${Name}CapacityUnits": 5}]}, "Type": "T"}
    assert _resources({"Resources": {"Table": table}})["Table"]["Properties"] == {
        "ReadCapacityUnits": 5,
        "WriteCapacityUnits": 5,
    }


def test_an_ampersand_leaves_out_what_a_logical_id_cannot_have() -> None:
    assert _resources(_loop(["10.0.1.1"], {"Host&{Name}": {"Type": "${Name}"}})) == {"Host10011": {"Type": "10.0.1.1"}}


@pytest.mark.parametrize(
    ("collection", "sections"),
    [
        ({"Ref": "P"}, {"Parameters": {"P": {"Type": "CommaDelimitedList", "Default": "a, b"}}}),
        ({"Fn::Split": [",", {"Ref": "P"}]}, {"Parameters": {"P": {"Type": "String", "Default": "a,b"}}}),
        (
            {"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "Names"]},
            {"Mappings": {"M": {"eu-west-1": {"Names": ["a", "b"]}}}},
        ),
        ({"Fn::FindInMap": ["M", {"Ref": "P"}, "Names"]}, {"Mappings": {"M": {"only": {"Names": ["a", "b"]}}}}),
        ({"Fn::FindInMap": ["M", "x", "Names", {"DefaultValue": ["a", "b"]}]}, {"Mappings": {"M": {"y": {"Names": ["c"]}}}}),
        (["a", {"Ref": "P"}], {"Parameters": {"P": {"Type": "String", "Default": "b"}}}),
    ],
    ids=["parameter", "split", "map of the region", "map of one key", "default of a map", "parameter in a list"],
)
def test_a_collection_is_read_from_the_template(collection: Json, sections: dict[str, Json]) -> None:
    assert list(_resources(_loop(collection, {"R${Name}": {"Type": "T"}}), **sections)) == ["Ra", "Rb"]


@pytest.mark.parametrize(
    ("collection", "sections"),
    [
        ({"Ref": "P"}, {"Parameters": {"P": {"Type": "CommaDelimitedList"}}}),
        ({"Fn::GetAtt": ["X", "Names"]}, {}),
        (
            {"Fn::FindInMap": ["M", {"Ref": "P"}, "Names"]},
            {"Mappings": {"M": {"x": {"Names": ["a"]}, "y": {"Names": ["b"]}}}},
        ),
        (["a", {"Ref": "AWS::StackName"}], {}),
        ("a", {}),
    ],
    ids=["no default", "attribute", "map of two keys", "stack name", "text"],
)
def test_a_collection_only_aws_knows_is_refused(collection: Json, sections: dict[str, Json]) -> None:
    with pytest.raises(ExpansionError, match="does not say what 'Fn::ForEach::Loop' loops over"):
        _resources(_loop(collection, {"R${Name}": {"Type": "T"}}), **sections)


@pytest.mark.parametrize(
    ("loop", "message"),
    [
        (["Name", ["a"]], "is not a loop"),
        (["Name", ["a", "b"], {"Same": {"Type": "T"}}], "'Same' stands twice"),
        (["Name", [str(number) for number in range(60_000)], {"R${Name}": {"Type": "T"}}], "more than 100,000 parts"),
    ],
)
def test_a_wrong_loop_is_refused(loop: list[Json], message: str) -> None:
    with pytest.raises(ExpansionError, match=message):
        _resources({"Resources": {"Fn::ForEach::Loop": loop}})


@pytest.mark.parametrize(
    ("value", "expanded"),
    [
        ({"Fn::ToJsonString": {"a": [1, True, {"Ref": "AWS::NoValue"}]}}, '{"a":[1,true]}'),
        ({"Fn::ToJsonString": {"a": 1, "b": {"Ref": "AWS::NoValue"}}}, '{"a":1}'),
        ({"Fn::ToJsonString": {"a": {"Ref": "Q"}}}, {"Fn::Join": ["", ['{"a":"', {"Ref": "Q"}, '"}']]}),
        ({"Fn::Length": ["a", "b"]}, 2),
        ({"Fn::Length": {"Ref": "P"}}, 3),
        ({"Fn::Length": {"Ref": "Q"}}, {"Fn::Length": {"Ref": "Q"}}),
        ({"Fn::FindInMap": ["M", "x", "k", {"DefaultValue": "d"}]}, "d"),
        ({"Fn::FindInMap": ["M", "a", {"Fn::Sub": "k"}, {"DefaultValue": "d"}]}, "v"),
        ({"Fn::FindInMap": ["M", {"Ref": "Q"}, "k"]}, {"Fn::FindInMap": ["M", {"Ref": "Q"}, "k"]}),
        ({"Ref": {"Fn::Sub": "Q"}}, {"Ref": "Q"}),
        ("plain ${Text}", "plain ${Text}"),
    ],
)
def test_a_function_becomes_its_value_or_stays(value: Json, expanded: Json) -> None:
    sections = {
        "Parameters": {"P": {"Type": "CommaDelimitedList", "Default": "a,b,c"}, "Q": {"Type": "String"}},
        "Mappings": {"M": {"a": {"k": "v"}, "b": {"k": "w"}}},
    }
    assert _resources({"Resources": {"R": {"Type": value}}}, **sections)["R"]["Type"] == expanded


def test_a_deletion_policy_takes_the_parameters_default() -> None:
    parameters = {"P": {"Type": "String", "Default": "Retain"}}
    table = {"Type": "T", "DeletionPolicy": {"Ref": "P"}}
    assert _resources({"Resources": {"R": table}}, Parameters=parameters)["R"]["DeletionPolicy"] == "Retain"
