"""CORS lists each allowed origin."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from compliance.aws.replication_terms import BUCKET
from compliance.cfn.reading import require_bool, require_list, require_mapping, require_text
from compliance.cfn.templates import Json, Resource, TemplateSet
from compliance.cfn.values import UnresolvedError
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_API: Final = "AWS::ApiGatewayV2::Api"
_URL: Final = "AWS::Lambda::Url"


class _Cors(NamedTuple):
    """Origins, headers, methods and credentials that one CORS rule allows."""

    origins: Json
    headers: Json
    methods: Json
    credentials: Json


def _violations(resource: Resource, _world: TemplateSet) -> Iterator[str]:
    for cors in _cors_of(resource):
        for origin in require_list(cors.origins, "the allowed origins"):
            yield from _of_origin(require_text(origin, "an allowed origin") or "")
        if not require_bool(cors.credentials, "AllowCredentials"):
            continue
        for name, listed in (("headers", cors.headers), ("methods", cors.methods)):
            # With credentials browsers take the asterisk for a header of that name: it does not do what it says.
            if "*" in require_list(listed, f"the allowed {name}"):
                yield f"all {name} ('*') are allowed together with credentials; list them"


def _of_origin(origin: str) -> Iterator[str]:
    if "*" in origin:
        yield f"the origin {origin!r} is a pattern; spell out each origin"
    elif urlsplit(origin).scheme != "https":
        yield f"the origin {origin!r} is not https, so anyone on the network path can impersonate it"


def _cors_of(resource: Resource) -> list[_Cors]:
    if resource.type == BUCKET:
        configuration = require_mapping(resource.properties.get("CorsConfiguration"), "CorsConfiguration")
        rules = [require_mapping(rule, "CorsRules") for rule in require_list(configuration.get("CorsRules"), "CorsRules")]
        # S3 knows no setting for credentials; a presigned upload takes none.
        return [_Cors(rule.get("AllowedOrigins"), None, None, None) for rule in rules]
    if resource.type == _URL:
        return _of_settings(require_mapping(resource.properties.get("Cors"), "Cors"), "Allow{}")
    found = _of_settings(require_mapping(resource.properties.get("CorsConfiguration"), "CorsConfiguration"), "Allow{}")
    if "BodyS3Location" in resource.properties:
        raise UnresolvedError("the API's description is a file in S3, which may set CORS")
    body = require_mapping(resource.properties.get("Body"), "Body")
    return found + _of_settings(require_mapping(body.get("x-amazon-apigateway-cors"), "x-amazon-apigateway-cors"), "allow{}")


def _of_settings(settings: Mapping[str, Json], name: str) -> list[_Cors]:
    if not settings:
        return []
    return [_Cors(*(settings.get(name.format(part)) for part in ("Origins", "Headers", "Methods", "Credentials")))]


RULE = Rule(
    title="CORS names each origin, over https, and no '*'",
    why="With `*`, any page that a user opens may upload from that user's browser or read the responses.",
    fix="List the origins as https://app.example.com; list headers and methods where credentials are allowed.",
    judge=rule_from(_violations, BUCKET, _API, _URL, applies=lambda resource, _: bool(_cors_of(resource))),
    controls=nist("AC-3", "AC-4", "CM-7") + hipaa("164.312(a)(1)") + pci("6.5.8"),
)
