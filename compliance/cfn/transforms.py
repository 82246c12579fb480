"""Expand the transforms that need nothing but the template, and refuse all others by name.

CloudFormation deploys the result of a template's transforms, so that is what the gate judges.
"""

import logging
import re
from collections.abc import Mapping
from copy import deepcopy
from types import SimpleNamespace
from typing import Any, Final

from compliance.cfn import language_extensions
from compliance.cfn.language_extensions import ExpansionError
from compliance.cfn.references import values_in
from compliance.cfn.templates import Json

SAM: Final = "AWS::Serverless-2016-10-31"
PACKAGE_BUCKET: Final = "SamPackageBucket"
"""The parameter that stands for the bucket to which `sam package` uploads the files that a template names by their path."""
PACKAGE_IMAGE: Final = "SamPackageImage"
"""The parameter that stands for the image that `sam build` makes."""
APPLICATION: Final = "SamApplicationTemplate"
"""The parameter that stands for the template of an application in the Serverless Application Repository."""
_FUNCTION: Final = "AWS::Serverless::Function"
_FILES: Final = {
    _FUNCTION: "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::Api": "DefinitionUri",
    "AWS::Serverless::HttpApi": "DefinitionUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}
"""The property of each type that may be a path."""
_PLACE: Final = re.compile(r"s3://(?P<Bucket>[^/]+)/(?P<Key>.+)")
_DEFAULT_REGION: Final = "us-east-1"


def expanded(body: Mapping[str, Json], region: str, account: str) -> Mapping[str, Json]:
    """Return a template as it is deployed: without transforms. It is returned itself where it has none.

    Args:
        body: The template; it is not changed.
        region: Region of the deployment; empty when unknown.
        account: Account of the deployment; empty when unknown.

    Raises:
        ExpansionError: It has another transform, or does not decide its expansion alone. The message lacks the file's name.
    """
    declared = body.get("Transform", [])
    names = declared if isinstance(declared, list) else [declared]
    known = {language_extensions.TRANSFORM, SAM}
    for name in [*names, *_inline(body)]:
        if not isinstance(name, str) or name not in known:
            shown = name.get("Name", name) if isinstance(name, Mapping) else name
            raise ExpansionError(
                f"uses the transform {str(shown)[:80]}, which CloudFormation expands on deployment. Judge the expanded "
                "template: `aws cloudformation get-template --template-stage Processed`"
            )
    pseudo = {name: value for name, value in (("AWS::Region", region), ("AWS::AccountId", account)) if value}
    for name in names:
        if name == language_extensions.TRANSFORM:
            try:
                body = {**language_extensions.expand(body, pseudo), "Transform": declared}
            except RecursionError:
                raise ExpansionError(f"{name} nests loops too deeply") from None
        else:
            body = _without_sam(body, region or _DEFAULT_REGION)
    return {name: section for name, section in body.items() if name != "Transform"} if names else body


def _inline(body: Mapping[str, Json]) -> list[Json]:
    """Return the names of the macros that a part of the template calls."""
    calls = [value["Fn::Transform"] for value in values_in(body) if isinstance(value, Mapping) and "Fn::Transform" in value]
    return [each.get("Name") if isinstance(each, Mapping) else each for call in calls for each in _listed(call)]


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _without_sam(body: Mapping[str, Json], region: str) -> dict[str, Any]:
    from samtranslator.model.exceptions import (  # noqa: PLC0415 - 0.4 s, for SAM only
        InvalidDocumentException,
    )
    from samtranslator.parser.parser import Parser  # noqa: PLC0415
    from samtranslator.translator.translator import Translator  # noqa: PLC0415

    logging.getLogger("samtranslator").setLevel(logging.CRITICAL)
    template = _packaged(body)
    # Of a session it reads the region only; a real one would read the user's AWS configuration.
    translator = Translator(None, Parser(), boto_session=SimpleNamespace(region_name=region))
    try:
        return dict(translator.translate(template, {}))
    except InvalidDocumentException as error:
        causes = "; ".join(str(getattr(cause, "message", cause)) for cause in error.causes)
        raise ExpansionError(f"is not a template that {SAM} takes: {causes}") from error
    except Exception as error:
        # It expects a template of the right shape, and another shape may raise any error.
        raise ExpansionError(f"cannot be expanded by {SAM} ({type(error).__name__}: {error})") from error


def _packaged(body: Mapping[str, Json]) -> dict[str, Any]:
    """Return a copy of a SAM template in which files are in a bucket, as `sam package` leaves them.

    An application of the Serverless Application Repository is a nested stack, of a template that only AWS has.
    """
    template: dict[str, Any] = deepcopy(dict(body))
    parameters = _mapping(template.get("Parameters"))
    defaults = _mapping(_mapping(template.get("Globals")).get("Function"))
    unknown: set[str] = set()
    for resource in _mapping(template.get("Resources")).values():
        kind, properties = str(_mapping(resource).get("Type")), _mapping(resource).get("Properties")
        if not isinstance(properties, dict):
            continue
        given = {**defaults, **properties} if kind == _FUNCTION else properties
        if kind == "AWS::Serverless::Application" and isinstance(given.get("Location"), Mapping):
            resource["Type"], resource["Properties"] = "AWS::CloudFormation::Stack", {"TemplateURL": {"Ref": APPLICATION}}
            unknown.add(APPLICATION)
        if isinstance(name := _mapping(given.get("AutoPublishAlias")).get("Ref"), str):  # a part of a logical id
            properties["AutoPublishAlias"] = _mapping(parameters.get(name)).get("Default", name)
        if kind == _FUNCTION and given.get("PackageType") == "Image":
            if "ImageUri" not in given:
                properties["ImageUri"] = {"Ref": PACKAGE_IMAGE}
                unknown.add(PACKAGE_IMAGE)
            continue
        name = _FILES.get(kind, "")
        path = given.get(name, "." if kind == _FUNCTION and "InlineCode" not in given else None)
        if isinstance(path, dict) and (place := _PLACE.fullmatch(str(path.get("Fn::Sub")))):
            properties[name] = {key: {"Fn::Sub": text} for key, text in place.groupdict().items()}
        elif isinstance(path, str) and not path.startswith(("s3://", "https://")):
            properties[name] = {"Bucket": {"Ref": PACKAGE_BUCKET}, "Key": path}
            unknown.add(PACKAGE_BUCKET)
    if unknown:
        template["Parameters"] = parameters | {name: {"Type": "String"} for name in sorted(unknown)}
    return template


def _mapping(value: Json) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
