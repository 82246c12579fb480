"""Parse bytes into records; the content of a file determines its compression, encoding and format.

The setting `formats` decides the encoding and format instead, for keys with a beginning (see `pins`).

`open_object` yields the records of a stream of bytes. Rules for all formats:

| file                                               | result                                                         |
|----------------------------------------------------|----------------------------------------------------------------|
| empty, or nothing but white space                  | no records; format `empty`                                     |
| UTF-8 with a byte order mark                       | the mark is dropped                                            |
| UTF-16 with a byte order mark                      | decoded                                                        |
| any encoding that the setting `formats` names      | decoded                                                        |
| UTF-16 without a mark, UTF-32, ISO-2022, binary    | unreadable                                                     |
| a record with bytes that are not UTF-8             | that record is rejected                                        |
| a record of over 4 MiB of text                     | that record is rejected                                        |
| compressed data that ends early or fails its check | unreadable; no record of it is written                         |
| several gzip members or zstd frames                | one stream, as `gzip -d` and `zstd -d` read it                 |
| more after the last of them, other than zeros      | unreadable: it may have been records                           |
| compressed twice                                   | unreadable                                                     |

JSON (see `json_values` for the values)

| a line of NDJSON that is blank                     | skipped; it is not a record                                    |
| a line, or an element, that is not JSON            | that record is rejected                                        |
| a line, or an element, that is not an object       | that record is rejected                                        |
| the same key twice in one object                   | that record is rejected: either value might be meant           |
| an array or object whose brackets do not match     | unreadable: the end of a record cannot be determined           |
| an array that ends early; text after its end       | unreadable                                                     |
| a comma with no value before or after it           | unreadable                                                     |
| one object, on one line or many                    | one record                                                     |

CSV and TSV (RFC 4180; `,`, tab or `;`, and `|` where the name says so; of several in the header, the one that splits most
of the first rows as it splits the header; if two split them equally well, the file is unreadable)

| a header and no rows                               | no records                                                     |
| a blank line                                       | skipped; it is not a record                                    |
| a row with more or fewer fields than the header    | that record is rejected                                        |
| a quoted field with newlines                       | one field; the newlines are kept                               |
| text after a closing quote                         | that record is rejected                                        |
| a quote that is never closed                       | unreadable: the end of the record cannot be determined         |
| a column with no name                              | every record is rejected: it would have an empty key           |
| two columns with the same name                     | unreadable: either column might be meant                       |
| one column                                         | taken as CSV where the file's name says so (`.csv`, `.tsv`)    |
| line ends LF, CRLF, or CR alone                    | all are line ends; CR alone only in a file that has no LF      |
| values                                             | text, exactly as written: `007` stays `007`                    |
"""

from handlers.processor.parsers.reading import Opened, open_object
from handlers.processor.parsers.records import FIRST, Outcome, Position, RawRecord

__all__ = ["FIRST", "Opened", "Outcome", "Position", "RawRecord", "open_object"]
