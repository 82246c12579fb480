"""Test the caller of a request and the sources that it may use."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.issuer.callers import Caller, Callers, principal_of

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/billing"
OBSERVER = f"arn:aws:iam::{ACCOUNT}:role/serverless-observer-prod-us-east-1"


def event(arn: object) -> dict[str, Any]:
    return {"requestContext": {"authorizer": {"iam": {"userArn": arn}}}}


def caller(arn: object, bound: str = f"billing={ROLE}") -> Caller:
    return Callers.parse(bound, OBSERVER).of_event(event(arn))


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/billing/i-0123456789abcdef0", ROLE),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/billing/a@b.example", ROLE),
        (ROLE, ROLE),
        (f"arn:aws:iam::{ACCOUNT}:role/teams/eu/billing", ROLE),
        (f"arn:aws:iam::{ACCOUNT}:user/teams/ann", f"arn:aws:iam::{ACCOUNT}:user/ann"),
        (f"arn:aws:iam::{ACCOUNT}:user/billing", f"arn:aws:iam::{ACCOUNT}:user/billing"),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/billing", f"arn:aws:sts::{ACCOUNT}:federated-user/billing"),
        (f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:root"),
        (f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/billing/one", f"arn:aws-cn:iam::{ACCOUNT}:role/billing"),
        (f"arn:aws-us-gov:iam::{ACCOUNT}:role/a/billing", f"arn:aws-us-gov:iam::{ACCOUNT}:role/billing"),
        ("", ""),
    ],
)
def test_arn_of_a_principal_is_reduced_to_the_principal(arn: str, principal: str) -> None:
    assert principal_of(arn) == principal


def test_identity_center_role_with_a_path_is_its_session() -> None:
    name = "AWSReservedSSO_Billing_0123456789abcdef"
    path = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/eu-west-1/{name}"
    found = caller(f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/ann@example.com", f"billing={path}")
    assert found.sources == frozenset({"billing"})


@pytest.mark.parametrize(
    "stranger",
    [
        f"arn:aws:sts::{ACCOUNT}:federated-user/billing",
        f"arn:aws:iam::{ACCOUNT}:root",
        f"arn:aws:iam::{ACCOUNT}:user/billing",
        f"arn:aws:iam::{ACCOUNT}:user/role/billing",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/billing2/billing",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/other/role/billing",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/Billing/one",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/*/one",
        "arn:aws:sts::210987654321:assumed-role/billing/one",
        f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/billing/one",
        f"{ROLE}\n",
        f" {ROLE}",
        "*",
        "billing",
        "",
        None,
        7,
        {"billing": ROLE},
    ],
)
def test_principal_with_a_similar_name_has_no_source(stranger: object) -> None:
    found = caller(stranger)
    assert found.sources == frozenset()
    for source in ("billing", "default", "ingest", "canary", ""):
        assert not found.may_send(source)
        assert not found.may_read(source)


def test_wildcard_in_a_binding_matches_only_itself() -> None:
    assert caller(ROLE, f"billing=arn:aws:iam::{ACCOUNT}:role/*").sources == frozenset()


def test_sources_of_one_principal_are_gathered() -> None:
    found = caller(ROLE, f"billing={ROLE},tax={ROLE},tax={ROLE},other={ROLE}2")
    assert found.sources == frozenset({"billing", "tax"})
    assert found.default_source == "default", "with several there is no own one to fall back to"


@pytest.mark.parametrize("source", ["e2e-", "e2e-20260101-000000-abcdef12", "e2e--"])
def test_beginning_with_an_asterisk_binds_every_source_of_it(source: str) -> None:
    found = caller(ROLE, f"e2e-*={ROLE},ingest-*={ROLE}")
    assert found.may_send(source)
    assert found.may_read(source)


@pytest.mark.parametrize("source", ["e2e", "e2", "E2e-1", "xe2e-1", "-*", "", "canary", "ingest", "default", None])
def test_beginning_with_an_asterisk_binds_no_other_source(source: str | None) -> None:
    found = caller(ROLE, f"e2e-*={ROLE},can-*={ROLE}")
    assert not found.may_read(source)
    assert not found.may_send(source or "")


def test_caller_that_is_bound_to_a_beginning_alone_has_no_own_source() -> None:
    assert caller(ROLE, f"e2e-*={ROLE}").default_source == "default"


def test_direct_source_is_readable_if_bound_and_never_sendable() -> None:
    found = caller(ROLE, f"ingest={ROLE}")
    assert found.may_read("ingest")
    assert not found.may_send("ingest")


def test_object_without_a_source_is_unreadable_for_bound_callers() -> None:
    assert not caller(ROLE).may_read(None)


def test_bound_observer_has_only_the_canary() -> None:
    found = caller(OBSERVER, f"billing={OBSERVER}")
    assert found.may_send("canary")
    assert not found.may_read("billing")


@pytest.mark.parametrize(
    "broken", [{}, {"requestContext": None}, {"requestContext": {"authorizer": []}}, {"requestContext": {"authorizer": {}}}]
)
def test_event_without_a_principal_gives_an_unbound_caller(broken: dict[str, Any]) -> None:
    found = Callers.parse(f"billing={ROLE}", OBSERVER).of_event(broken)
    assert (found.principal, found.is_observer, found.sources) == ("", False, frozenset())


@pytest.mark.property
@given(arn=st.text(st.characters(), max_size=60) | st.from_regex(r"arn:aws:(sts|iam)::[0-9]{12}:[a-z-]+/.*"))
def test_unbound_arn_gets_no_source(arn: str) -> None:
    found = caller(arn)
    assert found.principal == principal_of(arn)
    assert bool(found.sources) == (found.principal == ROLE)
    assert principal_of(found.principal) == found.principal, "a principal is its own"
