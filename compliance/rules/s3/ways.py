"""A bucket of a system in two regions has no way in or out that the templates leave alone."""

from collections.abc import Iterator

from compliance.aws.replication_terms import BUCKET
from compliance.cfn.arns import regions_of
from compliance.cfn.reading import require_bool, require_text, value_at
from compliance.cfn.references import of_type
from compliance.cfn.templates import Resource, TemplateSet
from compliance.cfn.texts import texts_in
from compliance.controls import hipaa, nist, pci
from compliance.engine.rule import Rule, rule_from


def _violations(bucket: Resource, world: TemplateSet) -> Iterator[str]:
    status = value_at(bucket.properties, ("AccelerateConfiguration", "AccelerationStatus"))
    if require_text(status, "AccelerationStatus") == "Enabled":
        yield "AccelerationStatus is Enabled; remove AccelerateConfiguration"
    events = ("NotificationConfiguration", "EventBridgeConfiguration", "EventBridgeEnabled")
    if require_bool(value_at(bucket.properties, events), "EventBridgeEnabled"):
        rules = of_type(world, "AWS::Events::Rule", region=bucket.template.region)
        patterns = [text.text for rule in rules for text in texts_in(rule.properties.get("EventPattern"), rule.template)]
        if "aws.s3" not in patterns:
            yield f"EventBridgeEnabled is true, and no rule of {bucket.template.region} takes events of aws.s3; remove it"


RULE = Rule(
    title="A bucket of two regions is reached in its own region alone, and a declared rule takes its events",
    why=(
        "Transfer Acceleration opens a second name of the bucket, at edge locations anywhere: data enters outside of the "
        "system's regions, and past what watches their doors. Events that no rule of the templates takes wait for any rule "
        "that is added to the account's bus later."
    ),
    fix="Remove AccelerateConfiguration; remove EventBridgeConfiguration, or declare the rule that takes its events.",
    judge=rule_from(_violations, BUCKET, applies=lambda _, world: len(regions_of(world)) > 1),
    controls=nist("AC-4", "CM-7", "SC-7") + hipaa("164.312(e)(1)") + pci("1.2", "1.3"),
)
