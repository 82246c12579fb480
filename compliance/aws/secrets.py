"""Whether a value in a template is a secret, by its name or its form."""

import base64
import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, Final
from urllib.parse import unquote

from detect_secrets.plugins.base import RegexBasedDetector

from compliance.cfn.references import render
from compliance.cfn.templates import Json, Template

SECRET: Final = "AWS::SecretsManager::Secret"  # noqa: S105 - a type's name

_NAMES: Final = re.compile(
    r"(.*(PASSWORDS?|PASSWD|PASSPHRASE|PASSCODE)|(.*_)?((PG|DB|USER|ROOT|ADMIN)?PASS|PWD|PW|SECRET|TOKEN|CREDENTIALS?|CREDS"
    r"|JWT|MNEMONIC|SECRET_KEY_BASE|CONNECTION_?STRING|(ACCESS|ACCOUNT|AES|API|AUTH|CIPHER|ENCRYPTION|HMAC|LICENSE|MASTER"
    r"|PRIVATE|RSA|SECRET|SESSION|SHARED|SIGNING|SSH|STORAGE|TLS)_?KEY))(_?\d+|_VALUE)?",
    re.IGNORECASE,
)
"""Names of what is secret itself; `SECRET_ARN` and `TOKEN_TABLE` only say where it is."""
_PUBLIC: Final = frozenset({"servicetoken", "clienttoken"})
"""Properties of CloudFormation that are named like secrets: the ARN of a provider, and an idempotency token."""

_LOOKS: Final = re.compile(
    r"\bAIza[0-9A-Za-z_-]{35}"  # Google
    r"|\bgithub_pat_[0-9A-Za-z_]{22,}"
    r"|\bxox[abprs]-[0-9A-Za-z-]{10,}"  # Slack, of a shape that the detector does not know
    r"|\bgh[pousr]_[0-9A-Za-z]{36}"
    r"|\bBearer\s+[0-9A-Za-z._~+/-]{20,}"
    r"|\bBasic\s+(?=[A-Za-z+/]*\d)[0-9A-Za-z+/]{16,}={0,2}"
    r"|\w+://[^/\s:@$]*:[^/\s:@$]+@"  # a URL with a password
    r"|https://(?:discord\.com/api/webhooks|outlook\.office\.com/webhook|[\w-]+\.webhook\.office\.com)/[\w/@-]{20,}"
    r"|\bsk-(?:(?=[\w-]*[A-Z])[\w-]{32,}|[0-9a-f]{32}\b)|\bhf_[0-9A-Za-z]{30,}|\bdapi[0-9a-f]{32}|\bdop_v1_[0-9a-f]{64}|\bhv[sb]\.[\w-]{20,}|\bya29\.[\w-]{20,}"
    r"|\bxapp-\d-[\w-]{20,}|\bwhsec_[0-9A-Za-z]{20,}|\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|\bNRAK-[0-9A-Z]{27}"
    r"|\blin_api_[0-9A-Za-z]{30,}|\bAGE-SECRET-KEY-1[0-9A-Z]{50,}|\bHRKU-[0-9a-f-]{36}|\bGOCSPX-[\w-]{20,}|\bnpm_[0-9A-Za-z]{36}"
    r"|\bdckr_pat_[\w-]{20,}|\bgls[ac]_[0-9A-Za-z_]{30,}|\bATATT3[\w=-]{50,}|\bpul-[0-9a-f]{40}|\b\d{8,10}:AA[\w-]{33}\b"
    r"|\bIQoJb3JpZ2lu[0-9A-Za-z+/=]{80,}"  # a session token of AWS
    r"|(?<![0-9A-Za-z+/-])[0-9A-Za-z+/]{86}==(?![0-9A-Za-z=])"  # a storage key of Azure
    r"|(?:^|[;?&\s])(?i:password|pwd|accountkey|sharedaccesskey)=[^;&\s\"'${}<*]{6,}"  # a connection string
    r"|[?&]sig=[0-9A-Za-z%+/]{20,}"  # a shared access signature
)
"""Shapes that detect-secrets has no detector for."""
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")
_AWS: Final = re.compile(r"(?<![0-9A-Za-z/+=_-])[0-9A-Za-z/+]{40}(?![0-9A-Za-z/+=_-])")
_CHANGES: Final = 16
"""Changes between capitals, small letters, digits and marks in 40 random characters: 25 on average. Words have fewer."""
_LEAST_ENTROPY: Final = 4.2
"""Bits a character of 40 random ones: more than 4.3 in 99 of 100."""
_NOT_SECRET: Final = frozenset({"IPPublicDetector", "TelegramBotTokenDetector"})
"""Detectors that report ordinary text. Telegram's reports exports of an environment `pr-12345678`; `_LOOKS` is narrower."""
_SHORTEST: Final = 16
"""Characters of the shortest shape."""
_ENCODED: Final = re.compile(r"(?<![\w+/%-])(?:(?P<hex>(?:[0-9a-fA-F]{2}){16,})|[\w+/-]{20,}={0,2})(?![\w+/=%-])", re.ASCII)
_DYNAMIC: Final = "{{resolve:"


def is_named_secret(name: str) -> bool:
    """Return whether a name says that its value is secret, for example `DB_PASSWORD` or `apiKey`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_")
    return name.lower() not in _PUBLIC and _NAMES.fullmatch(spaced) is not None


@lru_cache(maxsize=65_536)
def looks_secret(text: str) -> bool:
    """Return whether a text has the shape of a key, a token, a connection string or a URL with a password, also encoded."""
    if len(text) < _SHORTEST:
        return False
    if _LOOKS.search(text) or any(map(_is_random, _AWS.findall(_VARIABLE.sub(" ", text)))):
        return True
    if any(True for detector in _detectors() for _ in detector.analyze_string(text)):
        return True
    return any(map(looks_secret, _decoded(text)))


def _decoded(text: str) -> Iterator[str]:
    """Yield what a text holds in Base64, in hexadecimal digits or in the encoding of URLs."""
    if (plain := unquote(text)) != text:
        yield plain
    for found in _ENCODED.finditer(text):
        whole = found[0].translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
        is_base64 = not found["hex"] and len(whole) % 4 != 1
        inner = base64.b64decode(whole + "==") if is_base64 else bytes.fromhex(found["hex"] or "")
        if inner.isascii() and (words := inner.decode()).replace("\n", "").isprintable():
            yield words


def _is_random(text: str) -> bool:
    """Return whether 40 characters are an AWS secret access key, and no name, path or hash."""
    kinds = ["A" if each.isupper() else "a" if each.islower() else "0" if each.isdigit() else "/" for each in text]
    counts = Counter(text).values()
    entropy = -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
    changes = sum(one != other for one, other in pairwise(kinds))
    return {"A", "a", "0"} <= set(kinds) and changes >= _CHANGES and entropy >= _LEAST_ENTROPY


@cache
def _detectors() -> tuple[RegexBasedDetector, ...]:
    """Return detect-secrets' detectors of shapes; its detectors by name and by entropy alone report ordinary settings."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class  # noqa: PLC0415 - it takes 0.4 s

    found: Any = get_mapping_from_secret_type_to_class().values()
    chosen = [each for each in found if issubclass(each, RegexBasedDetector) and each.__name__ not in _NOT_SECRET]
    return tuple(each() for each in sorted(chosen, key=lambda each: each.__name__))


def is_dynamic(text: str) -> bool:
    """Return whether CloudFormation puts a value from Secrets Manager or Parameter Store in its place on deployment."""
    return text.startswith(_DYNAMIC)


def is_spelled_out(value: Json, template: Template) -> bool:
    """Return whether a value stands in the template itself, or comes through one of its parameters."""
    text = render(value, template)
    parameters = template.body.get("Parameters") if isinstance(template.body, dict) else None
    declared = set(parameters) if isinstance(parameters, dict) else set()
    return bool(text) and all(name in declared for name in re.findall(r"\$\{([^}]*)\}", text))
