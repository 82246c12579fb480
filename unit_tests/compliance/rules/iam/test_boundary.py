"""Test that every role has the permissions boundary that the templates declare."""

from dataclasses import replace
from typing import Final

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.corruptions import Value, resource
from unit_tests.compliance.rules.verdicts import rule_test

OURS: Final = "arn:aws:iam::000000000000:policy/platform/boundary"


def roles(boundary: Value, other: Value, declared: Value = OURS) -> Template:
    both = {name: resource("IAM::Role", PermissionsBoundary=given) for name, given in (("It", boundary), ("Other", other))}
    made = template(both)
    return replace(made, body={**made.body, "Metadata": {"Lockstep": {"PermissionsBoundary": declared}}})


test_boundary = rule_test(
    "ActivePassive-IAMBoundary",
    passes=[roles(OURS, None), roles(OURS, "arn:aws:iam::aws:policy/ReadOnlyAccess")],
    fails=[
        roles(None, OURS),
        roles(None, None),
        roles(None, OURS, declared=None),
        roles(OURS, OURS, declared=None),
        roles("arn:aws:iam::aws:policy/AdministratorAccess", OURS),
        roles(OURS, OURS, declared={"Ref": "Boundary"}),
    ],
    unresolved=[roles({"Ref": "Boundary"}, OURS)],
    ignored=[roles(None, None, declared=None), resource("IAM::Role"), resource("SQS::Queue")],
)
