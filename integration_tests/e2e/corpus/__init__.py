"""The files that are pushed through, and what must become of them, worked out without any code of the platform.

What a file holds is known by reading it plainly, and what is stored of a record by `drill/load/expected.py`.
"""

from integration_tests.e2e.corpus.malformed import malformed_samples
from integration_tests.e2e.corpus.real import real_samples
from integration_tests.e2e.corpus.sample import Sample
from integration_tests.e2e.corpus.stored import after_transform


def all_samples() -> list[Sample]:
    """Make every file of the corpus, the real ones first."""
    return [after_transform(sample) for sample in (*real_samples(), *malformed_samples())]
