"""The verdict and the message of one rule about one resource."""

from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, verdict_on
from unit_tests.compliance.rules.corruptions import Resource

PASS, FAIL, NOT_EVALUATED = Verdict.PASS, Verdict.FAIL, Verdict.NOT_EVALUATED


def says(rule: str, resource: Resource, region: str = "us-west-2") -> Verdict | None:
    """Return the rule's verdict on one resource that stands alone; None where it does not apply."""
    return verdict_on(rule, resource, region)[0]


def message(rule: str, resource: Resource, region: str = "us-west-2") -> str:
    """Return what the rule says of one resource that stands alone."""
    return verdict_on(rule, resource, region)[1]


def verdict_in(rule: str, logical_id: str, *templates: Template) -> Verdict | None:
    """Return the rule's verdict on a resource, in the first template that has it; None where it does not apply."""
    rows = [row for row in ask(rule, *templates) if row.logical_id == logical_id]
    return rows[0].verdict if rows else None


def message_in(rule: str, logical_id: str, *templates: Template) -> str:
    """Return what the rule says of one resource of several templates."""
    return next(row.message for row in ask(rule, *templates) if row.logical_id == logical_id)
