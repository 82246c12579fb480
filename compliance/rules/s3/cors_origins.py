"""Browsers may call from origins that are spelled out."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from compliance.aws.replication_terms import BUCKET
from compliance.cfn.reading import a_flag, a_list, a_map, a_text
from compliance.cfn.templates import Json, Resource, World
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import judge_by

_API: Final = "AWS::ApiGatewayV2::Api"
_URL: Final = "AWS::Lambda::Url"


class _Cors(NamedTuple):
    """What one set of CORS headers allows."""

    origins: Json
    headers: Json
    methods: Json
    credentials: Json


def _complaints(resource: Resource, _world: World) -> Iterator[str]:
    for cors in _cors_of(resource):
        for origin in a_list(cors.origins, "the allowed origins"):
            yield from _of_origin(a_text(origin, "an allowed origin") or "")
        if not a_flag(cors.credentials, "AllowCredentials"):
            continue
        for name, listed in (("headers", cors.headers), ("methods", cors.methods)):
            # With credentials browsers take the asterisk for a header of that name: it does not do what it says.
            if "*" in a_list(listed, f"the allowed {name}"):
                yield f"all {name} ('*') are allowed together with credentials; list them"


def _of_origin(origin: str) -> Iterator[str]:
    if "*" in origin:
        yield f"the origin {origin!r} is a pattern; spell out each origin"
    elif urlsplit(origin).scheme != "https":
        yield f"the origin {origin!r} is not https, so whoever is on the way can speak for it"


def _cors_of(resource: Resource) -> list[_Cors]:
    if resource.type == BUCKET:
        configuration = a_map(resource.properties.get("CorsConfiguration"), "CorsConfiguration")
        rules = [a_map(rule, "CorsRules") for rule in a_list(configuration.get("CorsRules"), "CorsRules")]
        # S3 knows no setting for credentials; a presigned upload takes none.
        return [_Cors(rule.get("AllowedOrigins"), None, None, None) for rule in rules]
    if resource.type == _URL:
        return _of_settings(a_map(resource.properties.get("Cors"), "Cors"), "Allow{}")
    found = _of_settings(a_map(resource.properties.get("CorsConfiguration"), "CorsConfiguration"), "Allow{}")
    if "BodyS3Location" in resource.properties:
        raise UnresolvedError("the API's description is a file in S3, which may set CORS")
    body = a_map(resource.properties.get("Body"), "Body")
    return found + _of_settings(a_map(body.get("x-amazon-apigateway-cors"), "x-amazon-apigateway-cors"), "allow{}")


def _of_settings(settings: Mapping[str, Json], name: str) -> list[_Cors]:
    if not settings:
        return []
    return [_Cors(*(settings.get(name.format(part)) for part in ("Origins", "Headers", "Methods", "Credentials")))]


def _applies(resource: Resource, _world: World) -> bool:
    return bool(_cors_of(resource))


RULE = Rule(
    title="CORS names each origin, over https, and no '*'",
    why="With '*' any page that a user has open may upload in that user's browser, or read what it is answered.",
    fix="List the origins as https://app.example.com; list headers and methods where credentials are allowed.",
    judge=judge_by(_complaints, BUCKET, _API, _URL, applies=_applies),
    controls=nist("AC-3", "AC-4", "CM-7") + hipaa("164.312(a)(1)") + pci("6.5.8"),
)
