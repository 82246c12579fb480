"""The proof: seven sources, the buckets, replicas and archives of both regions and the client's receipts, hold the same.

    proof = prove(deployment, Scope("drill-5f3a9c"), receipts)

It digests each source without regard to order, compares the digests by hour and prefix, and where they differ reads on to
the objects. It believes nothing that the platform's own functions say, and knows no code of theirs: identities, keys and
effect digests are computed here.
"""

from drill.proof.proving import prove as prove
from drill.proof.scope import ReceiptRow as ReceiptRow
from drill.proof.scope import Scope as Scope
from drill.proof.snapshot import Snapshot as Snapshot

__all__ = ["ReceiptRow", "Scope", "Snapshot", "prove"]
