"""Detect the format of a file by its content; its name decides only between formats that the content allows."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from handlers.processor.errors import Fault, Reject, UnreadableError
from handlers.processor.parsers.delimited import DELIMITERS, delimiters_in, split_row
from handlers.processor.parsers.pins import Pin
from handlers.processor.parsers.rows import rows
from handlers.processor.parsers.window import Window


class Format(StrEnum):
    """The format of a file's records."""

    EMPTY = "empty"
    NDJSON = "ndjson"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"


@dataclass(frozen=True)
class Layout:
    """A file's format, and the parameters of its parser."""

    format: Format
    line_end: bytes = b"\n"
    delimiter: str = ""
    """Only for CSV and TSV."""
    is_array: bool = False
    """Only for JSON."""


_COMPRESSED: Final = re.compile(r"\.(gz|gzip|zst|zstd)$", re.IGNORECASE)
_LINES_SEEN: Final = 100
"""Lines that are tried of a file that does not begin as valid JSON."""

_TABLE_NAMES: Final = frozenset({"csv", "tsv", "tab"})
_LINES_NAMES: Final = frozenset({"ndjson", "jsonl", "ldjson"})
_JSON_NAMES: Final = _LINES_NAMES | {"json"}

_BRACKETED_COLUMN: Final = re.compile(
    rb"\[(?!(?:true|false|null|NaN|Infinity)\b)[A-Za-z_][^\]\r\n{}\",]*\][^,;|\t\r\n\[\]{}\"]*([,;|\t\r\n])"
)
"""`[id],[name]` or `[EUR] price,quantity`: the header of a table."""
_MARKUP: Final = re.compile(rb"<(\?xml|!doctype|html|[a-z][\w:.-]*[\s/>])", re.IGNORECASE)
_BRACKET_OR_LINE: Final = re.compile(r"[\[\]{}\n]")
_JSON_STRUCTURE: Final = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?|[\[\]{}]', re.DOTALL)
"""Matches at every quote, so that an unterminated string is scanned once and not again from each quote in it."""


def tell_format(window: Window, object_key: str, pin: Pin | None = None) -> Layout:
    """Return the layout of a file.

    Args:
        window: Beginning of the file, without a byte order mark.
        object_key: Key of the object; its extension decides when the content could be two formats.
        pin: What the settings say of the file.

    Raises:
        UnreadableError: The file has none of the supported formats, or another one than is set.
    """
    text = window.text.lstrip()
    if not text:
        if window.is_whole_file:
            return Layout(Format.EMPTY)
        raise UnreadableError(Fault.UNKNOWN_FORMAT, f"the first {len(window.text)} bytes are white space")
    named = pin.format if pin else _extension(object_key)
    line_end = b"\r" if b"\n" not in window.text and b"\r" in text else b"\n"
    lines = [line for line in text.split(line_end, _LINES_SEEN)[:_LINES_SEEN] if line.strip()]
    found = (
        _pinned(text, lines, line_end, pin.format)
        if pin
        else _json(text, lines, line_end, named, is_whole_file=window.is_whole_file)
    )
    if found:
        return found
    indent = _indent(window.text, len(window.text) - len(text))
    return _table(indent + text, [indent + lines[0], *lines[1:]], line_end, named, pin.delimiter if pin else None)


def _json(text: bytes, lines: list[bytes], line_end: bytes, named: str, *, is_whole_file: bool) -> Layout | None:
    if text.startswith(b"{") and (named not in _TABLE_NAMES or _any_object(lines) or _begins_with_value(text)):
        return _objects(text, lines, line_end, named, is_whole_file=is_whole_file)
    if text.startswith(b"[") and not _is_bracketed_column(text, named):
        return _array_or_lines(text, lines, line_end, named, is_whole_file=is_whole_file)
    if named not in _TABLE_NAMES and (_any_object(lines) or (named in _JSON_NAMES and _is_value(lines[0]))):
        return Layout(Format.NDJSON, line_end)
    return None


def _pinned(text: bytes, lines: list[bytes], line_end: bytes, name: str) -> Layout | None:
    """Return the layout of a file whose format is set, or None for a table.

    Raises:
        UnreadableError: The file is JSON and should be a table, or the reverse.
    """
    seems_json = text.startswith((b"{", b"["))
    should_be_table = name in _TABLE_NAMES
    if should_be_table:
        is_other = _any_object(lines) or (seems_json and _begins_with_value(text))
    else:  # of NDJSON each line is judged alone
        is_other = name == Format.JSON and not seems_json
    if is_other:
        raise UnreadableError(
            Fault.UNKNOWN_FORMAT,
            f"the file is {'JSON' if should_be_table else 'not JSON'}, and `formats` in environments.toml sets {name} for "
            f"the beginning of its key; send {name}, or use another key",
        )
    if should_be_table:
        return None
    return Layout(Format.NDJSON, line_end) if name == Format.NDJSON else Layout(Format.JSON, is_array=text.startswith(b"["))


def _indent(text: bytes, position: int) -> bytes:
    """Return the white space before a position, on its line: in TSV a tab there is an empty first field."""
    return text[:position].splitlines(keepends=True)[-1] if position and text[position - 1] not in b"\r\n" else b""


def _is_bracketed_column(text: bytes, named: str) -> bool:
    """Return whether a table's header begins; a single column looks like an array, so the file's name decides."""
    column = _BRACKETED_COLUMN.match(text)
    return column is not None and (column.group(1) not in (b"\r", b"\n") or named in _TABLE_NAMES)


def _extension(object_key: str) -> str:
    name = _COMPRESSED.sub("", object_key.rsplit("/", 1)[-1])
    return name.rpartition(".")[2].lower() if "." in name else ""


def _objects(text: bytes, lines: list[bytes], line_end: bytes, named: str, *, is_whole_file: bool) -> Layout:
    """Distinguish NDJSON from one object, when the text begins with a brace.

    One object may span lines, and the first line of NDJSON may be broken. Two things distinguish them: where the first
    brace is closed, and whether other lines are objects themselves.
    """
    end = _end_of_first_value(text)
    if end is None and len(lines) == 1:  # a line longer than the window is taken for the first of several lines
        is_lines = named in _LINES_NAMES or not is_whole_file
    elif end is None or line_end in text[:end]:  # one object over many lines, unless a broken line continues into others
        is_lines = not _runs_over_lines(text, named, is_whole_file=is_whole_file) and _hold_objects(lines)
    else:
        is_lines = named in _LINES_NAMES or not (is_whole_file and len(lines) == 1)
    return Layout(Format.NDJSON, line_end) if is_lines else Layout(Format.JSON)


def _array_or_lines(text: bytes, lines: list[bytes], line_end: bytes, named: str, *, is_whole_file: bool) -> Layout:
    """Distinguish an array from NDJSON whose first line is an array, or begins one, and so is a bad record."""
    is_lines = False
    if len(lines) > 1 and _is_value(lines[0]):
        is_lines = named in _LINES_NAMES or lines[1].lstrip().startswith(b"{")
    elif named in _LINES_NAMES:
        is_lines = _any_object(lines[1:]) and not _runs_over_lines(text, named, is_whole_file=is_whole_file)
    return Layout(Format.NDJSON, line_end) if is_lines else Layout(Format.JSON, is_array=True)


def _table(text: bytes, lines: list[bytes], line_end: bytes, named: str, delimiter: str | None = None) -> Layout:
    if _MARKUP.match(lines[0].lstrip()):
        raise UnreadableError(Fault.UNKNOWN_FORMAT, "the file begins as XML or HTML does (an error page, perhaps?)")
    delimiter = delimiter or _delimiter(text, _header(lines, line_end), line_end, named)
    if named not in _TABLE_NAMES and not _has_rows(text, delimiter, line_end):
        raise UnreadableError(
            Fault.UNKNOWN_FORMAT,
            "the file is not JSON (its first character is neither '{' nor '[') and its content is not recognised as CSV or "
            "TSV (a header, and a row with as many fields, two or more). For a file of one column, or of only a header, "
            "use a name that ends in .csv or .tsv",
        )
    return Layout(Format.TSV if delimiter == "\t" else Format.CSV, line_end, delimiter)


def _delimiter(text: bytes, header: bytes, line_end: bytes, named: str) -> str:
    """Return the delimiter of a table: of several that its header holds, the one that splits most rows as the header.

    Raises:
        UnreadableError: Two delimiters split the rows equally well.
    """
    found = delimiters_in(header, (*DELIMITERS, "|") if named in _TABLE_NAMES else DELIMITERS)
    if named in {"tsv", "tab"} and ("\t" in found or "," not in found):
        return "\t"
    if len(found) < 2 and found != ["|"]:  # noqa: PLR2004 - there is nothing to choose
        return (found or [","])[0]
    shares = {delimiter: _share_of_even_rows(text, delimiter, line_end) for delimiter in found}
    best = [delimiter for delimiter in found if shares[delimiter] == max(shares.values())]
    if not shares[best[0]]:  # only a header, or no row fits it
        return best[0] if best != ["|"] else ","
    if len(best) > 1:
        listed = " or ".join(map(repr, best))
        raise UnreadableError(
            Fault.BAD_HEADER,
            f"the columns may be separated by {listed}: each splits the rows as it splits the header. Quote the fields that "
            "hold a delimiter, or set the delimiter of such keys by `formats` in environments.toml",
        )
    return best[0]


def _share_of_even_rows(text: bytes, delimiter: str, line_end: bytes) -> float:
    """Return the share of the first rows that have as many fields as the header."""
    width, *widths = [_field_count(row, delimiter) for row in _first_rows(text, delimiter, line_end)] or [0]
    return widths.count(width) / len(widths) if widths and width > 1 else 0.0


def _header(lines: list[bytes], line_end: bytes) -> bytes:
    """Return the first row: the first line, and the lines that its quoted fields continue on."""
    header = lines[0]
    for line in lines[1:]:
        if header.count(b'"') % 2 == 0:
            return header
        header += line_end + line
    return header if header.count(b'"') % 2 == 0 else lines[0]


def _has_rows(text: bytes, delimiter: str, line_end: bytes) -> bool:
    counts = [_field_count(row, delimiter) for row in _first_rows(text, delimiter, line_end)]
    return counts[:1] > [1] and counts[0] in counts[1:]


def _first_rows(text: bytes, delimiter: str, line_end: bytes) -> Iterator[bytes]:
    with suppress(UnreadableError):  # the window may end within quotes; if the file does too, its parser reports it
        for row in islice(rows([text], delimiter=delimiter.encode(), line_end=line_end), _LINES_SEEN):
            yield row.text


def _field_count(row: bytes, delimiter: str) -> int:
    try:
        return len(split_row(row.decode("utf-8", errors="replace"), delimiter))
    except Reject:
        return 0


def _any_object(lines: list[bytes]) -> bool:
    return any(line.lstrip().startswith(b"{") and isinstance(_value(line), dict) for line in lines)


def _hold_objects(lines: list[bytes]) -> bool:
    """Return whether any line after the first is an object, or at least two lines look like objects."""
    looking_so = sum(1 for line in lines if line.lstrip().startswith(b"{") and line.rstrip().endswith(b"}"))
    return looking_so > 1 or _any_object(lines[1:])


def _begins_with_value(text: bytes) -> bool:
    """Return whether a text begins with a JSON value, on one line or many, complete or cut off."""
    end = _end_of_first_value(text)
    return _is_cut_off(text) if end is None else _is_value(text[:end])


def _runs_over_lines(text: bytes, named: str, *, is_whole_file: bool) -> bool:
    """Return whether a text begins with one value; if only its end is missing, the file's name decides."""
    end = _end_of_first_value(text)
    if end is not None:
        return _is_value(text[:end])
    return not (named in _LINES_NAMES and is_whole_file) and _is_cut_off(text)


def _is_cut_off(text: bytes) -> bool:
    """Return whether a text is JSON that only lacks its end."""
    decoded = text.decode("utf-8", errors="replace")
    try:
        json.loads(decoded, parse_int=float)
    except RecursionError:
        return True
    except json.JSONDecodeError as error:
        # The text after the parser's position is empty, or the beginning of a string, a number or a word.
        return error.msg.startswith("Unterminated string") or not _BRACKET_OR_LINE.search(decoded, error.pos)
    return False


def _is_value(text: bytes) -> bool:
    return _value(text) is not _NO_VALUE


_NO_VALUE: Final = object()


def _value(text: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(text.decode("utf-8", errors="replace"), parse_int=float)
    except RecursionError:
        return {}  # text that is nested so deep is JSON
    except ValueError:
        return _NO_VALUE


def _end_of_first_value(text: bytes) -> int | None:
    """Return the position where all brackets of the text's first value are closed; None if they never are."""
    depth = 0
    for match in _JSON_STRUCTURE.finditer(text):
        byte = text[match.start()]
        if byte in b"[{":
            depth += 1
        elif byte in b"]}":
            depth -= 1
            if depth == 0:
                return match.end()
    return None
