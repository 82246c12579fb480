"""Ledgers to render: one with every verdict, a hostile one, and strategies for any."""

import hashlib
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import strategies as st

from compliance.engine.baseline import Row
from compliance.engine.findings import Advice, DecisionUse, Finding, Findings, Place, RuleInfo, Severity, Subject, Verdict

TODAY = date(2026, 11, 24)
RULE = RuleInfo(
    id="P::R",
    title="It is good",
    why="It matters",
    fix="Fix it",
    controls=("NIST-800-53-R5:SC-28", "NIST-800-53-R5:SC-28(1)", "PCI-DSS-3.2.1:3.4"),
)
MINOR = RuleInfo(id="P::Minor", title="It is tidy", why="It helps", fix="Tidy it", severity=Severity.WARNING)
TEXT = '{\n "Resources": {}\n}'
BASE = Finding(
    rule="P::R",
    verdict=Verdict.PASS,
    configuration="prod",
    stack="S",
    region="us-east-1",
    path="S/A/Resource",
    logical_id="A",
    resource_type="AWS::SQS::Queue",
    source="infra/constructs/queue.py:42",
    line=3,
)
HOSTILE = (
    "bad | \x1b[2J<b> `x` </script><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\"> "
    "{{7*7}} ${7*7} [click](javascript:alert(1)) {0} \u202egnp.exe ]]> &amp; @everyone #1\r\n=cmd|' /C calc'!A0"
)
PASSING, UNTIDY, UNKNOWN, FAILING, ACCEPTED = ROWS = (
    BASE,
    replace(BASE, rule="P::Minor", verdict=Verdict.FAIL, message="untidy"),
    replace(BASE, verdict=Verdict.NOT_EVALUATED, path="S/B/Resource", logical_id="B", message="who knows", source=""),
    replace(BASE, verdict=Verdict.FAIL, path="S/C/Resource", logical_id="C", message=HOSTILE, line=7),
    replace(BASE, verdict=Verdict.ACKNOWLEDGED, path="S/D/Resource", logical_id="D", message="bad", decision="logs"),
)
"""One row of each verdict, all except the first open or accepted."""
USE = DecisionUse(
    id="logs",
    title="Logs",
    reason="A log of a log never ends.",
    owner="me",
    approver="you",
    ticket="SEC-1",
    decided=date(2026, 11, 1),
    expires=date(2027, 1, 1),
    acknowledged=1,
)


def subject(text: str = TEXT, **changed: Any) -> Subject:  # noqa: ANN401 - any field of it
    """Return a judged template."""
    made = Subject(
        configuration="prod",
        name="S",
        stack_name="serverless-s-prod",
        region="us-east-1",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        resources=4,
        text=text,
    )
    return replace(made, **changed)


def ledger(*rows: Finding, **changed: Any) -> Findings:  # noqa: ANN401 - any field of it
    """Return a ledger of the rows, with one template, one decision, one piece of advice and three silent rows."""
    place = Place(configuration="prod", stack="S", region="us-east-1")
    places = [replace(place, path=f"S/{name}", logical_id=name) for name in "XYZ"]
    made = Findings(
        findings=rows,
        rules={RULE.id: RULE, MINOR.id: MINOR},
        judged_on=TODAY,
        silent={"P::R": places},
        configurations=("prod",),
        subjects=(subject(),),
        decisions=(USE,),
        advice=(Advice(rule="P::W", configuration="prod", stack="S", path="S/A", message="perhaps"),),
        registry='[[decision]]\nid = "logs"\n',
    )
    return replace(made, **changed)


def baseline_row(finding: Finding) -> Row:
    """Return a finding as a row of a baseline."""
    return Row(
        rule=finding.rule,
        configuration=finding.configuration,
        region=finding.region,
        path=finding.path,
        verdict=finding.verdict,
    )


def hostile() -> Findings:
    """Return a ledger in which every text of a template or its file's name is hostile."""
    place: dict[str, Any] = {
        "stack": HOSTILE,
        "region": HOSTILE,
        "path": HOSTILE,
        "logical_id": HOSTILE,
        "resource_type": HOSTILE,
    }
    rule = replace(RULE, id=f"P::R[{HOSTILE}]", title=HOSTILE, why=HOSTILE, fix=HOSTILE)
    rows = [replace(row, rule=rule.id, message=HOSTILE, source=f"{HOSTILE}:7", **place) for row in ROWS]
    return ledger(
        *rows,
        rules={rule.id: rule},
        silent={rule.id: [Place(configuration="prod", **place)]},
        configurations=("prod",),
        subjects=(subject(name=HOSTILE, stack_name=HOSTILE, region=HOSTILE),),
        decisions=(replace(USE, title=HOSTILE, reason=HOSTILE, owner=HOSTILE, approver=HOSTILE, ticket=HOSTILE),),
        advice=(Advice(rule=HOSTILE, configuration="prod", stack=HOSTILE, path=HOSTILE, message=HOSTILE),),
    )


texts = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.sampled_from(["", "-", "=1+1", "</script>", "{0}", "[a](b)", "a/b", "\ud7ff", "x" * 200, HOSTILE]),
)
"""Any text of a template: anything that UTF-8 can encode."""


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    """Draw a row of one of two rules, with any text in the fields that a template sets."""
    verdict = draw(st.sampled_from([verdict for verdict in Verdict if verdict is not Verdict.NOT_APPLICABLE]))
    return Finding(
        rule=draw(st.sampled_from([RULE.id, MINOR.id])),
        verdict=verdict,
        configuration=draw(st.sampled_from(["prod", "dev", ""])),
        stack=draw(texts),
        region=draw(st.sampled_from(["us-east-1", "us-west-2", ""])),
        path=draw(texts),
        logical_id=draw(texts),
        resource_type=draw(texts),
        message="" if verdict is Verdict.PASS else draw(texts.filter(bool)),
        line=draw(st.integers(0, 10**6)),
        source=draw(st.one_of(st.just("infra/a b.py:3"), texts)),
        decision="logs" if verdict is Verdict.ACKNOWLEDGED else "",
    )


@st.composite
def ledgers(draw: st.DrawFn) -> Findings:
    """Draw a ledger of any rows and of templates with any names."""
    rows = draw(st.lists(findings(), max_size=6))
    names = draw(st.lists(texts, max_size=3))
    used = sum(row.verdict is Verdict.ACKNOWLEDGED for row in rows)
    return ledger(
        *rows,
        configurations=("prod", "dev"),
        subjects=tuple(subject(name=name, stack_name=name) for name in names),
        decisions=(replace(USE, acknowledged=used),),
    )
