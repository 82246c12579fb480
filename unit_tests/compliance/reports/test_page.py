"""index.html is one file without network access, in which text of a template stays text.

integration_tests/browser tests it in a browser.
"""

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings

from compliance.engine.baseline import Changes, Row
from compliance.engine.findings import Findings, Verdict
from compliance.reports import page
from unit_tests.compliance.reports.ledgers import (
    FAILING,
    HOSTILE,
    PASSING,
    ROWS,
    TODAY,
    USE,
    hostile,
    ledger,
    ledgers,
    subject,
)
from unit_tests.fixtures.examples import examples
from unit_tests.fixtures.html_elements import HtmlElements

PLAIN = HtmlElements(page.render(ledger(*ROWS, subjects=(subject(),))))


def test_page_begins_with_the_verdict() -> None:
    failed, passed = page.render(ledger(*ROWS)), page.render(ledger(PASSING))

    assert "<strong>Failed: 3 findings open</strong>" in failed
    assert "<strong>Passed: no finding is open</strong>" in passed
    assert "nothing was evaluated" in page.render(ledger())
    assert failed.index("Failed: 3") < failed.index("To fix, the worst first") < failed.index("Acknowledgements</h2>")


def test_page_refers_to_no_other_file_or_address() -> None:
    for tag, attributes in PLAIN.found:
        for name in ("src", "href", "action", "data", "srcset", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,")), (tag, attributes)
    assert "url(" not in re.sub(r"url\(#head\d+\)", "", page.render(ledger(*ROWS)))


def test_security_policy_allows_only_our_script_and_style() -> None:
    policy = next(attributes["content"] for tag, attributes in PLAIN.found if attributes.get("http-equiv"))

    scripts = [text for text in PLAIN.texts["script"] if not text.startswith("{")]
    for content in ("".join(scripts), "".join(PLAIN.texts["style"])):
        assert base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() in str(policy)
    assert str(policy).startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in str(policy)


def test_page_has_no_inline_handlers_and_styles() -> None:
    named = {name for _, attributes in PLAIN.found for name in attributes}

    assert not [name for name in named if name.startswith("on") or name == "style"]


def test_fields_have_labels_and_tables_have_headings() -> None:
    labelled = {attributes.get("for") for tag, attributes in PLAIN.found if tag == "label"}
    fields = {attributes.get("id") for tag, attributes in PLAIN.found if tag in {"input", "select"}}

    assert fields
    assert fields <= labelled
    assert all(attributes.get("scope") for tag, attributes in PLAIN.found if tag == "th")
    ids = [attributes["id"] for _, attributes in PLAIN.found if attributes.get("id")]
    assert len(ids) == len(set(ids))


def test_hostile_text_adds_no_element() -> None:
    row = Row(rule=HOSTILE, configuration=HOSTILE, region=HOSTILE, path=HOSTILE, verdict=Verdict.FAIL)

    text = page.render(hostile(), Changes(new=(row,)))

    elements = HtmlElements(text)
    assert elements.names() <= PLAIN.names()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert sum(tag == "script" for tag, _ in elements.found) == 2


def test_decision_has_reason_owner_and_end_and_a_mark_before_it() -> None:
    soon = replace(USE, expires=TODAY + timedelta(days=20))

    text = page.render(ledger(*ROWS, decisions=(USE,)))
    for expected in (USE.title, USE.reason, USE.owner, USE.approver, USE.ticket, '<time datetime="2027-01-01">'):
        assert expected in text
    assert "(soon)" not in text
    assert "(soon)" in page.render(ledger(*ROWS, decisions=(soon,)))


def test_changes_follow_the_verdict() -> None:
    row = Row(rule="P::New", configuration="prod", region="us-east-1", path="S/New", verdict=Verdict.FAIL)

    text = page.render(ledger(*ROWS), Changes(new=(row,)))

    assert text.index("<strong>Failed") < text.index("New: 1") < text.index("S/New") < text.index("To fix, the worst first")
    assert "Changes since the baseline" not in page.render(ledger(*ROWS))


def test_row_of_several_configurations_appears_once() -> None:
    text = page.render(ledger(FAILING, replace(FAILING, configuration="dev")))

    assert text.count("<td>dev, prod</td>") == 1


def test_map_has_a_tile_for_each_resource_and_an_arrow_per_value() -> None:
    taker = '{"Resources": {"A": {"Ref": {"Fn::ImportValue": "serverless-s-prod:Key"}}}}'
    judged = ledger(
        *ROWS,
        replace(FAILING, stack="T", region="us-west-2", path="T/A"),
        subjects=(subject(), subject(taker, name="T", stack_name="serverless-t-prod")),
    )

    found = HtmlElements(page.render(judged)).found
    tiles = {attributes["data-path"]: attributes["class"] for _, attributes in found if "data-path" in attributes}
    assert tiles == {
        "S/A/Resource": "FAIL",
        "S/B/Resource": "NOT_EVALUATED",
        "S/C/Resource": "FAIL",
        "S/D/Resource": "ACKNOWLEDGED",
        "S/X": "NOT_APPLICABLE",
        "S/Y": "NOT_APPLICABLE",
        "S/Z": "NOT_APPLICABLE",
        "T/A": "FAIL",
    }
    assert sum(attributes.get("class") == "edge" for _, attributes in found) == 1


def test_resource_checked_by_rules_for_any_type_is_not_covered() -> None:
    rules = {"Tagging::T": replace(ledger().rules["P::R"], id="Tagging::T", controls=(), covers=False)}

    found = HtmlElements(page.render(ledger(replace(PASSING, rule="Tagging::T"), rules=rules, silent={}))).found

    assert [attributes["class"] for _, attributes in found if "data-path" in attributes] == ["NOT_APPLICABLE"]


@pytest.mark.property
@settings(max_examples=examples(10))  # each is a megabyte, for the frameworks alone
@given(ledgers())
def test_page_of_any_ledger_has_all_rows_and_two_scripts(judged: Findings) -> None:
    text = page.render(judged)

    elements = HtmlElements(text)
    assert sum(tag == "script" for tag, _ in elements.found) == 2
    data = json.loads(next(text for text in elements.texts["script"] if text.startswith("{")))
    assert len(data["rows"]) == len(judged.findings)
    assert page.render(replace(judged, findings=judged.findings[::-1])).split('id="data"')[1] == text.split('id="data"')[1]
