"""What one region's stacks say of the other: where the two may differ, and where either may name the other.

Both lists are declared here, each place with its reason, and checked in prod (test_symmetry, test_independence) and in
any configuration (test_any_settings).
"""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from unit_tests.infra.synthesis import Synthesis, Template, leaves

DIFFERENT = {
    "Description": "says which region's part the stack has",
    "Outputs.ExportsOutputFnGetAttKeysTrail*": "the trail's key is used in the control region only",
    "Resources.AlarmsTrailSilent*": "the trail's log group is in the control region",
    "Resources.IngestBucket*.DependsOn": "the rule needs its role to be allowed first",
    "Resources.IngestBucket*.Properties.ReplicationConfiguration": "the reverse rule is set by the failover stack",
    "Resources.KeysTrail*.KeyPolicy.Statement.*.aws:SourceArn": "the one trail is homed in one region",
    "Resources.*.Properties.Environment.Variables.PRIMARY_REGION": "the same region is the primary for both",
    "Resources.*.Properties.Environment.Variables.SECONDARY_REGION": "likewise the secondary",
    "Resources.NetworkVpcIsolatedSubnet*.Properties.AvailabilityZoneId": "a zone is of one region",
    "Resources.NetworkVpc*.Properties.Tags.*.Value": "CDK's Name tag is the construct's path",
    "Resources.RotationSchedule*": "a secret is rotated where it was made, in the control region",
}
"""Places in which the two templates may differ, and why."""

DIFFERENT_WITH_AUTO_PROMOTE = {
    "Resources.ObserverFunctionPolicy*.dynamodb:LeadingKeys*": "the secondary may promote itself, and the primary never",
}
"""One more such place, where the settings let the secondary promote itself."""

DIFFERENT_WITH_A_DOMAIN = {
    "Resources.Domain*.Properties.Failover": "one of two records is PRIMARY",
    "Resources.DomainPrimary*": "the PRIMARY stands on signals of the other region too, and the SECONDARY on none",
    "Resources.DomainFailoverRecord*.Properties.HealthCheckId.Fn::GetAtt.*": "likewise",
    "Outputs.HealthCheckId.Value.Fn::GetAtt.*": "it tells what the region's own record stands on",
    "Resources.Domain*.Properties.SetIdentifier": "the two records are told apart by it",
    "Resources.Domain*.Properties.HealthCheckTags.*.Value": "a health check's name says which region it asks",
}
"""More such places, in a configuration in which the regional stacks hold the failover records."""

NAMES_THE_OTHER_REGION = {
    "AWS::S3::Bucket.ReplicationConfiguration.Rules.*.Destination.*": "where the primary replicates to, and by which key",
    "AWS::IAM::ManagedPolicy.PolicyDocument.Statement.*.Resource.*": "what the replication role may write to",
    "AWS::IAM::ManagedPolicy.PolicyDocument.Statement.*.Resource": "the replica that the observer may look at",
    "AWS::IAM::ManagedPolicy.PolicyDocument.Statement.*.dynamodb:LeadingKeys.*": "the one row of it that it looks for",
    "AWS::Lambda::Function.Environment.Variables.PEER_REGION": "which region the observer looks at",
    "AWS::Lambda::Function.Environment.Variables.PEER_INGEST_BUCKET.*": "by what replication's metrics are found",
    "AWS::Lambda::Function.Environment.Variables.PRIMARY_REGION": "which region is active while no control row says so",
    "AWS::Lambda::Function.Environment.Variables.SECONDARY_REGION": "the other region whose claim to be active counts",
    "AWS::KMS::Key.KeyPolicy.Statement.*.Condition.StringEquals.aws:SourceArn": "the trail, by its home region",
    "AWS::CloudWatch::Alarm.Dimensions.*.Value": "replication metrics name both ends",
    "AWS::CloudWatch::Alarm.AlarmDescription": "what whoever is woken reads",
}
"""Places (a resource's type and the path of a property) where a stack of one region may name the other, and why."""

NAMES_THE_OTHER_REGION_WITH_A_DOMAIN = {
    "AWS::Route53::HealthCheck.HealthCheckConfig.AlarmIdentifier.Region": "the PRIMARY's, to what the other region sees",
}
"""More such places, in a configuration in which the regional stacks hold the failover records."""


def plain(template: Template, *, here: str, there: str) -> Template:
    """Write a regional template without the names by which alone the two differ: of regions and of prefix lists."""
    text = re.sub(rf"\b({here}|{there})\b", lambda found: "(here)" if found[0] == here else "(there)", json.dumps(template))
    text = re.sub(r'"pl-[0-9a-f]+"', '"(prefix list)"', text)
    # CDK makes the logical ids of a security group's rules from the path of the peer, stack included.
    text = re.sub(r"(Network\w+?)(?:to|from)(?:Primary|Secondary)Regional(Network\w+?)[0-9A-F]{16,}", r"\1\2", text)
    # CDK sorts a statement's resources by their ARNs, so that the regions' own names decide which is first.
    result: Template = json.loads(text, object_hook=_in_any_order)
    return result


def _in_any_order(node: dict[str, Any]) -> dict[str, Any]:
    return {**node, "Resource": sorted(node["Resource"], key=str)} if isinstance(node.get("Resource"), list) else node


def differences(one: Any, other: Any, path: tuple[str, ...] = ()) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Yield the path of each thing that is in one only or is not the same in both; lists differ as a whole."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if key in one and key in other:
                yield from differences(one[key], other[key], (*path, key))
            else:
                yield ".".join((*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (below, also) in enumerate(zip(one, other, strict=True)):
            yield from differences(below, also, (*path, str(index)))
    elif one != other:
        yield ".".join(path)


def between(synthesis: Synthesis, kind: str) -> list[str]:
    """Every place in which the two regions' stacks of a kind (`Keys`, `Regional`) differ, but for their own names."""
    primary, secondary = synthesis.settings.regions
    return list(
        differences(
            plain(synthesis.templates[f"Primary{kind}"], here=primary, there=secondary),
            plain(synthesis.templates[f"Secondary{kind}"], here=secondary, there=primary),
        )
    )


def is_declared(place: str, *, with_domain: bool = False) -> bool:
    """Whether the two may differ here."""
    patterns = [*DIFFERENT, *DIFFERENT_WITH_AUTO_PROMOTE, *(DIFFERENT_WITH_A_DOMAIN if with_domain else ())]
    return any(fnmatchcase(place, pattern) for pattern in patterns)


def reads(template: Template, intrinsic: str) -> Iterator[object]:
    """Yield what an intrinsic function is given, wherever it stands."""
    pending: list[object] = [template]
    while pending:
        match pending.pop():
            case dict() as node:
                if intrinsic in node:
                    yield node[intrinsic]
                pending.extend(node.values())
            case list() as node:
                pending.extend(node)


def exports(template: Template) -> set[str]:
    """The names that a template exports."""
    return {output["Export"]["Name"] for output in template["Outputs"].values() if "Export" in output}


def mentions(template: Template, region: str) -> Iterator[str]:
    """Yield each place that names a region, as `<type>.<path>`; outputs are places too."""
    for resource in template["Resources"].values():
        for path, value in leaves(resource.get("Properties", {})):
            if isinstance(value, str) and region in value:
                yield ".".join((resource["Type"], *path))
    for name, output in template["Outputs"].items():
        if region in json.dumps(output):
            yield f"output {name}"


def other_region(synthesis: Synthesis, stack: str) -> str:
    """The region in which a stack is not."""
    here = synthesis.stacks[stack].region
    return next(region for region in synthesis.settings.regions if region != here)


def undeclared(template: Template, region: str, *, with_domain: bool = False) -> list[str]:
    """The places that name the other region and may not."""
    patterns = [*NAMES_THE_OTHER_REGION, *(NAMES_THE_OTHER_REGION_WITH_A_DOMAIN if with_domain else ())]
    return [place for place in mentions(template, region) if not any(fnmatchcase(place, each) for each in patterns)]


def faults(template: Template, keys: Template) -> list[str]:
    """Tell what ties a regional stack to any stack but its own region's keys."""
    imports = list(reads(template, "Fn::ImportValue"))
    return [
        *(f"reads the output {each}" for each in reads(template, "Fn::GetStackOutput")),
        *(f"exports {name}" for name in exports(template)),
        *(f"imports {name}" for name in imports if name not in exports(keys)),
    ]
