"""FAISS: search over unit vectors by inner product, which for unit vectors is the cosine.

A small collection is searched exactly; a large one's base is an inverted file, see `index.folder.inverted`. Knows ids
and vectors, nothing of passages or documents.
"""

from math import ceil, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.collection import Base
from index.encoder.embedding import Vectors
from index.errors import CollectionError
from index.folder import inverted
from index.folder.inverted import Chunks, Ids
from index.folder.truth import put_in_place

__all__ = ["Bits", "Chunks", "Ids", "bits_of", "build", "build_base", "in_bits", "load", "marks_of", "save",
           "search"]  # fmt: skip

# One bit an id, the lowest first: whether it is allowed.
Bits = NDArray[np.uint8]


def build(ids: Ids, vectors: Vectors) -> Any:
    """A flat index: ids (n,), vectors (n, d), unit norm."""
    import faiss

    index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
    if len(ids):
        index.add_with_ids(np.ascontiguousarray(vectors, np.float32), np.ascontiguousarray(ids, np.int64))
    return index


def build_base(count: int, dimension: int, chunks: Chunks) -> tuple[Any, Base]:
    """The base of `count` vectors, flat or an inverted file by their number, and what it is."""
    if count >= inverted.FROM_PASSAGES:
        built = inverted.build(count, chunks)
        return built.index, Base("inverted", built.lists, built.probes, round(built.recall, 4))
    parts = list(chunks())
    ids = np.concatenate([np.zeros(0, np.int64), *(ids for ids, _ in parts)])
    return build(ids, np.concatenate([np.zeros((0, dimension), np.float32), *(v for _, v in parts)])), Base()


def marks_of(ids: Ids) -> NDArray[np.bool_]:
    """For each id up to the largest whether it is one of them."""
    marks = np.zeros(int(ids.max(initial=0)) + 1, bool)
    marks[ids] = True
    return marks


def bits_of(allowed: NDArray[np.bool_]) -> Bits:
    """For each id from 0 whether it is allowed, as bits."""
    return np.packbits(allowed, bitorder="little")


def in_bits(bits: Bits, ids: Ids) -> NDArray[np.bool_]:
    """Which of the ids (n,) are allowed."""
    there = ids >> 3 < len(bits)
    byte = bits[np.where(there, ids >> 3, 0)] if len(bits) else np.zeros(len(ids), np.uint8)
    return np.asarray(there & ((byte >> (ids & 7)) & 1).astype(bool))


def search(
    index: Any, query: Vectors, k: int, *, within: Bits | None = None, share: float = 1.0
) -> tuple[Ids, NDArray[np.float32]]:
    """Ids and cosines of the at most k nearest to one query (d,), best first; of an inverted file, nearly so.

    within: where given, only these ids are looked at. share: of all ids, how many those are, about: among fewer, more
    lists are looked at, and all of them where the nearest do not hold k.
    """
    import faiss

    if index.ntotal == 0 or k < 1:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    if not isinstance(index, faiss.IndexIVF):
        return _searched(index, query, k, within, faiss.SearchParameters())
    # Among every tenth, or hundredth, of a million passages recall@10 stays above 0.99 so; with as many more lists as
    # there are fewer ids a question would take four times as long.
    probes = min(index.nlist, ceil(index.nprobe / sqrt(max(share, 1e-9))))
    parameters: Any = faiss.SearchParametersIVF()
    parameters.nprobe = probes
    found = _searched(index, query, k, within, parameters)
    if len(found[0]) < k and probes < index.nlist:
        parameters.nprobe = index.nlist
        found = _searched(index, query, k, within, parameters)
    return found


def _searched(
    index: Any, query: Vectors, k: int, within: Bits | None, parameters: Any
) -> tuple[Ids, NDArray[np.float32]]:
    import faiss

    if within is not None:
        selector = faiss.IDSelectorBitmap(len(within), faiss.swig_ptr(within))
        parameters.sel = selector  # which does not keep it alive: the name does
    scores, ids = index.search(query[None, :], min(k, index.ntotal), params=parameters)
    there = ids[0] >= 0
    return ids[0][there], scores[0][there]


def save(index: Any, path: Path) -> None:
    """Written under a temporary name, synced, then renamed: a file of that name is always whole.

    Raises CollectionError where the disk is full or may not be written to.
    """
    import faiss

    temporary = path.with_suffix(".partial")
    try:
        faiss.write_index(index, str(temporary))
        put_in_place(temporary, path)
    except (RuntimeError, OSError) as error:
        temporary.unlink(missing_ok=True)
        reason = str(error).splitlines()[0]
        raise CollectionError(
            f"'{path}' cannot be written ({reason}); free space or mend the folder's permissions, then try again: "
            "nothing that was stored before is lost"
        ) from error


def load(path: Path) -> Any:
    """The index that `save` wrote; the lists of an inverted file stay on disk, and are read as they are needed.

    Raises RuntimeError, as FAISS does, where the file is damaged.
    """
    import faiss

    index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    if isinstance(index, faiss.IndexIVF):
        # Otherwise each search starts up to 32 threads to touch the lists beforehand.
        downcast: Any = faiss.downcast_InvertedLists
        downcast(index.invlists).prefetch_nthread = 0
    return index
