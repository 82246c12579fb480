"""Decode a file to UTF-8, by its byte order mark or a known encoding; the error names the type of any other file."""

import codecs
import re
from collections.abc import Iterator
from typing import Final

from handlers.processor.errors import Fault, UnreadableError
from handlers.processor.parsers.compression import look_ahead

UTF8_MARK: Final = b"\xef\xbb\xbf"

_SEND_UTF8: Final = "send UTF-8 or marked UTF-16 text: NDJSON, a JSON array or object, CSV or TSV; plain, gzip or zstd"

_UTF32_MARKS: Final = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
"""The first begins with a mark of UTF-16."""
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_OTHER_FILES: Final = (
    (b"\x1f\x8b", "gzip data within compressed data: it was compressed twice"),
    (b"\x28\xb5\x2f\xfd", "zstd data within compressed data: it was compressed twice"),
    (b"PK\x03\x04", "a ZIP archive, or an Office document such as XLSX, whose rows can be exported as CSV"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"BZh", "bzip2 data, which can be recompressed with gzip or zstd"),
    (b"\xfd7zXZ\0", "xz data, which can be recompressed with gzip or zstd"),
    (b"\x04\x22\x4d\x18", "lz4 data, which can be recompressed with gzip or zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"%PDF-", "a PDF document"),
    (b"PAR1", "a Parquet file, whose rows can be written as NDJSON"),
    (b"Obj\x01", "an Avro file, whose records can be written as NDJSON"),
    (b"ORC", "an ORC file, whose rows can be written as NDJSON"),
    (b"ARROW1\0\0", "an Arrow file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
)
_ISO_2022: Final = re.compile(rb"\x1b(\$[@AB]|\$[()*+][@-Q]|\([IJ])")
"""Escape sequences of ISO-2022-JP, -KR and -CN (RFC 1468, 1557, 1922), whose bytes are all ASCII."""
SET_ENCODING: Final = "or set the encoding of such keys by `formats` in environments.toml"
_TEXT_CONTROLS: Final = b"\t\n\r\f\v\x1b"
_BINARY_BYTES: Final = bytes(byte for byte in range(0x20) if byte not in _TEXT_CONTROLS)
_LINE_END: Final = re.compile(rb"[\r\n]")
_LOOKED_AT_BYTES: Final = 4096
_LONGEST_CHARACTER: Final = 4
"""Bytes."""


def as_utf8(chunks: Iterator[bytes], encoding: str | None = None) -> tuple[bool, Iterator[bytes]]:
    """Return whether a stream is decoded, and the stream as UTF-8, with a byte order mark if it is decoded.

    Args:
        chunks: The stream.
        encoding: Its encoding where it has no byte order mark of UTF-8 or UTF-16; None for UTF-8.
    """
    beginning, stream = look_ahead(chunks)
    if beginning.startswith(_UTF16_MARKS) and not beginning.startswith(_UTF32_MARKS):
        encoding = "utf-16"
    elif beginning.startswith(UTF8_MARK):
        encoding = None
    return encoding is not None, _decoded(stream, encoding) if encoding else stream


def _decoded(stream: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    yield UTF8_MARK
    try:
        for chunk in stream:
            yield decoder.decode(chunk).encode()
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        why = error.reason if isinstance(error, UnicodeDecodeError) else error
        known = "has the byte order mark of UTF-16" if encoding == "utf-16" else f"should be {encoding} by its prefix"
        raise UnreadableError(Fault.BAD_ENCODING, f"the file {known}, but is not ({why}); {_SEND_UTF8}") from error


def check_encoding(beginning: bytes) -> None:
    """Refuse a file that is not UTF-8 text, by the marks and magic numbers of other types of file.

    Args:
        beginning: The file's first bytes, decompressed.

    Raises:
        UnreadableError: Names the type that the file seems to have.
    """
    if beginning.startswith(_UTF32_MARKS):
        raise UnreadableError(Fault.BAD_ENCODING, f"the file is UTF-32 text (by its byte order mark); {_SEND_UTF8}")
    for magic, name in _OTHER_FILES:
        if beginning.startswith(magic) and (_has_binary_bytes(beginning) or not _is_utf8(beginning)):
            raise UnreadableError(Fault.BAD_ENCODING, f"the file is {name}; {_SEND_UTF8}")
    if 0 in beginning[:4]:
        raise UnreadableError(
            Fault.BAD_ENCODING,
            f"its first characters hold zero bytes, as UTF-16 and UTF-32 text do; {_SEND_UTF8}; {SET_ENCODING}",
        )
    if _ISO_2022.search(beginning):
        raise UnreadableError(
            Fault.BAD_ENCODING,
            f"it holds escape sequences of ISO-2022 text, such as ISO-2022-JP; {_SEND_UTF8}; {SET_ENCODING}",
        )
    # In JSON a bad byte affects one record and not the file; the first line of a table must be valid.
    is_json = beginning.lstrip()[:1] in (b"{", b"[")
    if not is_json and _has_binary_bytes(_LINE_END.split(beginning.lstrip(), 1)[0]):
        raise UnreadableError(
            Fault.BAD_ENCODING, f"its first line holds bytes that no text holds, such as NUL; {_SEND_UTF8}"
        )


def _has_binary_bytes(beginning: bytes) -> bool:
    looked_at = beginning[:_LOOKED_AT_BYTES]
    return len(looked_at.translate(None, _BINARY_BYTES)) != len(looked_at)


def _is_utf8(beginning: bytes) -> bool:
    looked_at = beginning[:_LOOKED_AT_BYTES]
    try:
        looked_at.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(looked_at) - _LONGEST_CHARACTER  # these bytes may end within a character
    return True
