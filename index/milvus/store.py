"""The Milvus collections that make up one collection, and how rows go in and out of them.

    NAME_state       key -> value: the generation, the numbers to be given out, the encoder, the writer's lease
    NAME_documents   a row a version of a document, visible from generation `born` until before `died`
    NAME_texts       a text in pieces that fit a VARCHAR, the first of them a header; never changed
    NAME_passages_N  passages: vector, words for BM25, place in the text; never changed; another N after a reindex

Knows pymilvus; nothing of documents. pymilvus and milvus-lite come with the extra `milvus` and are imported here alone.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from index.address import MilvusAddress, folder_size
from index.errors import CollectionError, CollectionLocked
from index.milvus.schema import Schema, documents_schema, hnsw, passages_schema, state_schema, texts_schema

if TYPE_CHECKING:
    from pymilvus import MilvusClient

Row = dict[str, Any]
_T = TypeVar("_T")

# A VARCHAR holds 65,535 bytes; a little room is left for what is put before a value.
MAX_BYTES = 65_000
# Milvus gives at most this many rows of a query or hits of a search at once.
MAX_ROWS = 16_384
# Never died: a generation that no collection comes to.
ALIVE = 2**62
# Where a field of a number is asked for many values, so many of them go into one expression.
_VALUES = 2000
# Rows of one insert: a passage with 384 numbers and its text is some 4 kB, and a message may have 64 MB.
_INSERT_ROWS = 1000
# Milvus Lite flushes by itself at 128 MB, and shows neither old nor new rows for that moment; see `flush`.
_FLUSH_ROWS = 8_000
_SECONDS = 60.0
_READ_SECONDS = 20.0
_WAIT_FOR_FLUSH = 10.0
_NOT_LOADED = 101
# By itself pymilvus pings every ten seconds, and a Milvus Lite server ends a connection that pings more than every five
# minutes: questions in flight then wait for another. Each request has its own limit.
_KEEPALIVE = {"grpc.keepalive_time_ms": 310_000, "grpc.keepalive_permit_without_calls": False}
_TOKEN = "PILCROW_MILVUS_TOKEN"  # noqa: S105  (the variable's name)
_STATE, _DOCUMENTS, _TEXTS = "state", "documents", "texts"
_INSTALL = "Milvus needs two more packages: pip install 'pilcrow[milvus]'"

_opened: dict[str, "Store"] = {}
_opening = threading.Lock()


class Store:
    """One collection's parts in Milvus, shared by all that a process has open there."""

    def __init__(self, address: MilvusAddress) -> None:
        """Use `opened_store`. Raises CollectionError where pymilvus is absent or no server answers."""
        self.address = address
        self.users = 0
        self._written: dict[str, int] = {}
        with self.faults_told():
            self.client = _connect(address)
            self.is_lite = "lite" in str(self.client.get_server_version(timeout=_SECONDS)).lower()
        self._flush_lock = threading.Lock()  # one flush at a time

    # Parts

    def part(self, name: str) -> str:
        """The name in Milvus of a part."""
        return f"{self.address.name}_{name}"

    def exists(self) -> bool:
        """Whether a collection was made here, wholly: its state is written last."""
        with self.faults_told():
            if not self.client.has_collection(self.part(_STATE), timeout=_SECONDS):
                return False
        return self.value("state") is not None

    def create_state(self) -> None:
        """The part for the state, where it is absent."""
        self._make(_STATE, state_schema(self.client))

    def create_parts(self) -> None:
        """The other parts that do not depend on the encoder, empty; for who has seen that there is no collection."""
        for part in self.parts():
            if part != _STATE:
                self.drop(part)
        self._make(_DOCUMENTS, documents_schema(self.client))
        self._make(_TEXTS, texts_schema(self.client))

    def create_passages(self, part: str, dimension: int) -> None:
        """A part for passages and their vectors, where it is absent."""
        self._make(part, passages_schema(self.client, dimension, is_lite=self.is_lite))

    def _make(self, part: str, schema: Schema) -> None:
        """A Milvus collection with its indexes, loaded; what a killed process has made of it is completed."""
        name, (fields, indexes) = self.part(part), schema
        with self.faults_told():
            if not self.client.has_collection(name, timeout=_SECONDS):
                self.client.create_collection(name, schema=fields, consistency_level="Strong", timeout=_SECONDS)
            if not self.client.list_indexes(name):
                # Of nothing an index is there at once; by itself the client would wait half a second for each.
                self.client.create_index(name, indexes, timeout=_SECONDS, sync=False)
            self.client.load_collection(name, timeout=_SECONDS)

    def dimension(self, part: str) -> int:
        """The numbers of a vector in a part for passages."""
        with self.faults_told():
            fields = self.client.describe_collection(self.part(part), timeout=_SECONDS)["fields"]
        return next(int(field["params"]["dim"]) for field in fields if field["name"] == "vector")

    def drop(self, part: str) -> None:
        """Takes a part away, with all rows."""
        with self.faults_told():
            self.client.drop_collection(self.part(part), timeout=_SECONDS)

    def parts(self) -> list[str]:
        """The parts that are there."""
        with self.faults_told():
            names = self.client.list_collections(timeout=_SECONDS)
        before = f"{self.address.name}_"
        return [name.removeprefix(before) for name in names if name.startswith(before)]

    def load(self) -> None:
        """Has Milvus keep all parts ready to be searched, where it does not; a server may have begun anew."""
        for part in self.parts():
            with self.faults_told():
                self.client.load_collection(self.part(part), timeout=_SECONDS)

    # Values of the state

    def value(self, key: str) -> Row | None:
        """A value of the state, a JSON object; None where there is none."""
        found = self.get(_STATE, [key], ["value"], steady=False)
        return json.loads(found[0]["value"]) if found else None

    def set_value(self, key: str, value: Row) -> None:
        """Stores a value of the state; readers see the old one or this, whole."""
        self.upsert(_STATE, [{"key": key, "value": json.dumps(value)}])

    # Rows

    def get(self, part: str, keys: Sequence[Any], fields: Sequence[str], *, steady: bool = True) -> list[Row]:
        """Rows by their primary key, in any order; those that are absent left out."""
        found: list[Row] = []
        for at in range(0, len(keys), _VALUES):
            ask = partial(
                self.client.get, self.part(part), list(keys[at : at + _VALUES]), output_fields=list(fields),
                consistency_level="Strong", timeout=_READ_SECONDS,
            )  # fmt: skip
            found += self._read(ask, steady=steady)
        return [dict(row) for row in found]

    def query(self, part: str, condition: str, fields: Sequence[str]) -> list[Row]:
        """All rows that meet a condition."""

        def ask() -> list[Row]:
            found = self.client.query(
                self.part(part), condition, output_fields=list(fields), limit=MAX_ROWS, consistency_level="Strong",
                timeout=_READ_SECONDS,
            )  # fmt: skip
            return list(self._iterated(part, condition, fields)) if len(found) >= MAX_ROWS else [dict(r) for r in found]

        return self._read(ask)

    def query_in(
        self, part: str, field: str, values: Sequence[int], fields: Sequence[str], also: str = ""
    ) -> list[Row]:
        """All rows whose field has one of the values, and that meet a further condition."""
        found: list[Row] = []
        for at in range(0, len(values), _VALUES):
            condition = f"{field} in {[int(v) for v in values[at : at + _VALUES]]}"
            found += self.query(part, f"{condition} and {also}" if also else condition, fields)
        return found

    def search(
        self, part: str, field: str, query: Any, k: int, *, condition: str = "", fields: Sequence[str] = ()
    ) -> list[Row]:
        """The at most k best hits: rows with `score`, higher is better. query: a vector, or words for BM25."""
        k = min(k, MAX_ROWS)
        # HNSW looks at `ef` candidates, at least k; FLAT and BM25 don't ask for it.
        parameters = {"params": {"ef": max(2 * k, 256)}} if field == "vector" else {"params": {}}

        def ask() -> list[Row]:
            (hits,) = self.client.search(
                self.part(part), [query], filter=condition, limit=k, output_fields=list(fields),
                search_params=parameters, anns_field=field, consistency_level="Strong", timeout=_READ_SECONDS,
            )  # fmt: skip
            # Milvus Lite gives a BM25 score as a distance, below zero; Milvus itself gives the score.
            sign = -1 if field == "bm25" and self.is_lite else 1
            return [{**hit["entity"], "passage_id": hit["passage_id"], "score": sign * hit["distance"]} for hit in hits]

        return self._read(ask)

    def count(self, part: str, condition: str = "") -> int:
        """The number of rows that meet a condition."""
        (found,) = self._read(
            lambda: self.client.query(
                self.part(part),
                condition,
                output_fields=["count(*)"],
                consistency_level="Strong",
                timeout=_READ_SECONDS,
            )
        )
        return int(found["count(*)"])

    def insert(self, part: str, rows: Sequence[Row]) -> None:
        """Rows of keys that are not there yet."""
        for at in range(0, len(rows), _INSERT_ROWS):
            some = [self._whole(part, row) for row in rows[at : at + _INSERT_ROWS]]
            with self.faults_told():
                self.client.insert(self.part(part), some, timeout=_SECONDS)
            self._count_written(part, len(some))

    def upsert(self, part: str, rows: Sequence[Row]) -> None:
        """Whole rows, in place of those of the same keys."""
        for at in range(0, len(rows), _INSERT_ROWS):
            some = [self._whole(part, row) for row in rows[at : at + _INSERT_ROWS]]
            with self.faults_told():
                self.client.upsert(self.part(part), some, timeout=_SECONDS)
            if part != _STATE:
                self._count_written(part, len(some))

    def delete(self, part: str, field: str, values: Sequence[int]) -> None:
        """All rows whose field has one of the values."""
        for at in range(0, len(values), _VALUES):
            some = [int(value) for value in values[at : at + _VALUES]]
            with self.faults_told():
                self.client.delete(self.part(part), filter=f"{field} in {some}", timeout=_SECONDS)
            self._written[part] = self._written.get(part, 0) + 1

    def flush(self, parts: Sequence[str] | None = None) -> None:
        """What was written goes into files with their indexes: without that every search goes through it row by row.

        Milvus Lite shows neither the old rows nor the new while it moves them; a reader sees by `epoch` that it has
        to ask again. The state itself is small, and is never flushed.
        """
        with self._flush_lock:
            changed = [part for part in (parts or list(self._written)) if self._written.pop(part, 0)]
            if not changed:
                return
            epoch = self._epoch()
            if self.is_lite:
                self.set_value("epoch", {"n": epoch + 1 + epoch % 2})
            for part in changed:
                with self.faults_told():
                    self.client.flush(self.part(part), timeout=10 * _SECONDS)
            if self.is_lite:
                self.set_value("epoch", {"n": epoch + 2 + epoch % 2})

    def finish_flush(self) -> None:
        """Makes again the flush that a killed writer left half done: until then every reader waits for its end.

        Only for who holds the writer's lease: nobody else is flushing then.
        """
        if self._epoch() % 2:
            self._written = dict.fromkeys((part for part in self.parts() if part != _STATE), 1)
            self.flush()

    def compact(self, parts: Sequence[str]) -> None:
        """Asks Milvus to write files anew without the rows that were deleted; it does so when it sees fit."""
        if self.is_lite:
            return  # it does so itself, after a flush
        for part in parts:
            with self.faults_told():
                self.client.compact(self.part(part), timeout=_SECONDS)

    def size(self) -> int | None:
        """Bytes of a Lite file; None for a server, which does not tell."""
        return folder_size(self.address.file) if self.address.file else None

    def build_hnsw(self, part: str) -> None:
        """An HNSW index in place of the flat one; nothing can be searched until it stands."""
        name = self.part(part)
        with self.faults_told():
            self.client.release_collection(name, timeout=_SECONDS)
            if self.index_type(part):
                self.client.drop_index(name, "vector", timeout=_SECONDS)
            self.client.create_index(name, hnsw(self.client), timeout=100 * _SECONDS)
            self.client.load_collection(name, timeout=100 * _SECONDS)

    def index_type(self, part: str) -> str:
        """The kind of the vectors' index; empty where a process was killed while it built one."""
        with self.faults_told():
            found = self.client.describe_index(self.part(part), "vector", timeout=_SECONDS)
        return str(found["index_type"]) if found else ""

    def _iterated(self, part: str, condition: str, fields: Sequence[str]) -> Iterator[Row]:
        iterator = self.client.query_iterator(
            self.part(part), batch_size=4000, filter=condition, output_fields=list(fields), timeout=_SECONDS,
            consistency_level="Strong",
        )  # fmt: skip
        try:
            while rows := iterator.next():
                yield from (dict(row) for row in rows)
        finally:
            iterator.close()

    def _whole(self, part: str, row: Row) -> Row:
        return row if part.startswith("passages") else {**row, "unused": [0.0, 0.0]}

    def _count_written(self, part: str, rows: int) -> None:
        self._written[part] = self._written.get(part, 0) + rows
        if self._written[part] >= _FLUSH_ROWS:
            self.flush([part])

    def _epoch(self) -> int:
        value = self.value("epoch") if self.is_lite else None
        return int(value["n"]) if value else 0

    def _read(self, ask: Callable[[], _T], *, steady: bool = True) -> _T:
        """What `ask` gives, asked again where Milvus Lite moved rows meanwhile, or its server began anew."""
        from pymilvus.exceptions import MilvusException

        with self.faults_told():
            try:
                return self._steady(ask) if steady and self.is_lite else ask()
            except MilvusException as error:
                if "not loaded" not in str(error) and error.code != _NOT_LOADED:
                    raise
            self.load()
            return ask()

    def _steady(self, ask: Callable[[], _T]) -> _T:
        until = time.monotonic() + _WAIT_FOR_FLUSH
        while True:
            before = self._epoch()
            found = ask()
            # An odd one that stays is a writer's that was killed: the server flushed all the same.
            if (before % 2 == 0 and self._epoch() == before) or time.monotonic() > until:
                return found
            time.sleep(0.01)

    @contextmanager
    def faults_told(self) -> Iterator[None]:
        """What Milvus has against a request becomes an error that a user understands."""
        try:
            from pymilvus.exceptions import MilvusException
        except ImportError as error:
            raise CollectionError(_INSTALL) from error
        import grpc

        try:
            yield
        except (MilvusException, grpc.RpcError) as error:
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> CollectionError:
        where = self.address.address
        said = " ".join(str(getattr(error, "message", "") or error).split())[:300]
        if self.address.file is not None and "Open local milvus failed" in said:
            return CollectionLocked(
                f"'{where}' cannot be opened: a Milvus Lite file serves one process at a time; end the other, or start "
                "'milvus-lite server' on it and use milvus+http://127.0.0.1:PORT/pilcrow"
            )
        if any(word in said.lower() for word in ("connect", "unavailable", "deadline")):
            return CollectionError(f"no Milvus answers at '{where}' ({said}); start it, or mend the address")
        if "auth" in said.lower() or "permission" in said.lower():
            return CollectionError(f"Milvus at '{where}' refuses ({said}); give its token in ${_TOKEN}")
        return CollectionError(f"Milvus at '{where}' cannot do that now ({said}); what was stored before is not lost")


def opened_store(address: MilvusAddress) -> Store:
    """The store at an address, opened where this process has none there yet; give it back with `close_store`."""
    with _opening:
        store = _opened.get(address.address)
        if store is None:
            store = _opened[address.address] = Store(address)
        store.users += 1
        return store


def close_store(store: Store) -> None:
    """Lets go of a store; with the last that has it, the connection goes, and a Lite file is free for others."""
    with _opening:
        store.users -= 1
        if store.users:
            return
        del _opened[store.address.address]
        store.client.close()
        if store.address.file is not None:
            from milvus_lite.server_manager import server_manager_instance

            server_manager_instance.release_server(str(store.address.file))


def _connect(address: MilvusAddress) -> "MilvusClient":
    """Raises CollectionError where the packages are absent."""
    try:
        from pymilvus import MilvusClient

        if address.file is not None:
            import milvus_lite  # noqa: F401
    except ImportError as error:
        raise CollectionError(_INSTALL) from error
    for name in ("pymilvus", "milvus_lite"):  # each failure is told once, by us, in a line
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if address.file is not None:
        address.file.parent.mkdir(parents=True, exist_ok=True)
    return MilvusClient(uri=address.uri, token=os.environ.get(_TOKEN, ""), timeout=10.0, grpc_options=_KEEPALIVE)
