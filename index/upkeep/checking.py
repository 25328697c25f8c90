"""Whether a collection is what was stored: every text, vector and derived file against its checksum, and what mends it.

Neither SQLite, FAISS nor tantivy notices a flipped byte. What is damaged is named; a text is read again from its
source where that is unchanged, passages and vectors are made again from a whole text, derived files from the truth.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from index.collection import Collection, Damage
from index.documents import Document, Given
from index.encoder.embedding import Encoder
from index.errors import CollectionError, EncoderMissing, Unreadable
from index.formats.parser import ParserProcess
from index.formats.reading import document_of, file_of, open_file, rows_of
from index.intake.indexing import store_anew

__all__ = ["Damage", "check", "check_json"]


def check(collection: Collection, encoder: Callable[[], Encoder]) -> list[Damage]:
    """All that is damaged; mended where the collection is open for writing and it can be.

    encoder: gives the collection's, asked only where passages have to be embedded again.
    """
    by_document = collection.damaged_documents()
    found = collection.damaged_parts()
    with ParserProcess() as parser:
        for name, parts in by_document:
            mended, remedy = _mend(collection, encoder, parser, name, parts)
            found += [Damage(part, name, mended, remedy) for part in parts]
    if any(damage.mended and damage.document for damage in found):
        collection.refresh_base()
    return found


def _mend(
    collection: Collection, encoder: Callable[[], Encoder], parser: ParserProcess, name: str, parts: list[str]
) -> tuple[bool, str]:
    """Whether a document could be mended, and what was done or is left to do."""
    if not collection.writable:
        return False, "to mend it, run 'pilcrow check' when nobody writes to the collection and its folder is writable"
    try:
        known = collection.described(name)
        if "text" in parts or "metadata" in parts:
            document = _read_again(known, parser, trusted="metadata" not in parts)
            done = "read again from its source"
        else:
            with collection.reading() as snapshot:
                document = snapshot.document(name)
            done = "made again from the stored text"
        store_anew(collection, encoder(), [document])
    except (Unreadable, EncoderMissing, CollectionError) as error:
        return False, f"{error}; restore a backup, or remove it and index its file again"
    return True, done


def _read_again(known: Document, parser: ParserProcess, *, trusted: bool) -> Document:
    """The document as its source gives it. trusted: what is stored of it, other than its text, is whole, and stays.

    Raises Unreadable where the source is gone or no longer the one that was read.
    """
    path = Path(file_of(known.source))
    file = open_file(path)
    given = Given(**{name: getattr(known, name) for name in known.given if name != "title"}) if trusted else Given()
    if file.holds_rows:
        rows, _ = rows_of(file, known.doc_id, keep_all=known.keep_all)
        fresh = next((row for row in rows if (row.source, row.sha256) == (known.source, known.sha256)), None)
    elif file.sha256 == known.sha256:
        fresh = document_of(file, known.doc_id, given, parser, keep_all=known.keep_all)
    else:
        fresh = None
    if fresh is None:
        raise Unreadable(f"its source '{known.source}' is not what it was")
    if trusted:
        return replace(known, title=fresh.title, text=fresh.text, notices=fresh.notices, blocks=fresh.blocks)
    return replace(fresh, doc_id=known.doc_id)


def check_json(documents: int, found: list[Damage]) -> dict[str, object]:
    """What `check --json` prints. health: "ok", "mended" or "damaged"."""
    return {
        "documents": documents,
        "damaged": [{"part": d.part, "document": d.document, "mended": d.mended, "remedy": d.remedy} for d in found],
        "health": "ok" if not found else "mended" if all(d.mended for d in found) else "damaged",
    }
