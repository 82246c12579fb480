"""No template and no environment variable contains a secret."""

import json
import math
import string
from collections.abc import Iterator, Mapping
from typing import Final

from compliance.aws.event_sources import FUNCTION
from compliance.aws.secrets import SECRET, is_dynamic, is_named_secret, is_spelled_out, looks_secret
from compliance.cfn.arns import find
from compliance.cfn.reading import require_bool, require_mapping, require_number, require_text
from compliance.cfn.references import render
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError, is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_TEMPLATE: Final = "SecretStringTemplate"
_LENGTH: Final = "PasswordLength"
_SHORTEST: Final = 16
"""Characters of what Secrets Manager makes."""
_DEFAULT_LENGTH: Final = 32
_LEAST_BITS: Final = 80
_ALPHABETS: Final = {
    "ExcludeLowercase": string.ascii_lowercase,
    "ExcludeUppercase": string.ascii_uppercase,
    "ExcludeNumbers": string.digits,
    "ExcludePunctuation": string.punctuation,
}
"""What GetRandomPassword chooses from, by the setting that excludes it.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
"""


def _violations(resource: Resource, world: TemplateSet) -> Iterator[str]:
    if resource.type == SECRET:
        yield from _of_secret(resource)
        return
    environment = require_mapping(resource.properties.get("Environment"), "Environment")
    for name, value in require_mapping(environment.get("Variables"), "Environment.Variables").items():
        yield from _of_variable(str(name), value, resource, world)


def _of_secret(secret: Resource) -> Iterator[str]:
    value = secret.properties.get("SecretString")
    if not is_absent(value) and is_spelled_out(value, secret.template) and not is_dynamic(render(value, secret.template)):
        yield "SecretString is in the template, or a parameter of it; let GenerateSecretString make it"
    made = require_mapping(secret.properties.get("GenerateSecretString"), "GenerateSecretString")
    if made:
        yield from _of_strength(made)
    for name in _secrets_in(require_text(made.get(_TEMPLATE), _TEMPLATE) or "{}"):
        yield f"{name} of {_TEMPLATE} is in the template; let GenerateStringKey name what is made"


def _of_strength(made: Mapping[str, Json]) -> Iterator[str]:
    """Yield a violation for a generated value of less than 80 bits."""
    length = require_number(made.get(_LENGTH), _LENGTH) or _DEFAULT_LENGTH
    excluded = set(require_text(made.get("ExcludeCharacters"), "ExcludeCharacters") or "")
    alphabet = {
        character
        for name, characters in _ALPHABETS.items()
        if not require_bool(made.get(name), name)
        for character in characters
    } - excluded
    bits = length * math.log2(len(alphabet)) if alphabet else 0.0
    if length < _SHORTEST or bits < _LEAST_BITS:
        yield (
            f"{length:g} characters out of {len(alphabet)} can be guessed ({bits:.0f} bits); set {_LENGTH} and exclude less "
            f"so that it has {_SHORTEST} or more and {_LEAST_BITS} bits, or leave them out for 32 of all"
        )


def _secrets_in(text: str) -> Iterator[str]:
    try:
        whole = json.loads(text)
    except ValueError:
        raise UnresolvedError(f"{_TEMPLATE} is not JSON: {text[:60]!r}") from None
    for name, value in whole.items() if isinstance(whole, Mapping) else ():
        if value and is_named_secret(str(name)):
            yield str(name)


def _of_variable(name: str, value: Json, function: Resource, world: TemplateSet) -> Iterator[str]:
    text = render(value, function.template)
    if is_dynamic(text):
        yield f"variable {name} is {text[:60]!r}, which is put there in plain text on deployment; let the function read it"
    elif looks_secret(text):
        yield f"variable {name} looks like a key, a token or a password"  # which no report must repeat
    elif is_named_secret(name) and is_spelled_out(value, function.template) and not _is_place(value, function, world):
        yield f"variable {name} is a secret by its name, and its value is in the template; name where it is kept instead"


def _is_place(value: Json, function: Resource, world: TemplateSet) -> bool:
    """Return whether the value is only a place of a secret: an ARN, a path of a parameter, or a secret of the templates."""
    return render(value, function.template).startswith(("arn:", "/")) or (
        find(value, function.template, world, SECRET) is not None
    )


RULE = Rule(
    title="No secret's value is in a template or in a function's environment, or short enough to guess",
    why=(
        "A template is in version control, in the CDK's bucket and in CloudFormation's history. Everyone who may describe a "
        "function sees its environment. A secret there is not rotated, and its readers are not audited."
    ),
    fix="Let Secrets Manager generate the value (GenerateSecretString), and give the function the secret's name or ARN.",
    judge=rule_from(_violations, SECRET, FUNCTION),
    controls=nist("IA-5(7)", "SC-12", "SC-28") + hipaa("164.312(a)(2)(iv)", "164.312(d)") + pci("3.5", "6.3.1", "8.2.1"),
)
