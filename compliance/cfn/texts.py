"""Every text in a part of a template, with its place: also behind functions, in each branch and in JSON text."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from compliance.cfn.references import render
from compliance.cfn.templates import Json, Template
from compliance.cfn.values import UnresolvedError

Place: TypeAlias = tuple[str, ...]
"""Keys of maps, without the names of functions and without positions in lists."""

_RENDERED: Final = frozenset({"Ref", "Fn::GetAtt", "Fn::Join", "Fn::Sub"})
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


class Text(NamedTuple):
    """A text and its place. A number is a text too; `${...}` is a part that is known only at deployment."""

    place: Place
    text: str

    @property
    def name(self) -> str:
        """The innermost key, for example `DestinationBucketName`; empty for the text of a template's own section."""
        return self.place[-1] if self.place else ""

    @property
    def where(self) -> str:
        """The place for a message."""
        return ".".join(self.place)


def texts_in(value: Json, template: Template, place: Place = ()) -> Iterator[Text]:
    """Yield the texts of a value, each as CloudFormation would make it, with the defaults of parameters in them."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        yield from _of_text(str(value), template, place)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part, template, place)
    elif isinstance(value, Mapping):
        yield from _of_map(value, template, place)


def _of_map(value: Mapping[str, Json], template: Template, place: Place) -> Iterator[Text]:
    function = next(iter(value)) if len(value) == 1 else ""
    if function in _RENDERED:
        try:
            yield Text(place, with_defaults(render(value, template), template))
        except UnresolvedError:
            pass  # its parts are read below
        else:
            return
    named = value.get("Name", value.get("Key", value.get("OptionName")))
    for key, part in value.items():
        if key == "Fn::ImportValue":
            continue  # the name of another stack's export, and no text of this template's
        if key == "Fn::If" and isinstance(part, list):
            part = part[1:]  # noqa: PLW2901 - without the name of the condition
        if str(key).startswith("Fn::") or key == "Ref":
            yield from texts_in(part, template, place)
        elif key == "Value" and isinstance(named, str):  # {"Name": "DB_PASSWORD", "Value": "..."} is an entry of a map
            yield from texts_in(part, template, (*place, named))
        else:
            yield from texts_in(part, template, (*place, str(key)))


def _of_text(text: str, template: Template, place: Place) -> Iterator[Text]:
    if text.lstrip()[:1] in {"{", "["}:
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            parsed = None
        if isinstance(parsed, dict | list):
            yield from texts_in(parsed, template, place)
            return
    yield Text(place, text)


def with_defaults(text: str, template: Template) -> str:
    """Return a rendered text with the default of each parameter in it: what a deployment without arguments would use."""
    declared = template.body.get("Parameters") if "${" in text and isinstance(template.body, Mapping) else None
    if not isinstance(declared, Mapping):
        return text

    def default(found: re.Match[str]) -> str:
        parameter = declared.get(found[1])
        value = parameter.get("Default") if isinstance(parameter, Mapping) else None
        return str(value) if isinstance(value, str | int | float) else found[0]

    return _VARIABLE.sub(default, text)
