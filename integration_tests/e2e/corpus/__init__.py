"""The files that are pushed through, and what must become of them, worked out without any code of the platform."""

from integration_tests.e2e.corpus.malformed import malformed_samples
from integration_tests.e2e.corpus.real import real_samples
from integration_tests.e2e.corpus.sample import Sample


def all_samples() -> list[Sample]:
    """Make every file of the corpus, the real ones first."""
    return [*real_samples(), *malformed_samples()]
