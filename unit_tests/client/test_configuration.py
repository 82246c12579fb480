"""The configuration: accepted values, the errors of others, and the files of the local cloud, which `--local` finds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.configuration import EXAMPLE, Configuration, parse_endpoint_flag, parse_name_server
from client.errors import Misconfigured
from client.local_files import CONFIGURATION, CREDENTIALS, FOLDER, TARGET, find_local_file, use_local_credentials

TWO = [
    {"region": "us-east-1", "url": "https://a.execute-api.us-east-1.amazonaws.com/"},
    {"region": "us-west-2", "url": "https://b.execute-api.us-west-2.amazonaws.com"},
]


def test_example_is_a_complete_configuration(tmp_path: Path) -> None:
    file = tmp_path / "client.toml"
    file.write_text(EXAMPLE)
    assert Configuration.read(file, {}).region_names == ("us-east-1", "us-west-2")


def test_flags_override_the_file(tmp_path: Path) -> None:
    file = tmp_path / "client.toml"
    file.write_text(f'source = "file"\nworkers = 3\n{EXAMPLE}')
    read = Configuration.read(file, {"source": "flag", "workers": None, "endpoints": tuple(TWO[:1])})
    assert (read.source, read.workers) == ("flag", 3)
    assert [one.url for one in read.all_endpoints] == ["https://a.execute-api.us-east-1.amazonaws.com"]


def test_domain_has_an_endpoint_for_each_region() -> None:
    read = Configuration.of({"domain": "ingest.example.org", "regions": ["us-east-1", "us-west-2"]})
    assert [one.url for one in read.all_endpoints] == [
        "https://us-east-1.ingest.example.org",
        "https://us-west-2.ingest.example.org",
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "there are no endpoints; write"),
        ({"endpoints": [*TWO, TWO[0]]}, "a region is listed twice"),
        ({"endpoints": [{"region": "mars-1", "url": TWO[0]["url"]}]}, "endpoints[0].region: 'mars-1' is not an AWS region"),
        ({"endpoints": [{"region": "us-east-1"}]}, "endpoints[0].url: is missing"),
        ({"endpoints": [{"region": "us-east-1", "url": "http://example.org"}]}, "is not encrypted; write https://"),
        ({"endpoints": [{"region": "us-east-1", "url": "https://[::1"}]}, "is not the address of an API"),
        ({"endpoints": [{"region": "us-east-1", "url": "https://u:p@example.org"}]}, "is not the address of an API"),
        ({"endpoints": TWO, "recrod": "region.x.internal"}, "recrod: the key is unknown; did you mean record?"),
        ({"endpoints": [{**TWO[0], "arn": "x"}]}, "endpoints[0].arn: the key is unknown; the keys are region, url"),
        ({"endpoints": TWO, "source": "Me"}, "source: 'Me' is not a source; write 1 to 32"),
        ({"endpoints": TWO, "record": "r.x.y", "domain": "x.y"}, "keep one of them"),
        ({"endpoints": TWO, "name_server": "10.0.0.2"}, "no effect without record; add record"),
        ({"endpoints": TWO, "record": "r.x.y", "name_server": "dns.example"}, "is not the address of a name server"),
        ({"endpoints": TWO, "regions": ["us-east-1"]}, "regions is allowed with domain only"),
        ({"endpoints": TWO, "workers": 0}, "workers: 0 is not allowed"),
        ({"endpoints": TWO, "patience_seconds": -1}, "patience_seconds: -1 is not allowed"),
        ({"endpoints": "x" * 200}, "endpoints: 'xxx"),
    ],
)
def test_configuration_mistake_reports_what_to_type(values: dict[str, Any], message: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Configuration.of(values)
    assert message in caught.value.message
    assert caught.value.hint


def test_configuration_mistakes_are_reported_at_once() -> None:
    with pytest.raises(Misconfigured) as caught:
        Configuration.of({"endpoints": [{"region": "x", "url": "y"}], "source": "Z"})
    assert caught.value.message.count("\n- ") == 3


@pytest.mark.parametrize(
    ("content", "message"), [(b"endpoints = [", "is not TOML"), (b"\xff", "is not UTF-8"), (None, "cannot be read")]
)
def test_configuration_file_that_cannot_be_parsed_is_reported(content: bytes | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "client.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misconfigured, match=message):
        Configuration.read(file, {})


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("10.0.0.2", ("10.0.0.2", 53)),
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("[::1]:5353", ("::1", 5353)),
        ("[::1]", ("::1", 53)),
        ("fd00::2", ("fd00::2", 53)),
    ],
)
def test_name_server_may_have_a_port(text: str, server: tuple[str, int]) -> None:
    assert parse_name_server(text) == server


@pytest.mark.parametrize("text", ["", "x", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "[::1", "1.2.3.4:x"])
def test_name_server_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the address of a name server"):
        parse_name_server(text)


def test_endpoint_flag_without_both_parts_is_refused() -> None:
    with pytest.raises(Misconfigured, match="is not REGION=URL"):
        parse_endpoint_flag("https://example.org")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.property
@given(st.dictionaries(st.sampled_from([*Configuration.model_fields, "other"]), JSON | st.just(TWO), max_size=6))
def test_any_configuration_is_accepted_or_refused_with_an_error(values: dict[str, Any]) -> None:
    try:
        Configuration.of(values)
    except Misconfigured as error:
        assert error.message.strip()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of a local cloud without `--deploy`; the current folder is two below the checkout's."""
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / TARGET).touch()
    (tmp_path / FOLDER / CREDENTIALS).touch()
    (tmp_path / "docs" / "adr").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "docs" / "adr")
    return tmp_path / FOLDER


def test_local_file_is_found_from_a_folder_below_the_checkout(folder: Path) -> None:
    assert find_local_file(TARGET) == folder / TARGET


@pytest.mark.usefixtures("folder")
def test_local_cloud_without_a_deployment_has_no_configuration() -> None:
    with pytest.raises(Misconfigured, match="it runs without --deploy") as caught:
        find_local_file(CONFIGURATION)
    assert "lockstep local --deploy" in caught.value.hint


def test_local_cloud_that_has_ended_is_refused(folder: Path) -> None:
    gone = folder.rename(folder.with_name("gone"))
    folder.symlink_to(gone)
    for file in gone.iterdir():
        file.unlink()
    gone.rmdir()
    with pytest.raises(Misconfigured, match=r"no local cloud of .* is running"):
        find_local_file(TARGET)


def test_local_credentials_replace_those_of_the_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    use_local_credentials()
    left = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    assert left == {"AWS_SHARED_CREDENTIALS_FILE": str(folder / CREDENTIALS), "AWS_CONFIG_FILE": os.devnull}
