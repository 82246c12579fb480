"""Policy documents are read in every form that IAM accepts, or raise UnresolvedError."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compliance.cfn.policies import Condition, Principal, Statement, covers, may_meet, policies, statements
from compliance.cfn.templates import Template
from compliance.cfn.values import UnresolvedError

EAST = Template(name="East", body={}, region="us-east-1")


def _document(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*", **changes}
    return {"Statement": [{key: value for key, value in statement.items() if value is not None}]}


def _one(**changes: Any) -> Statement:  # noqa: ANN401
    (statement,) = statements(_document(**changes), EAST)
    return statement


def test_single_values_and_json_strings_are_read_like_lists() -> None:
    whole = {"Statement": [{"Effect": "Deny", "Action": ["s3:*"], "Resource": ["*"], "Principal": {"AWS": ["*"]}}]}
    short = {"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Principal": {"AWS": "*"}}}

    assert statements(whole, EAST) == statements(json.dumps(short), EAST)
    (once,) = statements(short, EAST)
    assert once.denies
    assert not once.allows
    assert once.is_about_everyone


def test_texts_of_a_statement_are_rendered() -> None:
    statement = _one(
        Sid="Read",
        Principal={"AWS": {"Fn::GetAtt": ["Role", "Arn"]}, "Service": ["a.amazonaws.com"]},
        Resource=[{"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/*"]]}],
        Condition={"Bool": {"aws:SecureTransport": False}, "StringEquals": {"a": ["b", {"Ref": "AWS::Region"}]}},
    )

    assert statement.name == "Read"
    assert statement.principals == (Principal("AWS", "${Role.Arn}"), Principal("Service", "a.amazonaws.com"))
    assert statement.services() == ("a.amazonaws.com",)
    assert statement.resources == ("${Bucket.Arn}/*",)
    assert statement.conditions == (
        Condition("Bool", "aws:SecureTransport", ("false",)),
        Condition("StringEquals", "a", ("b", "us-east-1")),
    )
    assert not statement.is_about_everyone


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["arn:aws:iam::1:root", "*"]}])
def test_everyone_is_recognised_in_every_form(principal: Any) -> None:  # noqa: ANN401
    assert _one(Principal=principal).is_about_everyone


@pytest.mark.parametrize("principal", [{"Service": "*"}, {"AWS": "arn:aws:iam::*:root"}, {"AWS": {"Ref": "P"}}, None])
def test_other_principals_are_not_everyone(principal: Any) -> None:  # noqa: ANN401
    assert not _one(Principal=principal).is_about_everyone


def test_each_branch_of_a_condition_is_a_policy_of_its_own() -> None:
    document = _document(Effect={"Fn::If": ["C", "Allow", "Deny"]})

    assert [statement.effect for (statement,) in policies(document, EAST)] == ["Allow", "Deny"]


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"Statement": []},
        "not json",
        {"Ref": "Policy"},
        {"Statement": {"Ref": "S"}},
        {"Statement": [{"Ref": "S"}]},
        _document(Effect="allow"),
        _document(Effect=None),
        _document(Effect={"Ref": "E"}),
        _document(Action=None),
        _document(Action=[]),
        _document(Action={"Ref": "AWS::NoValue"}),
        _document(NotAction="s3:*"),
        _document(Action={"Ref": "A"}),
        _document(Action=[7]),
        _document(Principal="me"),
        _document(Principal={"Nobody": "*"}),
        _document(Principal={"Ref": "P"}),
        _document(Resources="*"),
        _document(Condition={"Ref": "C"}),
        _document(Condition={"Bool": "x"}),
        _document(Resource=[["*"]]),
    ],
)
def test_malformed_document_is_unresolved(document: Any) -> None:  # noqa: ANN401
    with pytest.raises(UnresolvedError):
        list(policies(document, EAST))


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("s3:*", "s3:GetObject", True),
        ("S3:get*", "s3:GetObject", True),
        ("*", "s3:*", True),
        ("s3:Get*", "s3:*", False),
        ("s3:?", "s3:*", False),
        ("s3:GetObjec?", "s3:GetObject", True),
        ("s3:Get.bject", "s3:GetObject", False),
    ],
)
def test_patterns_cover_actions_and_narrower_patterns(pattern: str, action: str, expected: bool) -> None:  # noqa: FBT001
    assert covers(pattern, action) is expected


def test_statement_covers_actions_that_it_names_or_does_not_exclude() -> None:
    assert _one(Action=["s3:Get*", "s3:List*"]).covers_action("s3:GetObject")
    assert not _one(Action="s3:Get*").covers_action("s3:PutObject")
    assert _one(Action=None, NotAction="iam:*").covers_action("s3:PutObject")
    assert not _one(Action=None, NotAction="s3:Put*").covers_action("s3:PutObject")
    assert not _one(Action=None, NotAction="s3:PutObject").covers_action("s3:*")


_text = st.text("ab*?", max_size=6)


@pytest.mark.property
@given(_text, _text, st.text("ab", max_size=6))
@example("?", "*", "a")
@example("*?", "?*", "ab")
def test_pattern_covers_everything_that_a_narrower_one_covers(wide: str, narrow: str, action: str) -> None:
    if covers(wide, narrow) and covers(narrow, action):
        assert covers(wide, action)
    if covers(wide, action) and covers(narrow, action):
        assert may_meet(wide, narrow)


@pytest.mark.property
@given(_text, st.text("ab", max_size=6))
def test_patterns_agree_with_a_regular_expression(pattern: str, action: str) -> None:
    expression = pattern.replace("*", "[ab]*").replace("?", "[ab]")

    assert covers(pattern, action) is (re.fullmatch(expression, action) is not None)


def test_covers_of_many_asterisks_matches_as_iam_does() -> None:
    assert covers("*a*b*c", "xaybzc")
    assert covers("s3:*Object*", "s3:GetObjectTagging")
    assert covers("a**b", "ab")
    assert not covers("*a*b*c", "xaybzcd")
    assert not covers("*b*a*c", "xaybzc")


def test_covers_of_a_hostile_pattern_ends() -> None:
    """Of 40 asterisks over 60 characters, a backtracking matcher tries more ways than there are seconds."""
    assert not covers("*?" * 40 + "z", "a" * 60)
