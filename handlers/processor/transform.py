"""The transform of a record: the one file to edit to make this platform yours.

The processor calls `transform` once for each record of each file, in file order, with the parsed record:

* from JSON: `str`, `int`, `Decimal` (a number with a point or an exponent, exactly as written), `bool`, `None`, `list`
  and `dict`;
* from CSV and TSV: every value is the `str` that the file holds, under its column's name.

The drill computes the expected records itself: after a change here, change `stored` in `drill/load/expected.py` too.

It returns the record to store, which may be the same `dict`, changed. To leave a record out, raise `Reject` with the
reason: the record counts as rejected, and the archive keeps the reason and an excerpt.

    def transform(record: dict[str, Any]) -> dict[str, Any]:
        if not record.get("customer"):
            raise Reject("no customer")
        record["amount"] = Decimal(record["amount"])     # CSV gives text
        record["email"] = record["email"].strip().lower()
        return record

Its contract:

* The same record gives the same result, always and in both regions: no clock, no random number, no network, no
  state kept between calls. A file may be processed twice, and the second time must change nothing.
* Values are JSON's types, and `Decimal`, `float` and `bytes`. The processor itself rejects a record that DynamoDB cannot
  hold (a number beyond 38 digits, an empty key, an item over 400 KB); there is no need to check for it here.
* Any other exception rejects the record too, with the exception's name: one bad record does not stop a file.

The effect of a change: RESULT and every record carry the processing version, a hash of this file, the parsers and their
libraries. Files that were processed before the change keep their records. `lockstep reprocess PREFIX` makes the
active region process them again, remove the records that the new version no longer writes, and replace RESULT.

Deploy a change to both regions, the secondary first, as `nox -s cdk -- deploy --all` does. The passive region processes
nothing, so every record has the old version until the primary is deployed. If the secondary is promoted in between, it
processes with the new version. A file that both versions begin ends as one of them processes it: the first RESULT stays
while its records are complete, and an attempt that finds another RESULT repeats its work and conforms.
"""

from typing import Any

from handlers.processor.errors import Reject as Reject  # noqa: PLC0414 - here, so that a transform can raise it


def transform(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record to store.

    Args:
        record: The parsed record; it may be changed and returned.

    Returns:
        The record to store.

    Raises:
        Reject: This record is not stored; the message is the reason.
    """
    return record
