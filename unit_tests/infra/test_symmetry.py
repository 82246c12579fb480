"""The regions are the same but for their names: what is proven of one holds for the other, and either can be active.

Differences that must be are declared here, each with its reason; one that is declared and not there is a failure too.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from infra.settings import PREFIX_LISTS
from unit_tests.infra.synthesis import Synthesis, Template

SWAPPED = {
    "us-west-2": "us-east-1",
    "us-east-1": "us-west-2",
    PREFIX_LISTS["us-west-2"].s3: PREFIX_LISTS["us-east-1"].s3,
    PREFIX_LISTS["us-west-2"].dynamodb: PREFIX_LISTS["us-east-1"].dynamodb,
}
"""What the secondary's template says, and what the primary's says in its place."""

DIFFERENT = {
    "Description": "says which region's part the stack has",
    "Outputs.ExportsOutputFnGetAttKeysTrail*": "the trail's key is used in the control region only",
    "Resources.AlarmsTrailSilent*": "the trail's log group is in the control region",
    "Resources.IngestBucket*.DependsOn": "the rule needs its role to be allowed first",
    "Resources.IngestBucket*.Properties.ReplicationConfiguration": "the reverse rule is set by the failover stack",
    "Resources.KeysTrail*.KeyPolicy.Statement.*.aws:SourceArn": "the one trail is homed in one region",
    "Resources.*.Properties.Environment.Variables.PRIMARY_REGION": "the same region is the primary for both",
    "Resources.NetworkVpc*.Properties.Tags.*.Value": "CDK's Name tag is the construct's path",
    "Resources.RotationSchedule*": "a secret is rotated where it was made, in the control region",
}
"""Places in which the two templates may differ, and why."""


def swapped(template: Template) -> Template:
    """Return the secondary's template as the primary's would be."""
    text = re.sub("|".join(map(re.escape, SWAPPED)), lambda found: SWAPPED[found[0]], json.dumps(template))
    # CDK makes the logical ids of a security group's rules from the path of the peer, stack included.
    text = re.sub(r"(Network\w+?)(?:to|from)SecondaryRegional(Network\w+?)[0-9A-F]{16,}", r"\1\2", text)
    swapped_template: Template = json.loads(text)
    return swapped_template


def plain(template: Template) -> Template:
    """Return the primary's template with the same ids."""
    text = re.sub(r"(Network\w+?)(?:to|from)PrimaryRegional(Network\w+?)[0-9A-F]{16,}", r"\1\2", json.dumps(template))
    plain_template: Template = json.loads(text)
    return plain_template


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


def declared(place: str) -> bool:
    return any(fnmatchcase(place, pattern) for pattern in DIFFERENT)


def between(prod: Synthesis, kind: str) -> list[str]:
    return list(differences(plain(prod.templates[f"Primary{kind}"]), swapped(prod.templates[f"Secondary{kind}"])))


@pytest.mark.parametrize("kind", ["Keys", "Regional"])
def test_the_regions_differ_in_declared_places_only(kind: str, prod: Synthesis) -> None:
    assert [place for place in between(prod, kind) if not declared(place)] == []


def test_each_declared_difference_is_there(prod: Synthesis) -> None:
    found = [place for kind in ("Keys", "Regional") for place in between(prod, kind)]
    assert [each for each in DIFFERENT if not any(fnmatchcase(place, each) for place in found)] == []


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("AWS::Lambda::Function", "MemorySize", 1),
        ("AWS::SQS::Queue", "MessageRetentionPeriod", 60),
        ("AWS::S3::Bucket", "VersioningConfiguration", {"Status": "Suspended"}),
        ("AWS::CloudWatch::Alarm", "Threshold", 10**6),
    ],
)
def test_a_property_that_only_one_region_has_is_told(
    kind: str, name: str, value: object, templates: Mapping[str, Template]
) -> None:
    broken = copy.deepcopy(templates["SecondaryRegional"])
    logical_id = next(id_ for id_, each in broken["Resources"].items() if each["Type"] == kind)
    broken["Resources"][logical_id]["Properties"][name] = value
    told = differences(plain(templates["PrimaryRegional"]), swapped(broken))
    assert any(place.startswith(f"Resources.{logical_id}.Properties.{name}") for place in told if not declared(place))
