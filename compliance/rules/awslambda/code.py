"""A function's code comes from a bucket of its own account and region."""

import re
from collections.abc import Iterator
from typing import Final

from compliance.aws.accounts import is_unknown_principal
from compliance.aws.event_sources import FUNCTION
from compliance.aws.replication_terms import BUCKET
from compliance.cfn.arns import ACCOUNT, find
from compliance.cfn.reading import require_mapping
from compliance.cfn.references import follow, render
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.transforms import PACKAGE_BUCKET
from compliance.cfn.values import UnresolvedError, is_absent
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from

_ACCOUNT: Final = re.compile(r"(?<!\d)\d{12}(?!\d)")
_REGION: Final = re.compile(r"(?<![a-z0-9])[a-z]{2}(?:-[a-z]+)+-\d(?![0-9])")


def _has_code_in_a_bucket(function: Resource, _world: TemplateSet) -> bool:
    code = function.properties.get("Code")
    return is_absent(code) or not is_absent(require_mapping(code, "Code").get("S3Bucket"))


def _violations(function: Resource, world: TemplateSet) -> Iterator[str]:
    value = require_mapping(function.properties.get("Code"), "Code").get("S3Bucket")
    if is_absent(value):
        yield "Code is not set, so the code that runs is unknown"
        return
    bucket = find(value, function.template, world, BUCKET)
    if bucket is not None:
        if bucket.template.region != function.template.region:
            yield f"its code is in a bucket of {bucket.template.region}; Lambda loads from its own region only"
        return
    value, template = follow(value, function.template, world)
    name = render(value, template)
    if ACCOUNT not in name and not any(not is_unknown_principal(account, world) for account in _ACCOUNT.findall(name)):
        if name == f"${{{PACKAGE_BUCKET}}}":
            key = require_mapping(function.properties.get("Code"), "Code").get("S3Key")
            raise UnresolvedError(f"its code is in {key!r}; run `sam package`, and judge the template that it writes")
        if "${" in name:
            raise UnresolvedError(f"the template does not say whose bucket {name} is")
        yield (
            f"its code comes from the bucket {name!r}, which is in none of the templates and not named by this account: "
            "the owner of that name decides what runs"
        )
    for region in _REGION.findall(name):
        if function.template.region and region != function.template.region:
            yield f"its code is in the bucket {name!r} of {region}; Lambda loads from its own region only"


RULE = Rule(
    title="A function's code comes from a bucket of its own account and region",
    why=(
        "Bucket names are global. The owner of a bucket outside the account can change the code, and code in the other "
        "region cannot be loaded while that region is down."
    ),
    fix="Let the CDK put the code in its assets' bucket of the account and region, or declare the bucket in a template.",
    judge=rule_from(_violations, FUNCTION, applies=_has_code_in_a_bucket),
    controls=nist("CM-5", "CM-7", "CP-10", "SI-7") + hipaa("164.308(a)(5)(ii)(B)", "164.312(c)(1)") + pci("6.3"),
)
