"""The proof that seven sources agree: both regions' buckets, replicas and archives, and the client's receipts.

    proof = prove(deployment, Scope("drill-5f3a9c"), receipts)

It digests each source independently of order, compares the digests by hour and prefix, and reads the objects where they
differ. It uses neither the results nor the code of the platform's functions: it computes identities, keys and effect
digests itself.
"""

from drill.proof.proving import prove as prove
from drill.proof.scope import ReceiptRow as ReceiptRow
from drill.proof.scope import Scope as Scope
from drill.proof.snapshot import Snapshot as Snapshot

__all__ = ["ReceiptRow", "Scope", "Snapshot", "prove"]
