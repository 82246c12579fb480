"""Public templates that are valid are judged: at least 97 % of them, and none makes the gate raise an error of its own.

`public_templates.zip` holds every n-th template of three repositories of AWS under MIT-0, each under its repository's name:
aws-cloudformation/aws-cloudformation-templates (142ce6f), aws-cloudformation/cfn-lint (fixtures that it calls good; 217397c)
and aws-samples/serverless-patterns (fb7b5d0). Templates for another tool (Rain), and with macros of their own, are left out.
"""

import zipfile
from datetime import date
from pathlib import Path
from typing import Final

from compliance import gate
from compliance.cfn.loading import LoadError, load_templates
from unit_tests.fixtures.examples import examples

CORPUS: Final = Path(__file__).with_name("public_templates.zip")


def _refusal(file: Path) -> str:
    """Return why the gate does not judge a template; empty where it does. Any other error is the test's."""
    try:
        findings = gate.judge_templates(load_templates([(file, "us-east-1")]), "prod", date(2026, 1, 1), lambda _text: None)
    except LoadError as error:
        return f"{file}: {error}"
    return "" if findings.evaluated else f"{file}: nothing was evaluated"


def test_public_templates_are_judged(tmp_path: Path) -> None:
    with zipfile.ZipFile(CORPUS) as corpus:
        assert len(corpus.namelist()) > 90
        names = corpus.namelist() if examples(1) > 1 else corpus.namelist()[1::3]  # 90 ms each; all of them nightly
        corpus.extractall(tmp_path)
    refusals = [refusal for refusal in (_refusal(tmp_path / name) for name in names) if refusal]
    assert len(refusals) <= 0.03 * len(names), "\n".join(refusals)
