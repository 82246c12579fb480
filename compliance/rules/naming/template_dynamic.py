"""No value except a secret's is read from another store at deployment, where no rule sees it."""

from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.secrets import is_named_secret
from compliance.cfn.references import render
from compliance.cfn.templates import Json, Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.engine.rule import NOT_APPLICABLE, PASSED, Judgement, Rule, not_evaluated

_DYNAMIC: Final = "{{resolve:"
_SECURE: Final = ("{{resolve:secretsmanager:", "{{resolve:ssm-secure:")
_FROM_STORE: Final = "AWS::SSM::Parameter::Value<"
_MADE: Final = frozenset({"Fn::Join", "Fn::Sub", "Ref"})


def judge(resource: Resource, _world: TemplateSet) -> Judgement:
    """Tell where a resource's values are read on deployment; a secret that stays in its store is no matter of a rule's."""
    found = list(_dynamic(resource.properties, resource.template, ()))
    if not found:
        return NOT_APPLICABLE
    unknown = [f"{place} is {text[:60]!r}" for place, text, is_secret in found if not is_secret]
    if unknown:
        return not_evaluated(f"{'; '.join(unknown)}: it is read when the stack is deployed, and was not judged")
    return PASSED


def _dynamic(value: Json, template: Template, path: tuple[str, ...]) -> Iterator[tuple[str, str, bool]]:
    """Yield each place with what is read there, and whether it is a secret in a property for one."""
    text = _text(value, template)
    if text is not None:
        if _DYNAMIC in text:
            name = next((part for part in reversed(path) if not part.startswith("Fn::") and not part.isdigit()), "")
            yield ".".join(path), text, text.startswith(_SECURE) and is_named_secret(name)
            return
        if isinstance(value, str):
            return
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _dynamic(part, template, (*path, str(key)))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _dynamic(part, template, (*path, str(index)))


def _text(value: Json, template: Template) -> str | None:
    """Return the text of a value; a parameter or mapping that reads a store is written as a dynamic reference."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    ((function, argument),) = value.items()
    if function == "Fn::FindInMap":
        return _DYNAMIC if _DYNAMIC in str(template.body.get("Mappings")) else None
    if function not in _MADE:
        return None
    try:
        text = render({function: argument}, template)
    except UnresolvedError:
        return None
    stored = [name for name, kind in _parameters(template) if f"${{{name}}}" in text and kind.startswith(_FROM_STORE)]
    return f"{_DYNAMIC}ssm}}}} of the parameter {stored[0]}" if stored else text


def _parameters(template: Template) -> Iterator[tuple[str, str]]:
    parameters = template.body.get("Parameters")
    for name, given in parameters.items() if isinstance(parameters, Mapping) else ():
        yield str(name), str(given.get("Type")) if isinstance(given, Mapping) else ""


RULE = Rule(
    title="No value except a secret's is read from Parameter Store or Secrets Manager at deployment",
    why=(
        "{{resolve:ssm:...}} and parameters of a type AWS::SSM::Parameter::Value stand for text that anyone with access to "
        "the store can change. That text may be a principal, a key or an address that no rule has seen."
    ),
    fix="Write the value into the template; keep {{resolve:secretsmanager:...}} for properties such as MasterUserPassword.",
    judge=judge,
)
