"""Test names: they have one form, are never too long or truncated, and are unique."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.naming import BUCKETS, Naming, NamingError
from infra.settings import AWS_REGIONS
from unit_tests.infra.strategies import environment_names

LIMITS = {
    "queue": 80,
    "function": 64,
    "table": 255,
    "secret": 512,
    "trail": 128,
    "topic": 256,
    "alarm": 255,
    "dashboard": 255,
    "api": 128,
    "event_rule": 64,
    "log_group": 512,
    "alias": 256,
    "stack": 128,
    "security_group": 255,
    "role": 64,
}
"""The longest name of each kind, copied from AWS's references to be independent of the code."""
KINDS = sorted(LIMITS)
WORDS = st.from_regex(r"[a-z][a-z0-9]{0,7}(-[a-z0-9]{1,8}){0,4}", fullmatch=True)
LONG_WORDS = st.integers(1, 600).map("a".__mul__)


def method(naming: Naming, kind: str) -> Callable[[str], str]:
    made: Callable[[str], str] = getattr(naming, kind)
    return made


def test_names_read_as_the_platform_promises() -> None:
    naming = Naming("prod")
    assert naming.queue("ingest-dlq") == "serverless-ingest-dlq-prod"
    assert naming.alias("data") == "alias/serverless-data-prod"
    assert naming.bucket_prefix("ingest", "us-east-1") == "serverless-ingest-prod"
    assert naming.bucket_name("ingest", "000000000000", "us-west-2") == "serverless-ingest-prod-000000000000-us-west-2-an"


def test_kinds_of_names_all_have_a_limit() -> None:
    named = {name for name in vars(Naming) if not name.startswith("_") and name not in {"environment", "prefix"}}
    assert named == {*LIMITS, "bucket_prefix", "bucket_name"}


@pytest.mark.parametrize("kind", KINDS)
def test_name_may_be_as_long_as_aws_allows(kind: str) -> None:
    of_kind = method(Naming("prod"), kind)
    room = LIMITS[kind] - len(of_kind("a")) + 1
    assert len(of_kind("a" * room)) == LIMITS[kind]
    with pytest.raises(NamingError, match=f"has {LIMITS[kind] + 1} characters and AWS allows {LIMITS[kind]}: .* by 1;"):
        of_kind("a" * (room + 1))


@pytest.mark.property
@given(environment=environment_names(), kind=st.sampled_from(KINDS), resource=WORDS | LONG_WORDS)
def test_name_is_never_truncated(environment: str, kind: str, resource: str) -> None:
    whole = f"serverless-{resource}-{environment}"
    whole = f"alias/{whole}" if kind == "alias" else whole
    try:
        name = method(Naming(environment), kind)(resource)
    except NamingError as error:
        assert len(whole) > LIMITS[kind]
        for part in (whole, str(len(whole)), str(LIMITS[kind]), f"by {len(whole) - LIMITS[kind]};"):
            assert part in str(error)
    else:
        assert name == whole
        assert len(name) <= LIMITS[kind]


@pytest.mark.parametrize("region", AWS_REGIONS)
@pytest.mark.parametrize("environment", ["prod", "staging", "dev"])
def test_shipped_environment_in_any_region_has_names(environment: str, region: str) -> None:
    assert all(len(Naming(environment).bucket_name(each, "0" * 12, region)) <= 63 for each in BUCKETS)


@pytest.mark.property
@given(
    environment=environment_names(),
    resource=st.sampled_from(BUCKETS),
    region=st.sampled_from(AWS_REGIONS),
    account=st.integers(0, 10**12 - 1).map("{:012}".format),
)
def test_bucket_name_is_valid_or_refused(environment: str, resource: str, region: str, account: str) -> None:
    whole = f"serverless-{resource}-{environment}-{account}-{region}-an"
    naming = Naming(environment)
    try:
        name = naming.bucket_name(resource, account, region)
    except NamingError:
        assert len(whole) > 63
    else:
        assert name == whole
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", name)
        assert name.startswith(naming.bucket_prefix(resource, region) + "-")


@pytest.mark.property
@given(one=st.tuples(WORDS, environment_names()), other=st.tuples(WORDS, environment_names()))
def test_names_of_two_resources_differ(one: tuple[str, str], other: tuple[str, str]) -> None:
    names = [Naming(environment).queue(resource) for resource, environment in (one, other)]
    short, long = sorted((one[1], other[1]), key=len)
    # Such a pair of environments is refused in one file: see test_environments_that_could_share_a_name_are_refused.
    assert (names[0] == names[1]) == (one == other) or long.endswith(f"-{short}")


@pytest.mark.parametrize(
    "word", ["", "Ingest", "in_gest", "-ingest", "ingest-", "in--gest", "1st", "in.gest", "ingest\n", "é"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_invalid_word_is_refused_in_a_name(kind: str, word: str) -> None:
    with pytest.raises(NamingError, match="as in 'access-logs'"):
        method(Naming("prod"), kind)(word)


def test_unknown_bucket_is_refused() -> None:
    with pytest.raises(NamingError, match="add it to BUCKETS"):
        Naming("prod").bucket_prefix("unheard-of", "us-east-1")


@pytest.mark.parametrize("environment", ["", "p", "Prod", "pre--prod", "-prod", "prod-", "1st", "prod\n", "abcdefghijklm"])
def test_environment_unfit_for_names_is_refused(environment: str) -> None:
    with pytest.raises(NamingError, match="2 to 12 characters"):
        Naming(environment)


@pytest.mark.parametrize("prefix", ["", "a", "Acme", "acme_data", "a--b", "acme-", "acme\n", "a" * 21, "sthree", "sthree-x"])
def test_prefix_unfit_for_names_is_refused(prefix: str) -> None:
    with pytest.raises(NamingError, match="2 to 20 characters"):
        Naming("prod", prefix)


def test_prefix_and_hyphenated_environment_are_parts_of_each_name() -> None:
    naming = Naming("qa-eu", "acme-data")
    assert naming.queue("ingest") == "acme-data-ingest-qa-eu"
    assert naming.alias("data") == "alias/acme-data-data-qa-eu"
    assert naming.bucket_prefix("ingest", "us-east-1") == "acme-data-ingest-qa-eu"
