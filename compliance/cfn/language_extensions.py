"""Expand `AWS::LanguageExtensions` as CloudFormation does before it deploys: loops, JSON text, lengths and maps.

cfn-lint has such code too, but invents values for what the template does not say. Here, that is refused or left as it is.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from compliance.cfn.templates import Json
from compliance.cfn.values import is_absent

TRANSFORM: Final = "AWS::LanguageExtensions"
MAXIMUM_PARTS: Final = 100_000
"""Most parts of an expanded template: more than a template of 1 MiB can hold, and few enough to be built at once."""

_LOOP: Final = "Fn::ForEach::"
_VARIABLE: Final = re.compile(r"([$&])\{\s*([A-Za-z0-9]+)\s*\}")
_KEPT: Final = ("Mappings", "Parameters")
_POLICIES: Final = ("DeletionPolicy", "UpdateReplacePolicy")
_LISTS: Final = ("CommaDelimitedList", "List<", "AWS::SSM::Parameter::Value<List<")


class ExpansionError(ValueError):
    """Raised where the template alone does not decide its expansion. The message says which value, and what to do."""


@dataclass
class _Expansion:
    """One expansion: of a template, with the pseudo parameters that are known, and the values of the loops' names."""

    template: Mapping[str, Json]
    pseudo: Mapping[str, str]
    parts: int = 0
    loops: Mapping[str, str] = field(default_factory=dict)

    def expand(self, value: Json) -> Json:  # noqa: PLR0911 - one answer a form of value
        self.parts += 1
        if self.parts > MAXIMUM_PARTS:
            raise ExpansionError(f"its loops make more than {MAXIMUM_PARTS:,} parts; a template of 1 MiB holds fewer")
        match value:
            case str():
                return self._text(value)
            case list():
                return [self.expand(part) for part in value]
            case {"Ref": str(name)} if len(value) == 1 and name in self.loops:
                return self.loops[name]
            case {"Fn::Sub": str(text)} if len(value) == 1:
                made = self._text(text)
                return {"Fn::Sub": made} if "${" in made else made
            case {"Fn::FindInMap": list(keys)} if len(value) == 1:
                return self._found_in_map([self.expand(key) for key in keys])
            case {"Fn::ToJsonString": content} if len(value) == 1:
                return _as_json(self.expand(content))
            case {"Fn::Length": content} if len(value) == 1:
                return self._length(self.expand(content))
            case dict():
                return self._map(value)
        return value

    def _map(self, value: Mapping[str, Json]) -> dict[str, Json]:
        expanded: dict[str, Json] = {}
        for key, part in value.items():
            for name, each in self._loop(key, part) if key.startswith(_LOOP) else ((self._text(key), self.expand(part)),):
                if name in expanded:
                    raise ExpansionError(
                        f"{name!r} stands twice after the expansion of {key!r}; use the loop's name in the key"
                    )
                expanded[name] = self._default(each) if name in _POLICIES else each
        return expanded

    def _loop(self, key: str, loop: Json) -> Iterator[tuple[str, Json]]:
        match loop:
            case [str() | list() as names, collection, dict(body)]:
                names = names if isinstance(names, list) else [names]
                outer = self.loops
                for items in self._items(key, self.expand(collection), len(names)):
                    self.loops = {**outer, **dict(zip(names, items, strict=True))}
                    yield from self._map(body).items()
                self.loops = outer
            case _:
                raise ExpansionError(f"{key!r} is not a loop; write [name, [values], {{key: value}}]")

    def _items(self, key: str, collection: Json, width: int) -> Iterator[list[str]]:
        """Yield the values of a loop's names, one after the other."""
        values = self._default(collection)
        if not isinstance(values, list):
            _undecided(key, collection)
        for value in values:
            item = self._default(value)
            items = item if isinstance(item, list) else [item]
            if len(items) != width or any(isinstance(each, dict | list) or each is None for each in items):
                _undecided(key, value)
            yield [str(each).lower() if isinstance(each, bool) else str(each) for each in items]

    def _default(self, value: Json) -> Json:
        """Return what a reference to a parameter gives by default, and a map's value under such keys; else the value."""
        match value:
            case {"Ref": str(name)} if name in self.pseudo:
                return self.pseudo[name]
            case {"Ref": str(name)} if isinstance(declared := _section(self.template, "Parameters").get(name), dict):
                default = declared.get("Default")
                if isinstance(default, str) and str(declared.get("Type")).startswith(_LISTS):
                    return [part.strip() for part in default.split(",")]
                return value if default is None else str(default)
            case {"Fn::FindInMap": list(keys)}:
                return self._found_in_map([self._default(key) for key in keys], decides=True)
            case {"Fn::Split": [str(mark), content]} if isinstance(text := self._default(content), str):
                return text.split(mark)
        return value

    def _found_in_map(self, keys: list[Json], *, decides: bool = False) -> Json:
        """Return the value of a map; where a key is not known, the function. `decides`: a map of one key has no other."""
        found: Json = _section(self.template, "Mappings")
        for key in keys[:3]:
            known = self.pseudo.get(key["Ref"], key) if isinstance(key, dict) and set(key) == {"Ref"} else key
            if isinstance(known, dict) and decides and isinstance(found, Mapping) and len(found) == 1 and not keys[3:]:
                known = next(iter(found))
            if isinstance(known, dict | list):
                return {"Fn::FindInMap": keys}
            found = found.get(str(known)) if isinstance(found, Mapping) else None
        if found is None and len(keys) > 3 and isinstance(keys[3], dict):  # noqa: PLR2004 - a map, two keys, a default
            return keys[3].get("DefaultValue")
        return {"Fn::FindInMap": keys} if found is None else found

    def _length(self, content: Json) -> Json:
        values = self._default(content)
        return len(values) if isinstance(values, list) else {"Fn::Length": content}

    def _text(self, text: str) -> str:
        """Return a text with the values of the loops; `&{}` leaves out what a logical id cannot have."""

        def value(found: re.Match[str]) -> str:
            mark, name = found.groups()
            made = self.loops.get(name)
            if made is None:
                return found.group()
            return made if mark == "$" else re.sub(r"[^A-Za-z0-9]", "", made)

        return _VARIABLE.sub(value, text) if self.loops else text


def expand(template: Mapping[str, Json], pseudo: Mapping[str, str]) -> dict[str, Any]:
    """Return the template as CloudFormation deploys it, without loops. Parameters of loops have their default values.

    Args:
        template: The template; it is not changed.
        pseudo: The known values of pseudo parameters, for example of `AWS::Region`.

    Raises:
        ExpansionError: The template alone does not decide what a loop makes.
    """
    expansion = _Expansion(template, pseudo)
    return {
        name: each if name in _KEPT else expansion.expand(each) for name, each in template.items() if name != "Transform"
    }


def _section(template: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    section = template.get(name)
    return section if isinstance(section, Mapping) else {}


def _undecided(key: str, value: Json) -> NoReturn:
    raise ExpansionError(
        f"the template does not say what {key!r} loops over: {str(value)[:80]}; give the parameter a Default, or judge the "
        "expanded template: `aws cloudformation get-template --template-stage Processed`"
    )


def _as_json(content: Json) -> Json:
    """Return a value as JSON text; the functions in it are joined to the text, for CloudFormation computes them first."""
    pieces: list[Json] = []

    def text(value: Json) -> str:
        if isinstance(value, dict) and len(value) == 1 and str(next(iter(value))).startswith(("Ref", "Fn::")):
            pieces.append(value)
            return f'"\0{len(pieces) - 1}\0"'
        if isinstance(value, dict):
            return (
                "{"
                + ",".join(f"{json.dumps(str(key))}:{text(each)}" for key, each in value.items() if not is_absent(each))
                + "}"
            )
        if isinstance(value, list):
            return "[" + ",".join(text(each) for each in value if not is_absent(each)) + "]"
        return json.dumps(value)

    parts = text(content).split("\0")
    if len(parts) == 1:
        return parts[0]
    return {"Fn::Join": ["", [pieces[int(part)] if index % 2 else part for index, part in enumerate(parts)]]}
