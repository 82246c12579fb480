"""Test irregular, broken and hostile files: a bad record is rejected alone, an unreadable file as a whole."""

import gzip
import time
from decimal import Decimal
from typing import Any

import pytest
import zstandard

from handlers.processor.errors import Fault, UnreadableError
from unit_tests.handlers.processor.parse_file import take_in

MEBIBYTE = 1024 * 1024
zstd = zstandard.ZstdCompressor().compress
SKIPPABLE_FRAME = b"\x51\x2a\x4d\x18\x04\0\0\0abcd"
LINES = b'{"a":1}\n{"a":2}\n'
ONE, TWO, THREE = ({"a": Decimal(number)} for number in (1, 2, 3))


def numbers(*texts: str) -> bytes:
    """Return one record for each number."""
    return "".join(f'{{"n":{text}}}\n' for text in texts).encode()


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


# In an outcome a record is an accepted one, and a number is the line of a rejected one.
READABLE: dict[str, tuple[bytes, str, list[Any]]] = {
    # encodings
    "UTF-8 with a byte order mark": (b"\xef\xbb\xbf" + LINES, "x", [ONE, TWO]),
    "a byte order mark within gzip": (gzip.compress(b"\xef\xbb\xbfa,b\n1,2\n"), "x", [{"a": "1", "b": "2"}]),
    "two byte order marks": (b"\xef\xbb\xbf" * 2 + LINES, "x", [1, TWO]),
    "nothing but a byte order mark": (b"\xef\xbb\xbf", "x", []),
    "Latin-1 in one row": ("a,b\n1,é\n2,x\n".encode("latin-1"), "x.csv", [2, {"a": "2", "b": "x"}]),
    "Latin-1 in one line": ('{"a":"é"}\n{"a":2}\n'.encode("latin-1"), "x", [1, TWO]),
    "Latin-1 in one element": ('[{"a":"é"},\n{"a":2}]'.encode("latin-1"), "x", [1, TWO]),
    "a line of NUL bytes": (b'{"a":1}\n\0\0\n{"a":2}\n', "x", [ONE, 2, TWO]),
    "a NUL byte in a row is text": (b"a,b\n1,\0\n", "x.csv", [{"a": "1", "b": "\0"}]),
    "a NUL byte that is escaped is text": (b'{"a":"\\u0000"}\n{"a":2}\n', "x", [{"a": "\0"}, TWO]),
    "half a surrogate pair": (b'{"a":"\\ud800"}\n{"\\udfff":1}\n{"a":"\\ud83d\\ude00"}\n', "x", [1, 2, {"a": "😀"}]),
    # values
    "mixed types under one name": (
        b'{"a":1}\n{"a":"x"}\n{"a":null}\n{"a":[1,"1",1.50]}\n{"a":true}\n{"a":{"a":1}}\n',
        "x",
        [ONE, {"a": "x"}, {"a": None}, {"a": [Decimal(1), "1", Decimal("1.5")]}, {"a": True}, {"a": ONE}],
    ),
    "numbers that DynamoDB holds": (
        numbers("1" * 38, "1" + "0" * 60, "-0", "-0.0", "1E5", "1e-130", "9.9e125", "0e999999999", "1." + "0" * 5000),
        "x",
        [{"n": Decimal(text)} for text in ("1" * 38, "1" + "0" * 60, "0", "0", "100000", "1e-130", "9.9e125", "0", "1")],
    ),
    "numbers that it does not hold": (
        numbers("1" * 39, "0." + "1" * 39, "1e400", "-1e400", "1e-131", "9" * 5000, "1e99999999999999999999"),
        "x",
        [1, 2, 3, 4, 5, 6, 7],
    ),
    "numbers that are none in JSON": (
        numbers("007", "1.", ".5", "+1", "NaN", "Infinity", "-Infinity", "0x10", "1_000"),
        "x",
        [1, 2, 3, 4, 5, 6, 7, 8, 9],
    ),
    "numbers in CSV are text": (b"a,b\n007,1e400\n", "x.csv", [{"a": "007", "b": "1e400"}]),
    "33 levels": (nested(33) + b"\n" + LINES, "x", [1, ONE, TWO]),
    "33 levels of lists in an element": (b'[{"a":' + b"[" * 33 + b"]" * 33 + b'},\n{"a":1}]', "x", [1, ONE]),
    "empty records": (b"{}\n{}\n", "x", [{}, {}]),
    "an empty key": (b'{"":1}\n{"a":{"":1}}\n{"a":1}\n', "x", [1, 2, ONE]),
    "keys of white space": (b'{" ":1}\n{"\\t":2}\n', "x", [{" ": Decimal(1)}, {"\t": Decimal(2)}]),
    "a column of white space": (b" ,b\n1,2\n", "x.csv", [{" ": "1", "b": "2"}]),
    "a column without a name": (b"a,,b\n1,2,3\n\n4,5,6\n", "x.csv", [2, 4]),
    "an index as pandas writes it": (b",a,b\n0,1,2\n1,3,4\n", "x", [2, 3]),
    "an index as pandas writes it, in TSV": (b"\ta\tb\n0\t1\t2\n1\t3\t4\n", "x.tsv", [2, 3]),
    "an index as pandas writes it, in TSV that nothing names so": (b" \n\ta\tb\n0\t1\t2\n1\t3\t4\n", "x", [3, 4]),
    "an index and one column, in TSV named CSV": (b"\ta\n0\t1\n", "x.csv", [2]),
    "a header that is indented": (b"\r\n  a,b\r\n1,2\r\n", "x", [{"  a": "1", "b": "2"}]),
    "a name that is empty quotes": (b'"",a\r\n0,"1\r\n2"\r\n1,3\r\n', "x.csv", [2, 4]),
    "two columns without a name": (b",a,\n1,2,3\n", "x.csv", [2]),
    "no column with a name": (b",,\n1,2,3\n4\n", "x.csv", [2, 3]),
    "a column without a name, and no rows": (b",a\n", "x.csv", []),
    "keys that the table itself uses": (
        b'{"pk":"p","sk":"s","object_id":"o","record":1,"ordinal":2}\n{"B":"zz","M":{"B":"aGk="},"S":{"N":"1"}}\n',
        "x",
        [
            {"pk": "p", "sk": "s", "object_id": "o", "record": Decimal(1), "ordinal": Decimal(2)},
            {"B": "zz", "M": {"B": "aGk="}, "S": {"N": "1"}},
        ],
    ),
    "a key twice": (b'{"a":1,"a":1}\n{"x":{"a":1,"a":2}}\n{"a":1}\n', "x", [1, 2, ONE]),
    "an item over 400 KB": (b"a,b\n1," + b"x" * 420_000 + b"\n2,3\n", "x.csv", [2, {"a": "2", "b": "3"}]),
    # structure
    "nothing": (b"", "x.json", []),
    "white space": (b" \n\r\n\t", "x.csv", []),
    "a header alone": (b"a,b\n", "x.csv", []),
    "a header alone, without a line end, compressed": (gzip.compress(b"a,b"), "x.csv.gz", []),
    "an empty array": (b" [ \n ] ", "x", []),
    "an array of scalars": (b'[1,\n"a",\nnull,\ntrue,\n[1]]', "x", [1, 2, 3, 4, 5]),
    "a scalar": (b"null\n", "x.json", [1]),
    "blank lines": (b'\n\n{"a":1}\n\n \n{"a":2}\n\n', "x", [ONE, TWO]),
    "NDJSON that ends early": (LINES + b'{"a":', "x", [ONE, TWO, 3]),
    "CSV that ends early": (b"a,b\n1,2\n3", "x.csv", [{"a": "1", "b": "2"}, 3]),
    "two objects on a line": (b'{"a":1}{"a":2}\n{"a":3}\n', "x", [1, THREE]),
    "no comma between elements": (b'[{"a":1} {"a":2},\n{"a":3}]', "x", [1, THREE]),
    "ragged rows": (b"a,b\n1\n1,2\n1,2,3\n\n,\n", "x.csv", [2, {"a": "1", "b": "2"}, 4, {"a": "", "b": ""}]),
    "newlines within quotes": (b'a,b\r\n"1\r\n2",x\r\n3\r\n', "x.csv", [{"a": "1\r\n2", "b": "x"}, 4]),
    "newlines within quotes, in the header too": (b'"a\nx"\tb\n1\t2\n', "x", [{"a\nx": "1", "b": "2"}]),
    "newlines within quotes in every row": (b'a,b\n1,"x\ny"\n2,"x\ny"\n', "x", [{"a": n, "b": "x\ny"} for n in "12"]),
    "quotes that are out of place": (
        b'a,b\n1,5" pipe\n2,"x"y\n3,""""\n',
        "x.csv",
        [{"a": "1", "b": '5" pipe'}, 3, {"a": "3", "b": '"'}],
    ),
    "CRLF in NDJSON": (LINES.replace(b"\n", b"\r\n"), "x", [ONE, TWO]),
    "CR alone in NDJSON": (LINES.replace(b"\n", b"\r"), "x", [ONE, TWO]),
    "CR alone in CSV": (b"a,b\r1,2\r3\r", "x.csv", [{"a": "1", "b": "2"}, 3]),
    "CR alone where the file has LF": (b"a,b\n1,2\r3,4\n5,6\n", "x.csv", [2, {"a": "5", "b": "6"}]),
    # lengths
    "a line that is too long": (b'{"a":"' + b"x" * 5 * MEBIBYTE + b'"}\n{"a":1}\n', "x", [1, ONE]),
    "an element that is too long": (b'[{"a":"' + b"x" * 5 * MEBIBYTE + b'"},\n{"a":1}]', "x", [1, ONE]),
    "a row that is too long": (b"a,b\n1," + b"x" * 5 * MEBIBYTE + b"\n2,3\n", "x.csv", [2, {"a": "2", "b": "3"}]),
    "a row that is too long, with newlines in quotes": (
        b'a,b\n1,"' + b"x\n" * 3 * MEBIBYTE + b'"\n"2",3\n9\n',
        "x.csv",
        [2, {"a": "2", "b": "3"}, 4 + 3 * MEBIBYTE],
    ),
    "a record after more white space than is held": (LINES + b" " * 5 * MEBIBYTE + b'{"a":3}\n', "x", [ONE, TWO, 3]),
    "brackets within brackets": (b"[" * 90_000 + b"]" * 90_000, "x", [1]),
    "objects within objects": ((nested(50_000) + b"\n") * 2, "x", [1, 2]),
    # names that are wrong
    "CSV named JSON": (b"a,b\n1,2\n", "x.json", [{"a": "1", "b": "2"}]),
    "NDJSON named CSV": (LINES, "x.csv", [ONE, TWO]),
    "an array named CSV": (b'[{"a":1}]', "x.csv", [ONE]),
    "one object over many lines named CSV": (b'{\n  "a": 1\n}\n', "x.csv", [ONE]),
    "TSV named CSV": (b"a\tb\n1\t2\n", "x.csv", [{"a": "1", "b": "2"}]),
    # dialects
    "a bracketed word in the header": (b"[EUR] price,qty\n1,2\n", "x.csv", [{"[EUR] price": "1", "qty": "2"}]),
    "a bracketed word in the header, unnamed": (b"[EUR] price;qty\n1;2\n", "x", [{"[EUR] price": "1", "qty": "2"}]),
    "commas within the header's names": (
        b"Preis, netto;Preis, brutto\n10;12\n20;24\n",
        "x.csv",
        [{"Preis, netto": "10", "Preis, brutto": "12"}, {"Preis, netto": "20", "Preis, brutto": "24"}],
    ),
    "bars": (b"a|b\n1|2\n", "x.csv", [{"a": "1", "b": "2"}]),
    "a bar in a name of one column": (b"price|unit\n1\n2\n", "x.csv", [{"price|unit": "1"}, {"price|unit": "2"}]),
    "UTF-16": (LINES.decode().encode("utf-16"), "x", [ONE, TWO]),
    "UTF-16 of the other byte order": (b"\xfe\xff" + "a,b\n1,é😀\n".encode("utf-16-be"), "x", [{"a": "1", "b": "é😀"}]),
    "colours of a terminal": (b"a,b\n\x1b[31m1\x1b[0m,2\n", "x.csv", [{"a": "\x1b[31m1\x1b[0m", "b": "2"}]),
    "plain named gzip": (LINES, "x.json.gz", [ONE, TWO]),
    "zstd named gzip": (zstd(LINES), "x.gz", [ONE, TWO]),
    # compression
    "several gzip members, one record across two": (gzip.compress(LINES[:10]) + gzip.compress(LINES[10:]), "x", [ONE, TWO]),
    "several zstd frames, one to skip": (zstd(LINES[:10]) + SKIPPABLE_FRAME + zstd(LINES[10:]), "x", [ONE, TWO]),
    "gzip padded with zeros": (gzip.compress(LINES) + b"\0" * 1000, "x", [ONE, TWO]),
    "gzip of nothing": (gzip.compress(b""), "x.csv.gz", []),
}

UNREADABLE: dict[str, tuple[bytes, str, Fault]] = {
    "UTF-16 that ends within a character": (LINES.decode().encode("utf-16")[:-1], "x", Fault.BAD_ENCODING),
    "half of a surrogate pair in UTF-16": ("a,b\n1,".encode("utf-16") + b"\0\xd8", "x.csv", Fault.BAD_ENCODING),
    "columns that two delimiters split": (b"Preis, netto;Preis, brutto\n1,5;2,5\n", "x.csv", Fault.BAD_HEADER),
    "UTF-16 without a mark": (LINES.decode().encode("utf-16-be"), "x", Fault.BAD_ENCODING),
    "UTF-32": (b"a,b\n1,2\n".decode().encode("utf-32"), "x.csv", Fault.BAD_ENCODING),
    "ISO-2022-JP": ("名,額\n田中,1\n".encode("iso-2022-jp"), "x.csv", Fault.BAD_ENCODING),
    "ISO-2022-KR below the header": ("a,b\n1,값\n".encode("iso-2022-kr"), "x.csv", Fault.BAD_ENCODING),
    "Latin-1 in the header": ("a,é\n1,2\n".encode("latin-1"), "x.csv", Fault.BAD_HEADER),
    "any bytes": (bytes(range(1, 256)) * 20, "x.csv", Fault.BAD_ENCODING),
    "gzip within gzip": (gzip.compress(gzip.compress(LINES)), "x.json.gz", Fault.BAD_ENCODING),
    "zstd within gzip": (gzip.compress(zstd(LINES)), "x", Fault.BAD_ENCODING),
    "gzip with more after it": (gzip.compress(LINES) + b"more", "x", Fault.BAD_COMPRESSION),
    "zstd with more after it": (zstd(LINES) + b"more", "x", Fault.BAD_COMPRESSION),
    "gzip whose check fails": (gzip.compress(LINES)[:-8] + b"\0" * 8, "x", Fault.BAD_COMPRESSION),
    "HTML": (b"<html><body>Not found</body></html>", "x.csv", Fault.UNKNOWN_FORMAT),
    "HTML that is indented": (b"\n\t <html><body>a,b</body></html>\n1,2\n", "x.csv", Fault.UNKNOWN_FORMAT),
    "prose": (b"Once upon a time\nthere was a file.\n", "x.txt", Fault.UNKNOWN_FORMAT),
    "an array that ends early": (b'[{"a":1},{"a":2', "x", Fault.BAD_STRUCTURE),
    "an object that ends early": (b'{"a":1,"b":', "x", Fault.BAD_STRUCTURE),
    "an array with more after it": (b'[{"a":1}]x', "x", Fault.BAD_STRUCTURE),
    "a comma too many": (b'[{"a":1},]', "x", Fault.BAD_STRUCTURE),
    "brackets that never close": (b"[" * 3_000_000, "x", Fault.BAD_STRUCTURE),
    "a quote that never closes": (b'a,b\n1,"x\n2,3\n', "x.csv", Fault.BAD_STRUCTURE),
    "a quote that never closes, and no name": (b'"a,b\n1,2\n', "x", Fault.UNKNOWN_FORMAT),
    "two columns of one name": (b"a,a\n1,2\n", "x.csv", Fault.BAD_HEADER),
    "two columns of one name beside one without": (b"a,,a\n1,2,3\n", "x.csv", Fault.BAD_HEADER),
}


@pytest.mark.parametrize(("content", "name", "outcome"), READABLE.values(), ids=READABLE)
def test_readable_file_gives_the_expected_records(content: bytes, name: str, outcome: list[Any]) -> None:
    taken = take_in(content, key=f"incoming/{name}")
    assert taken.outcome == outcome
    assert all(one["reason"] for one in taken.rejections)
    assert all(one["excerpt"] for one in taken.rejections)


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        (",a,b", "column 1 of 3 has no name"),
        ("a,,b,", "columns 2, 4 of 4 have no name"),
        ("," * 11, "columns 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more of 12 have no name"),
    ],
)
def test_rejection_for_unnamed_columns_names_them_and_the_fix(header: str, subject: str) -> None:
    row = ",".join("x" * (header.count(",") + 1))
    rejections = take_in(f"{header}\n{row}\n{row}\n".encode(), key="incoming/x.csv").rejections
    assert [one["line"] for one in rejections] == [2, 3]
    for one in rejections:
        assert subject in one["reason"]
        assert "name every column" in one["reason"]
        assert one["excerpt"] == row


@pytest.mark.parametrize(("content", "name", "fault"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_file_raises_the_expected_fault(content: bytes, name: str, fault: Fault) -> None:
    with pytest.raises(UnreadableError) as caught:
        take_in(content, key=f"incoming/{name}")
    assert caught.value.fault is fault
    assert caught.value.explanation


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
@pytest.mark.parametrize("missing", [1, 4, 8, 20])
def test_compressed_file_that_ends_early_is_unreadable(compress: Any, missing: int) -> None:  # noqa: ANN401 - a function of bytes
    with pytest.raises(UnreadableError, match="bad_compression"):
        take_in(compress(LINES)[:-missing])


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'{"a' + b'\\"' * 40_000, "x"),
        (b'{"a":"' + b"\\\\" * 40_000, "x"),
        (b'{"' * 40_000, "x"),
        (b'"' * 39_999, "x"),
        (b"a," * 40_000 + b"a\n1\n", "x.csv"),
        (b"[" * 99_000, "x.csv"),
        (b'a,b\n"' + b'""' * 40_000, "x.csv"),
    ],
    ids=["escaped quotes", "backslashes", "strings", "quotes", "columns of one name", "brackets", "doubled quotes"],
)
def test_parsing_time_is_linear_in_the_length_of_the_file(content: bytes, name: str) -> None:
    began = time.process_time()
    with pytest.raises(UnreadableError):
        take_in(content, key=f"incoming/{name}")
    assert time.process_time() - began < 5  # seconds; a quadratic parser takes twenty and more
