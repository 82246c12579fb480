"""Find files that a client sent under two upload ids. Each upload is complete; the second is a duplicate."""

from __future__ import annotations

import itertools
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator

from drill.model import Finding
from drill.proof.scope import ReceiptRow, Scope

_64_BITS = (1 << 64) - 1


def sent_twice(scope: Scope, receipts: Iterable[ReceiptRow]) -> Iterator[Finding]:
    """Yield a finding for each upload of a file with an earlier upload, by the times in the ids.

    It keeps eight bytes a receipt in memory, and the whole receipts only of files with the same eight bytes.

    Args:
        scope: The uploads to check.
        receipts: An iterable that can be iterated twice.
    """
    if not scope.files_once:
        return
    marks = sorted(array("Q", (_mark(one) for one in _of_scope(scope, receipts))))
    repeated = {mark for mark, following in itertools.pairwise(marks) if mark == following}
    if not repeated:
        return
    uploads: dict[tuple[str, str], dict[str, ReceiptRow]] = defaultdict(dict)
    for one in _of_scope(scope, receipts):
        if _mark(one) in repeated:
            uploads[one.file_key, one.sha256][one.upload_id] = one
    for of_file in uploads.values():
        first, *others = sorted(of_file)
        for upload_id in others:
            yield Finding(
                kind="duplicated",
                object_id=of_file[upload_id].object_id,
                where="receipts",
                what=f"the file {of_file[first].file_key!r} was sent under upload id {first}, and again under {upload_id}",
            )


def _of_scope(scope: Scope, receipts: Iterable[ReceiptRow]) -> Iterator[ReceiptRow]:
    return (one for one in receipts if one.is_certain and one.source == scope.source)


def _mark(one: ReceiptRow) -> int:
    return hash((one.file_key, one.sha256)) & _64_BITS
