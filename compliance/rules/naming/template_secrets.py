"""No text of a template is a secret, wherever it stands."""

import re
from collections.abc import Iterator
from typing import Final

from compliance.aws.secrets import is_named_secret, looks_secret
from compliance.cfn.templates import STACK, Json, Resource, TemplateSet
from compliance.cfn.texts import Text, texts_in
from compliance.engine.candidates import REMOVED, Candidate, body_of, changed
from compliance.engine.rule import PASSED, Judgement, Rule, failed

_DYNAMIC: Final = "{{resolve:"
_VALUES: Final = frozenset({"AllowedValues", "Default", "Value"})
"""Keys under the name of a parameter or an output."""
_VARIABLES: Final = ("Properties", "Environment", "Variables")
"""Of a function: ActivePassive-SecretsManagerLiteral judges their names, and knows which values are a secret's place."""
_MAPPINGS: Final = frozenset({"RequestTemplates", "ResponseTemplates"})
_VELOCITY: Final = re.compile(r"\$[a-zA-Z][\w.]*(?:\([^()]*\))?")
"""A reference in a mapping template of API Gateway: `$context.requestId`, `$input.path('$.token')`."""
_REFERS: Final = ("alias/", "arn:", "/", _DYNAMIC)
_FLAGS: Final = frozenset({"", "true", "false", "none", "null"})


def judge(resource: Resource, _world: TemplateSet) -> Judgement:
    """Read a resource with its metadata; for the template as a whole, everything beside the resources."""
    places = dict.fromkeys(
        text.where or "the text" for text in texts_in(_whole(resource), resource.template) if _is_secret(text)
    )
    if not places:
        return PASSED
    # No report repeats the value.
    return failed(f"{', '.join(places)}: looks like a key, a token or a password, or is named like one")


def _repair(resource: Resource, _world: TemplateSet) -> Iterator[Candidate]:
    """Delete the output, the description or the entry beside the resources that holds it."""
    if resource.type != STACK:
        return
    body = body_of(resource)
    places = [text.place[:2] for text in texts_in(_whole(resource), resource.template) if _is_secret(text)]
    for place in dict.fromkeys(places):
        body = changed(body, place, REMOVED)
    yield Candidate(body, f"{', '.join(map('.'.join, dict.fromkeys(places)))} removed; revoke the secret")


def _whole(resource: Resource) -> Json:
    body = resource.template.body
    if resource.type == STACK:
        return {section: value for section, value in body.items() if section != "Resources"}
    return body["Resources"][resource.logical_id]


def _is_secret(text: Text) -> bool:
    return looks_secret(text.text) or (text.place[:-1] != _VARIABLES and _is_named(text))


def _is_named(text: Text) -> bool:
    names = [part for part in text.place if part not in _VALUES]
    if _MAPPINGS.intersection(text.place) and _VELOCITY.fullmatch(text.text):
        return False
    return bool(names) and is_named_secret(names[-1]) and _is_value(text.text)


def _is_value(text: str) -> bool:
    """Return whether a text is a value itself: no reference, no ARN, no alias, no path of a parameter, and no switch."""
    return not (text.lower() in _FLAGS or text.isdigit() or text.startswith(_REFERS) or "${" in text)


RULE = Rule(
    title="No text of a template is a secret: no property, tag, description, output, parameter, mapping or metadata",
    why=(
        "A template is in version control, in the CDK's bucket and in CloudFormation's history, and everyone who may "
        "describe the stack reads its outputs and parameters. A secret there is neither rotated nor audited."
    ),
    fix="Let Secrets Manager generate the value, and name the secret; revoke what was in the template.",
    judge=judge,
    repair=_repair,
)
