"""The uploaded files and their expected results, computed without any code of the platform.

The expected records come from reading each file plainly; `drill/load/expected.py` computes what is stored of each.
"""

from integration_tests.e2e.corpus.malformed import malformed_samples
from integration_tests.e2e.corpus.real import real_samples
from integration_tests.e2e.corpus.sample import Sample
from integration_tests.e2e.corpus.stored import after_transform


def all_samples() -> list[Sample]:
    """Make every file of the corpus, the real ones first."""
    return [after_transform(sample) for sample in (*real_samples(), *malformed_samples())]
