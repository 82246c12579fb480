"""A template as the CDK can load it: forms that CloudFormation accepts and the CDK's parser or cdk-nag does not.

Only the packs see it; our rules and AWS's validation read the template itself.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from compliance.cfn.templates import Json

_BOOLEANS: Final = {text: text.lower() for text in ("True", "TRUE", "False", "FALSE")}
"""CloudFormation accepts a boolean in any case, the CDK in lower case only."""
_POLICY: Final = re.compile(r".*(Policy|PolicyDocument|AccessPolicies|PolicyText)")
_REFERENCE: Final = re.compile(r"\{\{resolve:(?:[^{}]|\$\{[^{}]*\})*\}\}")
_OPENED: Final = "{{resolve:"
_TEXTS: Final = {"AWS::Logs::AccountPolicy", "AWS::Logs::Destination", "AWS::Logs::ResourcePolicy"}
"""Types whose policy is a text, for the CDK too."""
_NETWORKS: Final = {"AWS::EC2::VPC", "AWS::EC2::Subnet"}


def readable(body: Json) -> Json:
    """Return the template with booleans in lower case, policies as maps, and no dynamic reference inside other text."""
    resources = body.get("Resources")
    if not isinstance(resources, Mapping):
        return body
    ranges = _ranges(body)
    read = {name: each if each.get("Type") in _TEXTS else _read(each, name, ranges) for name, each in resources.items()}
    return {**body, "Resources": read}


def _read(value: Json, name: str, ranges: Mapping[str, Json]) -> Json:
    if isinstance(value, str):
        return _text(value, name)
    if isinstance(value, Mapping):
        if len(value) == 1 and (key := json.dumps(value, sort_keys=True)) in ranges:
            return ranges[key]
        if _is_split(value.get("Fn::Join")):
            return {"Fn::Join": [value["Fn::Join"][0], [_unbraced(part) for part in value["Fn::Join"][1]]]}
        # cdk-nag searches statements by regular expressions that expect the CDK's order of keys, which is the alphabet's.
        parts = sorted(value.items()) if "Effect" in value else value.items()
        return {key: _read(part, str(key), ranges) for key, part in parts}
    return [_read(part, name, ranges) for part in value] if isinstance(value, list) else value


def _is_split(join: Json) -> bool:
    """Return whether a text of a Fn::Join begins a dynamic reference that another one ends."""
    match join:
        case [str(), [*parts]]:
            return any(isinstance(part, str) and _OPENED in _REFERENCE.sub("", part) for part in parts)
    return False


def _unbraced(part: Json) -> Json:
    return part.replace(_OPENED, "dynamic-reference:").replace("}}", "") if isinstance(part, str) else part


def _text(text: str, name: str) -> Json:
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _POLICY.fullmatch(name) and text.lstrip()[:1] == "{":
        try:
            document = json.loads(text)
        except ValueError:
            return text
        return document if isinstance(document, dict) else text
    # cdk-nag takes the braces in the middle of an ARN for its own: the id of its finding holds the ARN.
    return text if _REFERENCE.fullmatch(text) else _REFERENCE.sub("dynamic-reference", text)


def _ranges(body: Json) -> dict[str, Json]:
    """Return the literal range of each network of the template by the reference to it; cdk-nag reads literals only."""
    parameters = body.get("Parameters")
    found: dict[str, Json] = {}
    for logical_id, resource in body["Resources"].items():
        if resource.get("Type") not in _NETWORKS or not isinstance(resource.get("Properties"), Mapping):
            continue
        value = resource["Properties"].get("CidrBlock")
        if isinstance(value, Mapping) and isinstance(parameters, Mapping) and set(value) == {"Ref"}:
            declared = parameters.get(value["Ref"])
            default = declared.get("Default") if isinstance(declared, Mapping) else None
            if isinstance(default, str):
                found[json.dumps(value, sort_keys=True)] = value = default
        if isinstance(value, str):
            found[json.dumps({"Fn::GetAtt": [logical_id, "CidrBlock"]}, sort_keys=True)] = value
    return found
