"""Whether a value in a template is a secret, by its name or its form."""

import re
from typing import Final

from compliance.cfn.references import render
from compliance.cfn.templates import Json, Template

SECRET: Final = "AWS::SecretsManager::Secret"  # noqa: S105 - a type's name

_NAMES: Final = re.compile(
    r"(.*_)?(PASSWORD|PASSWD|PWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY|SIGNING_?KEY"
    r"|CREDENTIALS?|CONNECTION_?STRING)",
    re.IGNORECASE,
)
"""Names of what is secret itself; `SECRET_ARN` and `TOKEN_TABLE` only say where it is."""

_LOOKS: Final = re.compile(
    r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"  # an AWS access key
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\bgh[pousr]_[0-9A-Za-z]{36}"  # GitHub
    r"|\bxox[abprs]-[0-9A-Za-z-]{10,}"  # Slack
    r"|\beyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}"  # a JSON Web Token
    r"|\w+://[^/\s:@]+:[^/\s:@]+@"  # a URL with a password
)
_DYNAMIC: Final = "{{resolve:"


def is_named_secret(name: str) -> bool:
    """Return whether a name says that its value is secret, for example `DB_PASSWORD` or `apiKey`."""
    return _NAMES.fullmatch(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_")) is not None


def looks_secret(text: str) -> bool:
    """Return whether a text has the shape of a key, a token or a URL with a password."""
    return _LOOKS.search(text) is not None


def is_dynamic(text: str) -> bool:
    """Return whether CloudFormation puts a value from Secrets Manager or Parameter Store in its place on deployment."""
    return text.startswith(_DYNAMIC)


def is_spelled_out(value: Json, template: Template) -> bool:
    """Return whether a value stands in the template itself, or comes through one of its parameters."""
    text = render(value, template)
    parameters = template.body.get("Parameters") if isinstance(template.body, dict) else None
    declared = set(parameters) if isinstance(parameters, dict) else set()
    return bool(text) and all(name in declared for name in re.findall(r"\$\{([^}]*)\}", text))
