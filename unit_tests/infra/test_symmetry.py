"""The regions are the same but for their names: what is proven of one holds for the other, and either can be active.

Differences that must be are declared in `between_regions.py`; one that is declared and not there is a failure too.
"""

import copy
import dataclasses
from fnmatch import fnmatchcase

import pytest

from unit_tests.infra.between_regions import DIFFERENT, between, is_declared
from unit_tests.infra.synthesis import Synthesis


@pytest.mark.parametrize("kind", ["Keys", "Regional"])
def test_the_regions_differ_in_declared_places_only(kind: str, prod: Synthesis) -> None:
    assert [place for place in between(prod, kind) if not is_declared(place)] == []


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
def test_property_of_one_region_only_is_reported(kind: str, name: str, value: object, prod: Synthesis) -> None:
    broken = dataclasses.replace(prod, templates=copy.deepcopy(dict(prod.templates)))
    resources = broken.templates["SecondaryRegional"]["Resources"]
    logical_id = next(id_ for id_, each in resources.items() if each["Type"] == kind)
    resources[logical_id]["Properties"][name] = value
    found = [place for place in between(broken, "Regional") if not is_declared(place)]
    assert found
    assert all(place.startswith(f"Resources.{logical_id}.Properties.{name}") for place in found)
