"""Every replica is encrypted with a customer's key of its own region."""

from collections.abc import Iterator
from typing import Final

from compliance.aws.keys import key_violations
from compliance.aws.replicas import GLOBAL_TABLE, Replica, replicas
from compliance.cfn.reading import require_bool, require_mapping
from compliance.cfn.templates import Resource, TemplateSet
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule
from compliance.engine.violations import rule_from

_SETTING: Final = "SSESpecification"


def _violations(table: Resource, world: TemplateSet) -> Iterator[str]:
    encryption = require_mapping(table.properties.get(_SETTING), _SETTING)
    if not require_bool(encryption.get("SSEEnabled"), "SSEEnabled"):
        yield f"{_SETTING}.SSEEnabled is not true, so DynamoDB's own key encrypts every replica, whatever they name"
    if encryption.get("SSEType", "KMS") != "KMS":
        yield f"{_SETTING}.SSEType is {encryption['SSEType']!r}; it must be KMS"
    for replica in replicas(table, world):
        yield from _of_replica(replica, table, world)


def _of_replica(replica: Replica, table: Resource, world: TemplateSet) -> Iterator[str]:
    key = require_mapping(replica.settings.get(_SETTING), _SETTING).get("KMSMasterKeyId")
    yield from key_violations(f"the key of {replica.place}", key, replica.region, table, world)


RULE = Rule(
    title="Every replica of a global table is encrypted with a customer managed key of its own region",
    why=(
        "A replica whose key is in the other region is unreadable once that region is down; one under AWS's own key can "
        "be neither audited nor cut off."
    ),
    fix="Set SSESpecification on the table (SSEEnabled, KMS), and a KMSMasterKeyId of its region on every replica.",
    judge=rule_from(_violations, GLOBAL_TABLE),
    controls=nist("SC-12", "SC-13", "SC-28") + hipaa("164.312(a)(2)(iv)", "164.312(e)(2)(ii)") + pci("3.4", "3.5"),
)
