"""Conversion of validation errors into problems that show what to type."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from infra.settings.contradictions import CONTRADICTION, Contradiction
from infra.settings.errors import Problem, closest, shown, shown_key
from infra.settings.settings import Settings
from infra.settings.sources import KeyPath, Layered, Source

_WRONG: Final = {
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
    "literal_error": "is not one of the allowed values",
    "enum": "is not one of the allowed values",
    "string_pattern_mismatch": "does not have the form of this setting",
    "string_too_long": "is too long",
    "string_unicode": "has characters that are not Unicode",
}
_NOT_A: Final = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "string_type": "text, in quotes",
    "tuple_type": "a list",
    "mapping_type": "a table",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a decimal number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a table"),
    (dt.date, "a date"),
    (dt.time, "a time"),
)
BUILT_IN: Final = "the built-in default"
SWITCH: Final = {"true": True, "false": False}
"""The two values of a Boolean setting in TOML, and so on the command line."""


@dataclass(frozen=True)
class Diagnosis:
    """Converts validation errors, with the sources of the values.

    Attributes:
        layered: The validated settings.
        fallback: Where to write a setting that no source sets.
    """

    layered: Layered
    fallback: Source

    def problems(self, error: ValidationError) -> Iterator[Problem]:
        """Yield one problem for each wrong setting, even if it has several errors."""
        details = [detail for detail in error.errors(include_url=False) if detail["type"] != CONTRADICTION]
        by_setting = groupby(sorted(details, key=_setting_of), key=_setting_of)
        for path, found in by_setting:
            yield self._problem(path, list(found))

    def contradiction(self, found: Contradiction) -> Problem:
        """Return the problem of settings that contradict each other."""
        path = tuple(found.keys[0].split("."))
        source = self.layered.sources.get(path)
        return Problem(
            key=shown_key(path),
            source=source.label if source else BUILT_IN,
            value=shown(_value_at(self.layered.values, path) if source else _known(path).default),
            wrong=found.wrong,
            allowed=found.allowed,
            type_this=(source or self.fallback).line(path, found.instead),
        )

    def _problem(self, path: KeyPath, details: list[ErrorDetails]) -> Problem:
        table, field = _field_at(path)
        if field is None:
            return self._unknown(path, table)
        if details[0]["type"] == "missing":
            return self._missing(path, field)
        source = self.layered.sources[path]
        value = _value_at(self.layered.values, path)
        return Problem(
            key=shown_key(path),
            source=source.label,
            value=shown(value),
            wrong="; ".join(dict.fromkeys(_wrong(detail, len(path)) for detail in details)),
            allowed=_allowed(field),
            type_this=self._instead(path, field, value, source),
        )

    def _instead(self, path: KeyPath, field: FieldInfo, value: object, source: Source) -> str:
        below = table_of(field)
        if below is None:
            return source.line(path, _repaired(field, value))
        name, first = next(iter(below.model_fields.items()))
        return source.line((*path, name), _example(first))

    def _missing(self, path: KeyPath, field: FieldInfo) -> Problem:
        source = self.layered.sources[path[:-1]]
        return Problem(
            key=shown_key(path),
            source=source.label,
            value="(nothing)",
            wrong=f"{shown_key(path[:-1])} is set and needs this too",
            allowed=_allowed(field),
            type_this=source.line(path, _example(field)),
        )

    def _unknown(self, path: KeyPath, table: type[BaseModel]) -> Problem:
        source = self.layered.sources[path]
        value = _value_at(self.layered.values, path)
        meant = _meant(path, table)
        siblings = ", ".join(name for name in table.model_fields if (*path[:-1], name) != ("environment",))
        return Problem(
            key=shown_key(path),
            source=source.label,
            value=shown(value),
            wrong="the setting is unknown" + (f"; did you mean {shown_key(meant)}?" if meant else ""),
            allowed=f"the keys here are {siblings}",
            type_this=source.line(meant, _repaired(_known(meant), value)) if meant else source.without(path),
        )


def every_setting(table: type[BaseModel] = Settings, at: KeyPath = ()) -> Iterator[tuple[KeyPath, FieldInfo]]:
    """Yield every setting that has a value, with its path; a table yields its settings and not itself."""
    for name, field in table.model_fields.items():
        path = (*at, name)
        if path == ("environment",):
            continue  # the name of the table sets it
        if below := table_of(field):
            yield from every_setting(below, path)
        else:
            yield path, field


def from_text(path: KeyPath, value: object) -> object:
    """Convert the text of the command line to the type of the setting."""
    field = next((field for setting, field in every_setting() if setting == path), None)
    if field is None or not isinstance(value, str):
        return value
    if bool in (field.annotation, *get_args(field.annotation)):
        return SWITCH.get(value, value)
    if int in (field.annotation, *get_args(field.annotation)) and re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        return int(value)
    if get_origin(field.annotation) is tuple:
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def table_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that is a table; None for a field with a value."""
    candidates: Iterable[Any] = (field.annotation, *get_args(field.annotation))
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)), None)


def _setting_of(detail: ErrorDetails) -> KeyPath:
    """Return the setting of an error: an item of a list or of a table with free keys belongs to that setting."""
    path: KeyPath = ()
    table: type[BaseModel] | None = Settings
    for part in detail["loc"]:
        if table is None:
            break
        path = (*path, str(part))
        field = table.model_fields.get(str(part))
        table = table_of(field) if field else None
    return path


def _field_at(path: KeyPath) -> tuple[type[BaseModel], FieldInfo | None]:
    table: type[BaseModel] = Settings
    for part in path[:-1]:
        table = table_of(table.model_fields[part]) or table
    return table, table.model_fields.get(path[-1])


def _known(path: KeyPath) -> FieldInfo:
    _, field = _field_at(path)
    if field is None:
        raise LookupError(f"{path} is not a setting")
    return field


def _meant(path: KeyPath, table: type[BaseModel]) -> KeyPath | None:
    siblings = [(*path[:-1], name) for name, field in table.model_fields.items() if not table_of(field)]
    by_name = {found[-1]: found for found in siblings if found != ("environment",)}
    if near := closest(path[-1], by_name):
        return by_name[near]
    elsewhere = {found[-1]: found for found, _ in every_setting()}
    near = closest(path[-1], elsewhere)
    return elsewhere[near] if near else None


def _value_at(values: Any, path: KeyPath) -> object:  # noqa: ANN401 - tables hold anything
    for part in path:
        values = values[part]
    return values


def _wrong(detail: ErrorDetails, depth: int) -> str:
    kind = detail["type"]
    item = detail["loc"][depth:]  # the item in a list or in a table with free keys
    it = shown_key(item[:1]) if item and item[-1] == "[key]" else shown(detail["input"]) if item else "it"
    if kind in _NOT_A:
        found = next((name for type_, name in _KINDS if isinstance(detail["input"], type_)), "something else")
        return f"{it} is {found}, and should be {_NOT_A[kind]}"
    if kind in _WRONG:
        return f"{it} {_WRONG[kind]}"
    return f"{it}: {detail['msg']}" if item else detail["msg"]


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _allowed(field: FieldInfo) -> str:
    if below := table_of(field):
        return f"a table with the keys {', '.join(below.model_fields)}"
    return str(_extra(field)["allowed"])


def _example(field: FieldInfo) -> object:
    return (field.examples or [None])[0]


def _repaired(field: FieldInfo, value: object) -> object:
    """Return the allowed value that is most similar to the value; the setting's example when none is similar."""
    taken = (candidate for candidate in _candidates(field, value) if _takes(field, candidate))
    return next(taken, _example(field))


def _candidates(field: FieldInfo, value: object) -> Iterator[object]:
    yield value
    options = _extra(field).get("options", ())
    match value:
        case str():
            yield from filter(None, [closest(value.strip().lower(), map(str, options))])
            yield value.strip()
            yield value.strip().lower()
            yield from filter(lambda switched: switched is not None, [SWITCH.get(value.strip().lower())])
            yield [value]
            if value.strip().isdecimal() and len(value) < len(str(2**64)):
                yield from _candidates(field, int(value))
        case int() if not isinstance(value, bool):
            yield shown(value)
            if options and all(isinstance(option, int) for option in options):
                yield min(options, key=lambda option: abs(option - value))
            bounds = [bound for name in ("ge", "le") for bound in _constraints(field, name)]
            yield from sorted(bounds, key=lambda bound: abs(bound - value))
        case list():
            yield [item for item in value if _takes(field, [item])]
        case dict():
            yield {key: item for key, item in value.items() if _takes(field, {key: item})}


def _constraints(field: FieldInfo, name: str) -> list[int]:
    return [getattr(each, name) for each in field.metadata if hasattr(each, name)]


def _takes(field: FieldInfo, value: object) -> bool:
    if isinstance(value, list | dict) and not value:
        return False  # an empty suggestion does not help
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True
