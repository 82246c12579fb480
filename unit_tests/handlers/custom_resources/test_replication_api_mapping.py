"""Test the mapping of CloudFormation's ReplicationConfiguration to the S3 API: every known term, and no unknown one."""
# ruff: noqa: ANN401 - configurations are JSON

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.bucket_replication.api_mapping import to_api
from handlers.shared.custom_resource import PropertyError

S3 = boto3.client("s3", region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x")

SOME_TEXT = st.text(min_size=1, max_size=8)
STATUS = st.sampled_from(["Enabled", "Disabled"])
NUMBER = st.integers(0, 10_000)
SWITCH = st.fixed_dictionaries({"Status": STATUS})
MINUTES = st.fixed_dictionaries({"Minutes": NUMBER})
TAG = st.fixed_dictionaries({"Key": SOME_TEXT, "Value": st.text(max_size=8)})
FILTER = st.one_of(
    st.fixed_dictionaries({}, optional={"Prefix": st.text(max_size=8)}),
    st.fixed_dictionaries({"TagFilter": TAG}),
    st.fixed_dictionaries(
        {"And": st.fixed_dictionaries({}, optional={"Prefix": SOME_TEXT, "TagFilters": st.lists(TAG, max_size=3)})}
    ),
)
DESTINATION = st.fixed_dictionaries(
    {"Bucket": SOME_TEXT},
    optional={
        "Account": SOME_TEXT,
        "StorageClass": SOME_TEXT,
        "AccessControlTranslation": st.fixed_dictionaries({"Owner": SOME_TEXT}),
        "EncryptionConfiguration": st.fixed_dictionaries({"ReplicaKmsKeyID": SOME_TEXT}),
        "ReplicationTime": st.fixed_dictionaries({"Status": STATUS, "Time": MINUTES}),
        "Metrics": st.fixed_dictionaries({"Status": STATUS}, optional={"EventThreshold": MINUTES}),
    },
)
RULE = st.fixed_dictionaries(
    {"Status": STATUS, "Destination": DESTINATION},
    optional={
        "Id": SOME_TEXT,
        "Priority": NUMBER,
        "Prefix": st.text(max_size=8),
        "Filter": FILTER,
        "DeleteMarkerReplication": st.fixed_dictionaries({}, optional={"Status": STATUS}),
        "SourceSelectionCriteria": st.fixed_dictionaries(
            {}, optional={"ReplicaModifications": SWITCH, "SseKmsEncryptedObjects": SWITCH}
        ),
    },
)
CONFIGURATIONS = st.fixed_dictionaries({"Role": SOME_TEXT, "Rules": st.lists(RULE, max_size=3)})
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
WHOLE: dict[str, Any] = {
    "Role": "arn",
    "Rules": [
        {
            "Id": "all",
            "Status": "Enabled",
            "Priority": 1,
            "Filter": {"And": {"Prefix": "", "TagFilters": [{"Key": "a", "Value": "15"}]}},
            "Destination": {"Bucket": "b", "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}}},
        }
    ],
}

Path = tuple[str | int, ...]


def nodes(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield every place in a JSON value."""
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in pairs:
        yield from nodes(item, (*path, step))


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def put_at(value: Any, path: Path, item: Any) -> Any:
    """Return a copy with another value at a place."""
    if not path:
        return item
    changed = copy.deepcopy(value)
    at(changed, path[:-1])[path[-1]] = item
    return changed


def as_texts(value: Any) -> Any:
    """Return properties as CloudFormation passes them to a custom resource: numbers become texts."""
    if isinstance(value, dict):
        return {name: as_texts(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_texts(item) for item in value]
    return str(value) if isinstance(value, int) else value


def in_cloudformation_spelling(value: Any) -> Any:
    """Return the reverse mapping, without the table: three names differ."""
    names = {"ID": "Id", "Tag": "TagFilter", "Tags": "TagFilters"}
    if isinstance(value, Mapping):
        return {names.get(name, name): in_cloudformation_spelling(item) for name, item in value.items()}
    return [in_cloudformation_spelling(item) for item in value] if isinstance(value, list) else value


def violations_of_s3_s_model(configuration: Any) -> str:
    shape = S3.meta.service_model.operation_model("PutBucketReplication").input_shape
    assert shape is not None
    request = {"Bucket": "b", "ReplicationConfiguration": configuration}
    return str(ParamValidator().validate(request, shape).generate_report())


@pytest.mark.property
@given(CONFIGURATIONS)
@example(WHOLE)
@example({"Role": "arn", "Rules": []})
def test_mapping_keeps_every_term_in_a_form_that_the_api_accepts(original: dict[str, Any]) -> None:
    made = to_api(as_texts(original), "it")
    assert in_cloudformation_spelling(made) == original
    assert to_api(original, "it") == made
    assert violations_of_s3_s_model(made) == ""


@pytest.mark.property
@given(CONFIGURATIONS, st.text(min_size=1, max_size=6), st.data())
@example(WHOLE, "ID", None)
@example(WHOLE, "id", None)
def test_mapping_of_an_unknown_key_names_its_place(original: dict[str, Any], name: str, data: st.DataObject | None) -> None:
    maps = [path for path in nodes(original) if isinstance(at(original, path), dict)]
    path = maps[-1] if data is None else data.draw(st.sampled_from(maps))
    known = {"Id", "Role", "Rules", "Status", "Prefix", "Filter", "And", "Bucket", "Time", "Key", "Value", "Owner"}
    if name in known:
        return
    place = "it" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    with pytest.raises(PropertyError) as refused:
        to_api(put_at(original, (*path, name), "x"), "it")
    assert str(refused.value).startswith(f"{place}.{name} is not known; allowed are: ")


@pytest.mark.property
@given(CONFIGURATIONS, JSON, st.data())
def test_mapping_of_any_value_keeps_it_or_refuses_it(original: dict[str, Any], thing: Any, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(nodes(original))))
    broken = put_at(original, path, thing)
    try:
        made = to_api(broken, "it")
    except PropertyError as refused:
        assert str(refused).startswith("it")
    else:
        assert as_texts(in_cloudformation_spelling(made)) == as_texts(broken)
        assert violations_of_s3_s_model(made) == ""


@pytest.mark.parametrize("number", ["", "-1", "1.5", "015", "15 ", "\u0661", "fifteen", True, None, -1, 15.0, [15]])
def test_mapping_refuses_a_number_that_is_not_whole(number: Any) -> None:
    with pytest.raises(PropertyError, match=r"it\.Rules\[0\]\.Priority must be a whole number, such as 15; it is "):
        to_api(put_at(WHOLE, ("Rules", 0, "Priority"), number), "it")


@pytest.mark.parametrize("status", ["enabled", "", "true", True, None, ["Enabled"]])
def test_status_is_one_of_two(status: Any) -> None:
    with pytest.raises(PropertyError, match=r"it\.Rules\[0\]\.Status must be Enabled or Disabled; it is "):
        to_api(put_at(WHOLE, ("Rules", 0, "Status"), status), "it")
