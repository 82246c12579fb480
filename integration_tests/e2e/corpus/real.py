"""Real files: those of the `vega_datasets` package unchanged, and copies in other formats and compressions."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from importlib import resources

import zstandard

from integration_tests.e2e.corpus.reading import Record, json_array, json_lines, table
from integration_tests.e2e.corpus.sample import Sample

_JSON = ("cars.json", "iris.json", "barley.json", "wheat.json")
_CSV = ("seattle-weather.csv", "stocks.csv", "airports.csv", "us-employment.csv", "la-riots.csv")


def real_samples() -> Iterator[Sample]:
    """Make all real samples, about 11,000 records."""
    yield from (_sample(name, dataset(name), "json", json_array(dataset(name))) for name in _JSON)
    yield from (_sample(name, dataset(name), "csv", table(dataset(name), ",")) for name in _CSV)
    yield from _compressed()
    yield from _converted()
    yield from _misleading()


def dataset(name: str) -> bytes:
    """Return the bytes of a data file of the package."""
    return resources.files("vega_datasets").joinpath("_data", name).read_bytes()


def _compressed() -> Iterator[Sample]:
    iris, stocks = dataset("iris.json"), dataset("stocks.csv")
    yield _sample("iris.json.gz", gzip.compress(iris, mtime=0), "json", json_array(iris), "gzip")
    yield _sample("iris.json.zst", zstandard.compress(iris), "json", json_array(iris), "zstd")
    yield _sample("stocks.csv.gz", gzip.compress(stocks, mtime=0), "csv", table(stocks, ","), "gzip")
    yield _sample("stocks.csv.zst", zstandard.compress(stocks), "csv", table(stocks, ","), "zstd")


def _converted() -> Iterator[Sample]:
    barley = json.loads(dataset("barley.json"))
    lines = "".join(json.dumps(one) + "\n" for one in barley).encode()
    yield _sample("barley.ndjson", lines, "ndjson", json_lines(lines))
    yield _sample("barley.ndjson.zst", zstandard.compress(lines), "ndjson", json_lines(lines), "zstd")
    # None of this file's cells holds a comma or a quote, so a tab for each comma is the same table.
    weather = dataset("seattle-weather.csv").replace(b",", b"\t")
    yield _sample("seattle-weather.tsv", weather, "tsv", table(weather, "\t"))
    yield _sample("seattle-weather.tsv.gz", gzip.compress(weather, mtime=0), "tsv", table(weather, "\t"), "gzip")


def _misleading() -> Iterator[Sample]:
    """Files whose name does not match their content, and files that begin with a byte order mark."""
    iris, stocks = dataset("iris.json"), dataset("stocks.csv")
    yield _sample("array-named.csv", iris, "json", json_array(iris))
    yield _sample("gzip-named.json", gzip.compress(iris, mtime=0), "json", json_array(iris), "gzip")
    yield _sample("csv-named.gz", stocks, "csv", table(stocks, ","))
    yield _sample("no-extension", stocks, "csv", table(stocks, ","))
    yield _sample("bom.csv", b"\xef\xbb\xbf" + stocks, "csv", table(stocks, ","))
    yield _sample("utf-16.csv", stocks.decode().encode("utf-16"), "csv", table(stocks, ","))
    yield _sample("bom.json", b"\xef\xbb\xbf" + iris, "json", json_array(iris))


def _sample(name: str, body: bytes, format_: str, records: Sequence[Record], compression: str = "none") -> Sample:
    return Sample(name=name, body=body, format=format_, compression=compression, accepted=dict(enumerate(records)))
