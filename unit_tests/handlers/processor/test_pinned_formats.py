"""A prefix whose format, delimiter or encoding is set: the setting decides, and what contradicts it is unreadable."""

from typing import Any

import pytest

from handlers.processor.errors import Fault, UnreadableError
from handlers.processor.parsers.pins import Pin, pinned
from handlers.processor.version import processing_version
from unit_tests.handlers.processor.parse_file import take_in

_ROWS = "a,b;c\n1,2;3\n"


@pytest.mark.parametrize(
    ("entry", "content", "records"),
    [
        ("f=csv semicolon", _ROWS.encode(), [{"a,b": "1,2", "c": "3"}]),
        ("f=csv comma", _ROWS.encode(), [{"a": "1", "b;c": "2;3"}]),
        ("f=csv pipe", b"a|b\n1|2\n", [{"a": "1", "b": "2"}]),
        ("f=csv", b"a\n1\n2\n", [{"a": "1"}, {"a": "2"}]),
        ("f=csv", b"a\tb\n1\t2\n", [{"a": "1", "b": "2"}]),
        ("f=tsv", b"a,b\n1,2\n", [{"a,b": "1,2"}]),
        ("f=csv comma", b'{a},b\n1,"2"\n', [{"{a}": "1", "b": "2"}]),
        ("f=csv comma", b"[a]\n1\n", [{"[a]": "1"}]),
        ("f=csv comma", b"", []),
        ("f=csv comma", b"\xef\xbb\xbfa\n1\n", [{"a": "1"}]),
        ("f=ndjson", b'{"a":1}', [{"a": 1}]),
        ("f=ndjson", b'x\n{"a":1}\n', [1, {"a": 1}]),
        ("f=ndjson", b'[\n{"a":1}\n', [1, {"a": 1}]),
        ("f=json", b'[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}]),
        ("f=json", b' {"a":\n1}', [{"a": 1}]),
        ("f=csv iso-2022-jp", "名,額\n田中,1\n".encode("iso-2022-jp"), [{"名": "田中", "額": "1"}]),
        ("f=csv shift_jis", "名,額\nソ,1\n".encode("shift_jis"), [{"名": "ソ", "額": "1"}]),
        ("f=ndjson utf-16le", '{"a":"é"}\n'.encode("utf-16-le"), [{"a": "é"}]),
        ("f=ndjson windows-1252", '{"a":"é"}\n'.encode("utf-16"), [{"a": "é"}]),
        ("f=csv windows-1252", "\ufeffa,b\né,1\n".encode(), [{"a": "é", "b": "1"}]),
    ],
)
def test_file_is_read_as_its_prefix_is_set(entry: str, content: bytes, records: list[Any]) -> None:
    assert take_in(content, key="incoming/file", pin=pinned(entry, "incoming/file")).outcome == records


@pytest.mark.parametrize(
    ("entry", "content", "fault", "words"),
    [
        ("f=json", b"a,b\n1,2\n", Fault.UNKNOWN_FORMAT, "json"),
        ("f=csv comma", b'{"a":1,"b":2}\n{"a":3,"b":4}\n', Fault.UNKNOWN_FORMAT, "csv"),
        ("f=tsv", b'[{"a":1}]', Fault.UNKNOWN_FORMAT, "tsv"),
        ("f=csv utf-16be", b"\xd8\x00\x00a", Fault.BAD_ENCODING, "utf-16be"),
        ("f=csv shift_jis", b"a,b\n\x81", Fault.BAD_ENCODING, "shift_jis"),
        ("f=csv windows-1252", b"PK\x03\x04\0\0\0\0", Fault.BAD_ENCODING, "ZIP"),
    ],
)
def test_file_that_contradicts_its_prefix_is_unreadable(entry: str, content: bytes, fault: Fault, words: str) -> None:
    with pytest.raises(UnreadableError, match=words) as caught:
        take_in(content, key="incoming/file", pin=pinned(entry, "incoming/file"))
    assert caught.value.fault is fault


@pytest.mark.parametrize(
    ("key", "pin"),
    [
        ("incoming/bank/a.csv", Pin("csv", ";", None)),
        (f"incoming/uploads/acme/id/{'0' * 64}/bank/a.csv", Pin("csv", ";", None)),
        (f"incoming/uploads/canary/id/{'0' * 64}/bank/a.csv", None),
        ("incoming/bank/old/a.csv", Pin("csv", None, "shift_jis")),
        ("incoming/bank", None),
        ("incoming/x=y/1", Pin("ndjson", None, None)),
        ("incoming/uploads/bank/a.csv", None),
    ],
)
def test_longest_beginning_of_the_file_key_decides(key: str, pin: Pin | None) -> None:
    entries = "bank/=csv semicolon,bank/old/=csv shift_jis,x=y/=ndjson"
    assert pinned(entries, key) == pin
    assert pinned(",".join(reversed(entries.split(","))), key) == pin


def test_setting_of_formats_changes_the_processing_version() -> None:
    versions = [processing_version(formats) for formats in ("", "a=csv", "b=csv", "a=csv,b=csv")]
    assert len(set(versions)) == len(versions)
    assert all(len(one) == 16 for one in versions)
