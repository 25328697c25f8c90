"""FAISS: exact search over unit vectors, by inner product, which for unit vectors is the cosine.

Knows ids and vectors, nothing of passages or documents.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.embedding import Vectors
from index.errors import CollectionError
from index.truth import put_in_place

Ids = NDArray[np.int64]


def build(ids: Ids, vectors: Vectors) -> Any:
    """A flat index: ids (n,), vectors (n, d), unit norm."""
    import faiss

    index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
    if len(ids):
        index.add_with_ids(np.ascontiguousarray(vectors, np.float32), np.ascontiguousarray(ids, np.int64))
    return index


def search(
    index: Any, query: Vectors, k: int, *, without: Sequence[int] = (), within: Ids | None = None
) -> tuple[Ids, NDArray[np.float32]]:
    """Ids and cosines of the at most k nearest to one query (d,), best first.

    without: ids that are passed over. within: where given, only these ids are looked at.
    """
    import faiss

    if index.ntotal == 0 or k < 1:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    selector: Any = None
    if within is not None:
        kept = np.setdiff1d(within, np.asarray(without, np.int64))
        selector = faiss.IDSelectorBatch(kept)
    elif len(without):
        removed = faiss.IDSelectorBatch(np.asarray(without, np.int64))
        selector = faiss.IDSelectorNot(removed)
    parameters = None
    if selector is not None:
        parameters = faiss.SearchParameters()
        parameters.sel = selector
    scores, ids = index.search(query[None, :], min(k, index.ntotal), params=parameters)
    found = ids[0] >= 0
    return ids[0][found], scores[0][found]


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
    """The index that `save` wrote. Raises RuntimeError, as FAISS does, where the file is damaged."""
    import faiss

    return faiss.read_index(str(path))
