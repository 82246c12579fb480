"""Split a JSON text into its elements, by its brackets and strings only.

A JSON library stops at the first error, and everything after it is lost. Splitting by structure first, and parsing each
element separately, makes one bad element one rejected record. The splitter holds at most one element in memory.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from typing import Final

from handlers.processor.errors import Fault, UnreadableError
from handlers.processor.parsers.json_values import parse_record
from handlers.processor.parsers.records import FIRST, MAXIMUM_RECORD_BYTES, Outcome, Position, RawRecord
from handlers.processor.parsers.usual import usual_object

WHITE_SPACE: Final = b" \t\r\n"

_STRUCTURE: Final = re.compile(rb'["\[\]{},]')
_IN_STRING: Final = re.compile(rb'["\\]')
_NOT_WHITE_SPACE: Final = re.compile(rb"[^ \t\r\n]")
_BETWEEN_OBJECTS: Final = re.compile(rb"}[ \t\r\n]*,[ \t\r\n]*(?={)")
_CLOSER_OF: Final = {ord("["): ord("]"), ord("{"): ord("}")}
_DEEPEST: Final = 100_000

_QUOTE, _BACKSLASH, _COMMA, _BRACE = b'"\\,{'
_LONGEST_USUAL: Final = 16_384
"""Bytes in which the end of a usual object is looked for."""
_LONGEST_PAUSE: Final = 64
"""Elements that are split exactly before a usual one is looked for again, so that unusual files do not take more time."""


def json_array(chunks: Iterable[bytes], position: Position = FIRST) -> Iterator[Outcome]:
    """Yield every element of an array that is the whole text, from `position` on, the beginning of an element.

    Raises:
        UnreadableError: The array's structure is broken, or it ends early.
    """
    return _Splitter(elements_at_depth=1, position=position).split(chunks)


def json_object(chunks: Iterable[bytes], position: Position = FIRST) -> Iterator[Outcome]:
    """Yield the one object that is the whole text, from `position` on, its beginning.

    Raises:
        UnreadableError: The object's structure is broken, or it ends early.
    """
    return _Splitter(elements_at_depth=0, position=position).split(chunks)


class _Splitter:
    """Splits a text into the elements of its array (at depth 1) or takes its one value as an element (at depth 0)."""

    def __init__(self, *, elements_at_depth: int, position: Position) -> None:
        self._base = elements_at_depth
        is_within = elements_at_depth > 0 and position.start > 0
        self._open = bytearray(b"]" if is_within else b"")  # the expected closing brackets, innermost last
        self._start = position.start  # of the chunk
        self._in_string = False
        self._skip_next = False  # a backslash was the last byte seen
        self._line = position.line
        self._is_done = False
        self._element = _Element()
        self._has_elements = is_within
        self._pause = 0  # the length of the last pause after an element that was not usual
        self._to_pause = 0

    def split(self, chunks: Iterable[bytes]) -> Iterator[Outcome]:
        for chunk in chunks:
            yield from self._feed(chunk)
            self._start += len(chunk)
        if not self._is_done:
            where = "inside a string" if self._in_string else f"with {len(self._open)} brackets open"
            raise _broken(f"it ends early, on line {self._line} {where}: the file seems to be cut off")

    def _feed(self, chunk: bytes) -> Iterator[Outcome]:
        kept = 0  # the bytes before this position belong to an element already, or to none
        position = 0
        while not self._is_done:
            found = self._next(chunk, position)
            if found < 0:
                self._keep(chunk, kept, len(chunk))
                return
            position = found + 1
            if self._ends_element(chunk[found]):
                end = position if self._base == 0 else found  # a brace is part of its object, a comma is not
                self._keep(chunk, kept, end)
                yield from self._finish_element()
                kept = end
            if self._is_between_elements(chunk[found]):
                self._skip(chunk, kept, position)
                kept = position
                if not self._is_done:
                    kept = position = yield from self._usual_objects(chunk, position)
        self._refuse_text(chunk, position)

    def _usual_objects(self, chunk: bytes, start: int) -> Generator[Outcome, None, int]:
        """Yield the usual objects that begin at a position between two elements; return the position after them.

        Text that is one whole JSON object is an element by itself: its brackets are closed at its end and not before.
        """
        if self._to_pause:
            self._to_pause -= 1
            return start
        begin = _NOT_WHITE_SPACE.search(chunk, start)
        if not begin or chunk[begin.start()] != _BRACE:
            return start
        first = begin.start()
        self._skip(chunk, start, first)
        while found := _end_of_object(chunk, first):
            text = chunk[first : found.start() + 1]
            value = usual_object(text)
            if value is None:
                break
            yield Outcome(RawRecord(self._line, text, self._start + first), parse_record, value)
            self._has_elements, self._pause = True, 0
            self._skip(chunk, first, found.end())
            first = found.end()
        self._to_pause = self._pause
        self._pause = min(_LONGEST_PAUSE, 2 * self._pause + 1)
        return first

    def _ends_element(self, byte: int) -> bool:
        """Process a structural byte; return whether an element ends before it (or, at depth 0, with it)."""
        if byte == _QUOTE:
            self._in_string = not self._in_string
        elif byte in _CLOSER_OF:
            self._push(_CLOSER_OF[byte])
        elif byte == _COMMA:
            return len(self._open) == self._base == 1
        else:
            self._pop(byte)
            self._is_done = not self._open
        return self._is_done

    def _is_between_elements(self, byte: int) -> bool:
        """Return whether a processed byte is the array's own bracket or comma, and so part of no element."""
        if self._base == 0 or self._in_string or byte == _QUOTE:
            return False
        depth = len(self._open)
        if byte == _COMMA:
            return depth == 1
        return (byte in _CLOSER_OF and depth == 1) or self._is_done

    def _next(self, chunk: bytes, position: int) -> int:
        """Return the position of the next structural byte, or -1."""
        if self._in_string:
            if self._skip_next and position < len(chunk):
                self._skip_next = False
                position += 1
            while (match := _IN_STRING.search(chunk, position)) and chunk[match.start()] == _BACKSLASH:
                position = match.end() + 1
                self._skip_next = position > len(chunk)
            return match.start() if match else -1
        match = _STRUCTURE.search(chunk, position)
        return match.start() if match else -1

    def _push(self, closer: int) -> None:
        if len(self._open) >= _DEEPEST:
            raise _broken(f"line {self._line} is nested deeper than {_DEEPEST} levels")
        self._open.append(closer)

    def _pop(self, closer: int) -> None:
        if not self._open or self._open[-1] != closer:
            raise _broken(f"{chr(closer)!r} near line {self._line} closes nothing that is open")
        self._open.pop()

    def _keep(self, chunk: bytes, start: int, end: int) -> None:
        self._line += self._element.add(chunk[start:end], self._line, self._start + start)

    def _skip(self, chunk: bytes, start: int, end: int) -> None:
        self._line += chunk.count(b"\n", start, end)

    def _finish_element(self) -> Iterator[Outcome]:
        element, self._element = self._element, _Element()
        if not element.is_blank:
            self._has_elements = True
            yield Outcome(element.finish(), parse_record)
        elif self._has_elements or not self._is_done:  # otherwise the array is empty
            raise _broken(f"a comma on line {self._line} has no value before or after it")

    def _refuse_text(self, chunk: bytes, position: int) -> None:
        extra = _NOT_WHITE_SPACE.search(chunk, position)
        if extra:
            self._skip(chunk, position, extra.start())
            raise _broken(f"there is more after its end, on line {self._line}")
        self._skip(chunk, position, len(chunk))


def _end_of_object(chunk: bytes, first: int) -> re.Match[bytes] | None:
    """Return the first text between two objects before which as many braces are closed as opened; None if it is far."""
    depth, start, limit = 0, first, first + _LONGEST_USUAL
    while found := _BETWEEN_OBJECTS.search(chunk, start, limit):
        end = found.start() + 1
        depth += chunk.count(b"{", start, end) - chunk.count(b"}", start, end)
        if depth == 0:
            return found
        start = end
    return None


class _Element:
    """The text of one element, collected from chunks, without leading white space."""

    __slots__ = ("_line", "_parts", "_size", "_start")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._line = 0
        self._start = 0

    @property
    def is_blank(self) -> bool:
        return self._size == 0

    def add(self, text: bytes, line: int, start: int) -> int:
        """Add text that begins on `line` and at `start`; return the number of line ends in it."""
        if self._size == 0:
            stripped = text.lstrip(WHITE_SPACE)
            self._line = line + text.count(b"\n", 0, len(text) - len(stripped))
            self._start = start + len(text) - len(stripped)
            kept = stripped
        else:
            kept = text
        if self._size <= MAXIMUM_RECORD_BYTES:
            self._parts.append(kept)
        self._size += len(kept)
        return text.count(b"\n")

    def finish(self) -> RawRecord:
        text = b"".join(self._parts)
        if self._size > MAXIMUM_RECORD_BYTES:
            return RawRecord(self._line, text[:MAXIMUM_RECORD_BYTES], self._start, is_too_long=True)
        return RawRecord(self._line, text.rstrip(WHITE_SPACE), self._start)


def _broken(what: str) -> UnreadableError:
    return UnreadableError(
        Fault.BAD_STRUCTURE,
        f"the JSON cannot be split into records: {what}. Send one whole array or object, "
        "or NDJSON (one object a line), where only bad lines are rejected",
    )
