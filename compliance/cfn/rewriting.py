"""Write a changed template into its text, JSON or YAML: what did not change stays as it was written."""

import json
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml  # type: ignore[import-untyped]

from compliance.cfn.loading import LoadError, parse
from compliance.cfn.templates import Json

_WIDE: Final = 1_000_000


class RewriteError(ValueError):
    """Raised for a text whose form does not let this change be written."""


class _Splice(NamedTuple):
    start: int
    end: int
    text: str


def rewritten(text: str, before: Json, after: Json, file: Path = Path("template")) -> str:
    """Return the text with one model changed into another.

    Args:
        text: The template as it was read.
        before: The model of `text`.
        after: The model that the result has.
        file: The file of the text, whose ending says whether it is JSON.

    Raises:
        RewriteError: The text cannot be changed in place.
    """
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        splices = list(_Writer(text).changes(root, before, after))
        changed = text
        # The last first, so that the positions hold; of what is inserted at one place, inner parts stand before outer ones.
        for (start, end, new), _ in sorted(
            zip(splices, count(), strict=False), key=lambda each: (each[0][:2], each[1]), reverse=True
        ):
            changed = changed[:start] + new + changed[end:]
        same = _text(parse(file, changed)) == _text(after)
    except RewriteError:
        raise
    except (yaml.YAMLError, LoadError, LookupError, ValueError) as error:
        raise RewriteError(f"{file}: cannot be changed in place ({error}); change it by hand") from error
    if not same:
        raise RewriteError(f"{file}: its layout does not let this change be written in place; change it by hand")
    return changed


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


class _Writer:
    """Finds the splices of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def changes(self, node: Any, before: Json, after: Json) -> Iterator[_Splice]:  # noqa: ANN401 - PyYAML has no types
        """Yield the splices that turn a node's value into another."""
        if _text(before) == _text(after):
            return
        is_plain = node.tag.startswith("tag:") and bool(node.value) and bool(after)
        if is_plain and isinstance(node, yaml.MappingNode) and isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from self._mapping(node, before, after)
        elif is_plain and isinstance(node, yaml.SequenceNode) and isinstance(before, list) and isinstance(after, list):
            yield from self._sequence(node, before, after)
        else:
            yield self._whole(node, after)

    def _whole(self, node: Any, after: Json) -> _Splice:  # noqa: ANN401
        end = self._end(node)
        is_block = isinstance(node, yaml.CollectionNode) and not node.flow_style
        is_below = is_block and node.start_mark.column > 0 and node.tag.startswith("tag:") and bool(after)
        if is_below and isinstance(after, Mapping | list):
            rendered = self._block(after, node.start_mark.column).lstrip()
        elif self._is_yaml(node) and not isinstance(after, Mapping | list):
            rendered = _scalar(after)
        else:
            rendered = self._flow(after, node.start_mark.index)
        return _Splice(node.start_mark.index, end, rendered)

    def _mapping(self, node: Any, before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[_Splice]:  # noqa: ANN401
        kept = [key.value in after for key, _ in node.value]
        added = {key: value for key, value in after.items() if key not in before}
        starts = [key.start_mark.index for key, _ in node.value]
        if not any(kept) or (not node.flow_style and not kept[0] and not self._begins_line(starts[0])):
            yield self._whole(node, after)
            return
        for (key, value), keeps in zip(node.value, kept, strict=True):
            if keeps:
                yield from self.changes(value, before[key.value], after[key.value])
        ends = [self._end(value) for _, value in node.value]
        yield from self._deletions(starts, ends, kept, is_flow=node.flow_style)
        last = max(index for index, keeps in enumerate(kept) if keeps)
        for key, value in added.items():
            if node.flow_style:
                name = json.dumps(key, ensure_ascii=False)
                yield self._beside(starts[last], ends[last], f"{name}: {self._flow(value, starts[last])}")
            else:
                block = self._block({key: value}, node.start_mark.column)
                yield self._after(ends[last], block)

    def _sequence(self, node: Any, before: list[Json], after: list[Json]) -> Iterator[_Splice]:  # noqa: ANN401
        matched = SequenceMatcher(None, [_text(each) for each in before], [_text(each) for each in after], autojunk=False)
        kept, inserted = [True] * len(before), list[tuple[int, Json]]()
        starts = [self._start_of_entry(each, is_flow=node.flow_style) for each in node.value]
        if not node.flow_style and not all(map(self._begins_line, starts)):
            yield self._whole(node, after)
            return
        for _, i, j, k, m in matched.get_opcodes():
            pairs = min(j - i, m - k)
            for offset in range(pairs):
                yield from self.changes(node.value[i + offset], before[i + offset], after[k + offset])
            kept[i + pairs : j] = [False] * (j - i - pairs)
            inserted += [(i + pairs - 1, value) for value in after[k + pairs : m]]
        if not any(kept) or any(index < 0 or not kept[index] for index, _ in inserted):
            raise RewriteError("an entry before all others; change it by hand")
        ends = [self._end(each) for each in node.value]
        yield from self._deletions(starts, ends, kept, is_flow=node.flow_style)
        for index, value in inserted:
            if node.flow_style:
                yield self._beside(starts[index], ends[index], self._flow(value, starts[index]))
            else:
                yield self._after(ends[index], self._block([value], starts[index] - self._line(starts[index])))

    def _deletions(self, starts: list[int], ends: list[int], kept: list[bool], *, is_flow: bool) -> Iterator[_Splice]:
        for index, keeps in enumerate(kept):
            if keeps:
                continue
            if is_flow and any(kept[:index]):
                yield _Splice(ends[index - 1], ends[index], "")
            elif is_flow:
                yield _Splice(starts[index], starts[index + 1], "")
            else:
                yield _Splice(self._line(starts[index]), self._next_line(ends[index]), "")

    def _beside(self, start: int, end: int, rendered: str) -> _Splice:
        """Return the insertion of a part after one of an object or a list in braces."""
        space = self._newline + self._indent(start) if self._begins_line(start) else " "
        return _Splice(end, end, f",{space}{rendered}")

    def _after(self, end: int, block: str) -> _Splice:
        position = self._next_line(end)
        ends_line = self._text[:position].endswith("\n")
        return _Splice(position, position, f"{block}{self._newline}" if ends_line else f"{self._newline}{block}")

    def _flow(self, value: Json, position: int) -> str:
        """Return a value in JSON, over several lines if the text around it is."""
        unit = self._unit()
        text = json.dumps(value, ensure_ascii=False, indent=unit)
        return text.replace("\n", self._newline + self._indent(position))

    def _unit(self) -> str | int | None:
        """Return the indentation of a JSON text; None where it has none, and in YAML."""
        if self._text.lstrip()[:1] != "{":
            return None
        second = self._text.partition("\n")[2]
        return second[: len(second) - len(second.lstrip(" \t"))] or None

    def _block(self, value: Json, column: int) -> str:
        lines = yaml.safe_dump(json.loads(json.dumps(value)), sort_keys=False, width=_WIDE, allow_unicode=True).splitlines()
        return self._newline.join(" " * column + line for line in lines)

    def _is_yaml(self, node: Any) -> bool:  # noqa: ANN401
        return self._text.lstrip()[:1] != "{" and not (isinstance(node, yaml.ScalarNode) and node.style == '"')

    def _end(self, node: Any) -> int:  # noqa: ANN401
        """Return the end of a node's last character: marks of blocks stand after the space that follows."""
        start, end = int(node.start_mark.index), int(node.end_mark.index)
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        return start + len(self._text[start:end].rstrip()) if end > start else end

    def _start_of_entry(self, node: Any, *, is_flow: bool) -> int:  # noqa: ANN401
        start: int = node.start_mark.index
        return start if is_flow else self._text.rindex("-", 0, start)

    def _line(self, position: int) -> int:
        return self._text.rfind("\n", 0, position) + 1

    def _next_line(self, position: int) -> int:
        found = self._text.find("\n", position)
        return len(self._text) if found < 0 else found + 1

    def _indent(self, position: int) -> str:
        line = self._text[self._line(position) : position]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _begins_line(self, position: int) -> bool:
        return not self._text[self._line(position) : position].strip(" \t")


def _scalar(value: Json) -> str:
    text: str = yaml.safe_dump(value, width=_WIDE, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
