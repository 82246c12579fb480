"""The configuration: what is taken, and what is said of what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.configuration import EXAMPLE, Configuration, parse_endpoint_flag, parse_name_server
from client.errors import Misconfigured

TWO = [
    {"region": "us-east-1", "url": "https://a.execute-api.us-east-1.amazonaws.com/"},
    {"region": "us-west-2", "url": "https://b.execute-api.us-west-2.amazonaws.com"},
]


def test_the_example_is_a_whole_configuration(tmp_path: Path) -> None:
    file = tmp_path / "client.toml"
    file.write_text(EXAMPLE)
    assert Configuration.read(file, {}).region_names == ("us-east-1", "us-west-2")


def test_flags_stand_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "client.toml"
    file.write_text(f'source = "file"\nworkers = 3\n{EXAMPLE}')
    read = Configuration.read(file, {"source": "flag", "workers": None, "endpoints": tuple(TWO[:1])})
    assert (read.source, read.workers) == ("flag", 3)
    assert [one.url for one in read.all_endpoints] == ["https://a.execute-api.us-east-1.amazonaws.com"]


def test_a_domain_has_an_endpoint_for_each_region() -> None:
    read = Configuration.of({"domain": "ingest.example.org", "regions": ["us-east-1", "us-west-2"]})
    assert [one.url for one in read.all_endpoints] == [
        "https://us-east-1.ingest.example.org",
        "https://us-west-2.ingest.example.org",
    ]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "there are no endpoints; write"),
        ({"endpoints": [*TWO, TWO[0]]}, "a region is there twice"),
        ({"endpoints": [{"region": "mars-1", "url": TWO[0]["url"]}]}, "endpoints[0].region: 'mars-1' is no AWS region"),
        ({"endpoints": [{"region": "us-east-1"}]}, "endpoints[0].url: is missing"),
        ({"endpoints": [{"region": "us-east-1", "url": "http://example.org"}]}, "is not encrypted; write https://"),
        ({"endpoints": [{"region": "us-east-1", "url": "https://[::1"}]}, "is no address of an API"),
        ({"endpoints": [{"region": "us-east-1", "url": "https://u:p@example.org"}]}, "is no address of an API"),
        ({"endpoints": TWO, "recrod": "region.x.internal"}, "recrod: there is no such key; did you mean record?"),
        ({"endpoints": [{**TWO[0], "arn": "x"}]}, "endpoints[0].arn: there is no such key; the keys are region, url"),
        ({"endpoints": TWO, "source": "Me"}, "source: 'Me' is no source; write 1 to 32"),
        ({"endpoints": TWO, "record": "r.x.y", "domain": "x.y"}, "keep one of them"),
        ({"endpoints": TWO, "name_server": "10.0.0.2"}, "there is no record; add it"),
        ({"endpoints": TWO, "record": "r.x.y", "name_server": "dns.example"}, "is not a name server's address"),
        ({"endpoints": TWO, "regions": ["us-east-1"]}, "regions go with domain"),
        ({"endpoints": TWO, "workers": 0}, "workers: 0 does not fit"),
        ({"endpoints": TWO, "patience_seconds": -1}, "patience_seconds: -1 does not fit"),
        ({"endpoints": "x" * 200}, "endpoints: 'xxx"),
    ],
)
def test_a_mistake_is_told_with_what_to_type(values: dict[str, Any], told: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Configuration.of(values)
    assert told in caught.value.message
    assert caught.value.hint


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(Misconfigured) as caught:
        Configuration.of({"endpoints": [{"region": "x", "url": "y"}], "source": "Z"})
    assert caught.value.message.count("\n- ") == 3


@pytest.mark.parametrize(
    ("content", "told"), [(b"endpoints = [", "is not TOML"), (b"\xff", "is not UTF-8"), (None, "cannot be read")]
)
def test_a_file_that_is_none_is_told(content: bytes | None, told: str, tmp_path: Path) -> None:
    file = tmp_path / "client.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misconfigured, match=told):
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
def test_a_name_server_may_have_a_port(text: str, server: tuple[str, int]) -> None:
    assert parse_name_server(text) == server


@pytest.mark.parametrize("text", ["", "x", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "[::1", "1.2.3.4:x"])
def test_what_is_no_name_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="name server's address"):
        parse_name_server(text)


def test_an_endpoint_flag_needs_both_halves() -> None:
    with pytest.raises(Misconfigured, match="is not REGION=URL"):
        parse_endpoint_flag("https://example.org")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.property
@given(st.dictionaries(st.sampled_from([*Configuration.model_fields, "other"]), JSON | st.just(TWO), max_size=6))
def test_whatever_it_holds_is_taken_or_told(values: dict[str, Any]) -> None:
    try:
        Configuration.of(values)
    except Misconfigured as error:
        assert error.message.strip()
