"""Decompress a stream by its content, within a limit of size; a truncated stream is an error."""

import zlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import chain
from typing import Final

from handlers.processor.errors import Fault, UnreadableError


class Compression(StrEnum):
    """The compression of an object."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


_MAGIC_BYTES: Final = 4
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE: Final = b"\x2a\x4d\x18"
"""Follows a byte from 0x50 to 0x5F; a parallel compressor may write such a frame first."""

_GZIP_OUTPUT_BYTES: Final = 256 * 1024
_ZSTD_INPUT_BYTES: Final = 1024
"""A zstd block of four bytes may expand to 128 KiB, and the decompressor has no output limit, so it gets small inputs."""
_ZSTD_LARGEST_WINDOW: Final = 128 * 1024 * 1024
"""Bytes of memory that a frame may request; `zstd -d` allows the same."""


def expand(chunks: Iterable[bytes], *, maximum_bytes: int) -> tuple[Compression, Iterator[bytes]]:
    """Return the compression of a stream and its decompressed bytes.

    Args:
        chunks: The object's bytes.
        maximum_bytes: Largest decompressed size.

    Returns:
        The compression, and an iterator that raises UnreadableError when the compressed data is damaged, ends early
        or expands too far. The bytes that it yields before the error are not reliable.
    """
    beginning, stream = look_ahead(iter(chunks))
    if beginning.startswith(_GZIP):
        return Compression.GZIP, limited(_gunzip(stream), maximum_bytes)
    if beginning == _ZSTD or (beginning[1:] == _ZSTD_SKIPPABLE and beginning[0] >> 4 == 0x5):  # noqa: PLR2004
        return Compression.ZSTD, limited(_unzstd(stream), maximum_bytes)
    return Compression.NONE, limited(stream, maximum_bytes)


def look_ahead(stream: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first four bytes of a stream, or all of a shorter one, and the whole stream."""
    beginning = b""
    for chunk in stream:
        beginning += chunk
        if len(beginning) >= _MAGIC_BYTES:
            break
    return beginning[:_MAGIC_BYTES], chain([beginning], stream)


def limited(chunks: Iterable[bytes], maximum_bytes: int, total: int = 0) -> Iterator[bytes]:
    """Yield the chunks of a file; `total` bytes of it came before.

    Raises:
        UnreadableError: They are more than `maximum_bytes`.
    """
    for chunk in chunks:
        total += len(chunk)
        if total > maximum_bytes:
            raise UnreadableError(
                Fault.EXPANDS_TOO_FAR,
                f"the object expands to more than the {maximum_bytes} bytes allowed; split it into several files "
                "(or raise the limit in environments.toml)",
            )
        yield chunk


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    member = _new_gzip_member()
    has_begun = False  # whether any byte of the current member has been seen
    is_padding = False  # tapes and disks pad the file with zeros after the last member, and gzip ignores them
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if not has_begun:
                    unpadded = rest.lstrip(b"\0") if is_padding else rest
                    is_padding = is_padding and not unpadded
                    rest = unpadded
                    if not rest:
                        break
                has_begun = True
                yield member.decompress(rest, _GZIP_OUTPUT_BYTES)
                rest = member.unconsumed_tail
                if member.eof:
                    rest = member.unused_data
                    member, has_begun, is_padding = _new_gzip_member(), False, True
    except zlib.error as error:
        raise _broken("gzip", f"its data is damaged ({error})") from error
    if has_begun:
        raise _broken("gzip", "it ends early")


def _new_gzip_member() -> "zlib._Decompress":
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: a gzip header and its checksum


def _unzstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415 - few objects are zstd, and the import slows every cold start

    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_LARGEST_WINDOW)
    frame = decompressor.decompressobj()
    has_begun = False
    try:
        for chunk in chunks:
            for start in range(0, len(chunk), _ZSTD_INPUT_BYTES):
                rest = chunk[start : start + _ZSTD_INPUT_BYTES]
                while rest:
                    has_begun = True
                    yield frame.decompress(rest)
                    rest = b""
                    if frame.eof:
                        rest = frame.unused_data
                        frame, has_begun = decompressor.decompressobj(), False
    except zstandard.ZstdError as error:
        raise _broken("zstd", f"its data is damaged or needs too much memory ({error})") from error
    if has_begun:
        raise _broken("zstd", "it ends early")


def _broken(name: str, what: str) -> UnreadableError:
    return UnreadableError(
        Fault.BAD_COMPRESSION,
        f"the object is {name} data, but {what}; compress the file again and check it with `{name} -t`",
    )
