"""A collection opened, or made, where its address says that it lies.

    DIR                                  a folder of this machine: SQLite, FAISS and tantivy (index.folder)
    milvus+http://HOST:PORT/NAME         a Milvus server, or a cluster behind it; also milvus+https (index.milvus)
    milvus+file:PATH.db                  a file of Milvus Lite

Knows both implementations of `index.collection`'s promise, and nothing of either.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from index.address import Place, is_milvus
from index.collection import Collection
from index.errors import CollectionLocked, CollectionReadOnly

if TYPE_CHECKING:
    from index.encoder.embedding import Encoder, EncoderIdentity


def exists(place: Place) -> bool:
    """Whether there is a collection."""
    if is_milvus(place):
        from index.milvus import collection as milvus

        return milvus.exists(str(place))
    from index.folder import collection as folder

    return folder.exists(Path(place))


def open_collection(place: Place, *, write: bool = False) -> Collection:
    """The collection that stands there. With `write`, this process becomes its one writer.

    Raises CollectionMissing, CollectionMismatch (another format), CollectionLocked, CollectionDamaged.
    """
    if is_milvus(place):
        from index.milvus import collection as milvus

        return milvus.open_collection(str(place), write=write)
    from index.folder import collection as folder

    return folder.open_collection(Path(place), write=write)


def create_collection(place: Place, encoder: "EncoderIdentity") -> Collection:
    """A new, empty collection, open for writing; or the one that is there. Raises CollectionLocked."""
    if is_milvus(place):
        from index.milvus import collection as milvus

        return milvus.create_collection(str(place), encoder)
    from index.folder import collection as folder

    return folder.create_collection(Path(place), encoder)


def open_for_mending(place: Place) -> Collection:
    """The collection that stands there, for writing where that is possible, for reading otherwise."""
    try:
        return open_collection(place, write=True)
    except (CollectionLocked, CollectionReadOnly):
        return open_collection(place)


def require_same(collection: Collection, encoder: "Encoder") -> None:
    """Raises CollectionMismatch where another encoder made the collection: its vectors would not be comparable."""
    with collection.reading() as snapshot:
        snapshot.require(encoder.identity)
