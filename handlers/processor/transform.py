"""What a record becomes: the one file to edit to make this platform yours.

`transform` is called once for each record of each file, in file order, with the record as it was parsed:

* from JSON: `str`, `int`, `Decimal` (a number with a point or an exponent, exactly as written), `bool`, `None`, `list`
  and `dict`;
* from CSV and TSV: every value is the `str` that the file holds, under its column's name.

The drill expects what it does, in its own words: after a change here, change `stored` in `drill/load/expected.py` too.

It returns the record to store, which may be the same `dict`, changed. To leave a record out, raise `Reject` with the
reason: it is counted as rejected, and archived with that reason and an excerpt.

    def transform(record: dict[str, Any]) -> dict[str, Any]:
        if not record.get("customer"):
            raise Reject("no customer")
        record["amount"] = Decimal(record["amount"])     # CSV gives text
        record["email"] = record["email"].strip().lower()
        return record

What it must hold to:

* The same record gives the same result, always and in both regions: no clock, no random number, no network, no
  state kept between calls. A file may be processed twice, and the second time must change nothing.
* Values are what JSON knows, and `Decimal`, `float` and `bytes`. What DynamoDB cannot hold (a number beyond 38 digits,
  an empty key, an item over 400 KB) is rejected by what comes after; there is no need to check for it here.
* Any other exception rejects the record too, with the exception's name: an odd record does not stop a file.

What a change means. RESULT and every record carry the processing version, a hash of this file, the parsers and the libraries
that parse. Files that were processed before the change stay as they are. `nox -s operate -- reprocess PREFIX` has the active
region make them anew, remove the records that the new version no longer writes, and replace RESULT.

Deploy it to both regions, the secondary first, as `nox -s cdk -- deploy --all` does: the passive region processes nothing;
until the primary is deployed every record is of the old version. If the secondary is promoted in between, what it processes
is of the new one. A file that both versions begin ends as one of them makes it: the first RESULT stays while its records are
whole, and an attempt that loses to it is made again and conforms.
"""

from typing import Any

from handlers.processor.errors import Reject as Reject  # noqa: PLC0414 - here, so that a transform can raise it


def transform(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record to store.

    Args:
        record: As parsed; it may be changed and returned.

    Returns:
        The record to store.

    Raises:
        Reject: This record shall not be stored; the message says why.
    """
    return record
