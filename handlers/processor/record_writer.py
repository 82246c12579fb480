"""Writes an object's records in batches and threads; when time ends, it knows how far it came."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import Final, TypeVar

from handlers.processor.batch_requests import Batch, BatchRequests
from handlers.processor.deadline import RESERVED_SECONDS, Deadline, OutOfTimeError

WRITERS: Final = 16
"""Threads that send requests at the same time."""
_BATCH_ITEMS: Final = 25
_BATCH_BYTES: Final = 1024 * 1024
"""A request may have 16 MB; `WRITERS` smaller ones take less memory, and one is cheaper to repeat."""
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 2.0

_Thing = TypeVar("_Thing")


class RecordWriter:
    """Writes records until DynamoDB has accepted every one.

    Args:
        requests: Sends batches.
        deadline: End of the invocation.
    """

    def __init__(self, requests: BatchRequests, deadline: Deadline) -> None:
        self._requests = requests
        self._deadline = deadline
        self._begun: set[int] = set()
        """First ordinal of each batch that is not written completely."""

    def write(self, puts: Iterable[tuple[str, bytes]]) -> int | None:
        """Write records; return None if all are written, otherwise the ordinal below which all are.

        Args:
            puts: Sort key and put request of each record, in order.

        Raises:
            ClientError: DynamoDB returned an error.
            BotoCoreError: DynamoDB did not answer.
        """
        batches = _batches(puts)
        beginning = list(islice(batches, 2))
        left = chain(beginning, batches)
        try:
            if len(beginning) > 1:
                in_threads(self._write, left)
            else:  # for one batch, starting threads takes longer than writing it
                for batch in left:
                    self._write(batch)
        except OutOfTimeError:
            return min(self._begun | {_first_ordinal(batch) for batch in islice(left, 1)})
        return None

    def _write(self, batch: Batch) -> None:
        """Write one batch, and repeat for the items that DynamoDB leaves unprocessed."""
        first, pause = _first_ordinal(batch), _FIRST_PAUSE_SECONDS
        self._begun.add(first)
        while batch:
            self._deadline.check("all records are written", reserved_seconds=RESERVED_SECONDS + pause)
            batch = self._requests.send(batch)
            if batch:
                time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads retries; not a secret
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        self._begun.remove(first)


def in_threads(work: Callable[[_Thing], object], things: Iterator[_Thing]) -> None:
    """Call `work` for each thing in `WRITERS` threads; after an error no other thing is taken, and the error is raised."""
    lock, has_failed = threading.Lock(), threading.Event()

    def run() -> None:
        while not has_failed.is_set():
            with lock:
                taken = list(islice(things, 1))
            if not taken:
                return
            try:
                work(taken[0])
            except BaseException:
                has_failed.set()
                raise

    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(run) for _ in range(WRITERS)]:
            done.result()


def _first_ordinal(batch: Batch) -> int:
    return int(next(iter(batch)))


def _batches(puts: Iterable[tuple[str, bytes]]) -> Iterator[Batch]:
    batch: dict[str, bytes] = {}
    size = 0
    for key, put in puts:
        if batch and (len(batch) == _BATCH_ITEMS or size + len(put) > _BATCH_BYTES):
            yield batch
            batch, size = {}, 0
        batch[key] = put
        size += len(put)
    if batch:
        yield batch
