"""What the crash and concurrency tests run: writers that never stop, and what must hold whatever happened to them.

    python tests/index/fire.py                             a line {"folder", "seed"} on stdin forks a writer
    python tests/index/fire.py read FOLDER SECONDS SEED    a reader; how often it read

Every document is one of a known set (`document`), so that what is found can be compared with what must be there. Each
group of three documents is always written together, in one version: a reader that sees two versions saw a mixture.
"""

import json
import os
import random
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import numpy as np

from index.collection import Collection
from index.documents import Document
from index.folder import inverted
from index.folder.rows import vectors_after
from index.intake.indexing import row_document
from index.opening import open_collection
from index.paragraphs import Kind, Paragraph
from index.passages import Window
from index.prepared import Prepared

GROUPS = 24
VERSIONS = 4
_TRADES = ("cooper", "baker", "tanner", "weaver", "mason", "fletcher", "glazier", "chandler")
_PLACES = ("the harbour", "the old market", "the upper mill", "the east gate", "the long quay", "the chapel")


def place_of(group: int, member: int) -> str:
    """Where a house stands: no two of a group stand in one place."""
    return _PLACES[(group * 7 + member) % len(_PLACES)]


def document(group: int, member: int, version: int) -> Document:
    """One of the known documents; its first paragraph names an owner that no other document has."""
    trade, place = _TRADES[(group + version) % len(_TRADES)], place_of(group, member)
    text = (
        f"The workshop with the sign group{group}version{version} near {place} belongs to "
        f"Owner{group}x{member}x{version}, a {trade} of the town.\n\nIt was let for {100 + group * 3 + member} crowns "
        f"a year, and {version + 2} apprentices worked in it until the winter."
    )
    return row_document(f"g{group}-{member}", f"town#{group}-{member}", text, title=f"Workshop {group}, house {member}")


def paragraphs(made: Document) -> list[Paragraph]:
    """The two paragraphs of a known document."""
    middle = made.text.index("\n\n")
    return [
        Paragraph(made.doc_id, 1, 0, middle, Kind.BODY),
        Paragraph(made.doc_id, 2, middle + 2, len(made.text), Kind.BODY),
    ]


def inputs() -> list[str]:
    """What has to be embedded, once: the paragraphs of all known documents, in the order of `place`."""
    return [
        made.text[p.start : p.end]
        for group in range(GROUPS)
        for version in range(VERSIONS)
        for member in range(3)
        for made in [document(group, member, version)]
        for p in paragraphs(made)
    ]


def prepared(group: int, version: int, vectors: np.ndarray) -> list[Prepared]:
    """A group in one version, ready to be stored; vectors: those of `inputs`."""
    at = (group * VERSIONS + version) * 6
    return [
        Prepared(
            made,
            paragraphs(made),
            [Window(p.start, p.end, None) for p in paragraphs(made)],
            vectors[at + 2 * member : at + 2 * member + 2],
        )
        for member in range(3)
        for made in [document(group, member, version)]
    ]


class Journal:
    """What a writer was about to do, and what it has done: a line each, written before and after."""

    def __init__(self, folder: Path) -> None:
        self._path = folder.with_suffix(".journal")

    def write(self, line: list[object]) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def lines(self) -> list[list[object]]:
        """All lines; one that was cut short is none."""
        if not self._path.exists():
            return []
        whole = self._path.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line]

    def steps(self) -> int:
        """How many steps were done, by all writers together."""
        return sum(line[0] == "done" for line in self.lines())

    def state(self) -> tuple[dict[int, int], list[object] | None]:
        """The version of each group that was committed, and the step that was begun and perhaps not ended."""
        versions: dict[int, int] = {}
        begun: list[object] | None = None
        for word, step, group, version in self.lines():
            if word == "begin":
                begun = [step, group, version]
                continue
            begun = None
            if step == "replace":
                versions[int(group)] = int(version)  # type: ignore[call-overload]
            elif step == "remove":
                versions.pop(int(group), None)  # type: ignore[call-overload]
        return versions, begun


def steps(versions: dict[int, int], chance: random.Random) -> Iterator[list[object]]:
    """Adding, replacing, removing, a new base and compacting, without end; `versions` is kept as they go."""
    while True:
        present = sorted(versions)
        way = chance.choices(["add", "change", "remove", "base", "compact"], [35, 30, 15, 14, 6])[0]
        if way == "add" and len(present) < GROUPS:
            group = chance.choice(sorted(set(range(GROUPS)) - set(present)))
            versions[group] = chance.randrange(VERSIONS)
            yield ["replace", group, versions[group]]
        elif way == "change" and present:
            group = chance.choice(present)
            versions[group] = (versions[group] + 1) % VERSIONS
            yield ["replace", group, versions[group]]
        elif way == "remove" and len(present) > 3:
            group = chance.choice(present)
            del versions[group]
            yield ["remove", group, 0]
        elif way in ("base", "compact") and present:
            yield [way, 0, 0]


def do(collection: Collection, step: str, group: int, version: int, vectors: np.ndarray) -> None:
    if step == "replace":
        collection.replace(prepared(group, version, vectors))
    elif step == "remove":
        collection.remove([f"g{group}-{member}" for member in range(3)])
    elif step == "base":
        collection.refresh_base()
    else:
        collection.compact()


def write_on(folder: Path, seed: int) -> None:
    """A writer that goes on from where the last one was, until somebody ends it."""
    vectors = np.load(folder.with_suffix(".npy"))
    journal = Journal(folder)
    versions, begun = journal.state()
    with open_collection(folder, write=True) as collection:
        if begun:  # it was done or it was not: see which, and go on from there
            versions = versions_in(collection)
            for group in range(GROUPS):
                step = ["replace", group, versions[group]] if group in versions else ["remove", group, 0]
                journal.write(["found", *step])
        for step, group, version in steps(versions, random.Random(seed)):
            journal.write(["begin", step, group, version])
            do(collection, str(step), int(group), int(version), vectors)  # type: ignore[call-overload]
            journal.write(["done", step, group, version])


def versions_in(collection: Collection) -> dict[int, int]:
    """The version of each group that the collection holds. Raises AssertionError for a group that is not whole."""
    with collection.reading() as snapshot:
        found: dict[int, set[int]] = {}
        members: dict[int, set[int]] = {}
        for listed in snapshot.documents():
            group, member = (int(part) for part in listed.doc_id.removeprefix("g").split("-"))
            text = snapshot.document(listed.doc_id).text
            (version,) = (v for v in range(VERSIONS) if document(group, member, v).text == text)
            found.setdefault(group, set()).add(version)
            members.setdefault(group, set()).add(member)
        assert all(len(versions) == 1 for versions in found.values()), f"mixed: {found}"
        assert all(len(there) == 3 for there in members.values()), f"not whole: {members}"
        return {group: versions.pop() for group, versions in found.items()}


def require_whole(collection: Collection, vectors: np.ndarray, chance: random.Random, *, looks: int = 3) -> None:
    """Raises AssertionError where a state is not one of the known ones, or a search of it misses or invents a hit.

    Dense hits equal a matrix product over the stored vectors, stored vectors are those that were given, and a word of
    each document looked at finds that document and no other.
    """
    with collection.reading() as snapshot:
        versions = versions_in(collection)
        ids, stored = vectors_after(snapshot.connection, -1, vectors.shape[1])
        assert len(ids) == 6 * len(versions), "each document has two passages"
        for _ in range(looks):
            query = vectors[chance.randrange(len(vectors))]
            expected = sorted(zip((-(stored @ query)).tolist(), ids.tolist(), strict=True))[:10]
            hits = snapshot.nearest(query, 10)
            np.testing.assert_allclose([s for _, s in hits], [-s for s, _ in expected], atol=1e-5)
            assert len({i for i, _ in hits}) == len(hits)
            assert {i for i, _ in hits} <= set(ids.tolist())
        for group in chance.sample(sorted(versions), min(looks, len(versions))):
            version = versions[group]
            hits = snapshot.lexical(f"group{group}version{version}", 50)
            found = {passage.doc_id for passage in snapshot.passages([i for i, _ in hits])}
            assert found == {f"g{group}-{member}" for member in range(3)}, found
            assert snapshot.lexical(f"group{group}version{(version + 1) % VERSIONS}", 50) == []
            at = (group * VERSIONS + version) * 6
            for member in range(3):
                passages = snapshot.passages_of(f"g{group}-{member}")
                np.testing.assert_array_equal(
                    snapshot.vectors([p.passage_id for p in passages]), vectors[at + 2 * member : at + 2 * member + 2]
                )


def require_committed(collection: Collection, journal: Journal) -> int:
    """Raises AssertionError unless all that was committed is there, and nothing else; the number of documents.

    The step that was under way when the writer was killed may be there or not.
    """
    committed, begun = journal.state()
    found = versions_in(collection)
    allowed = [committed]
    if begun and begun[0] == "replace":
        allowed.append({**committed, int(begun[1]): int(begun[2])})  # type: ignore[call-overload]
    elif begun and begun[0] == "remove":
        allowed.append({group: version for group, version in committed.items() if group != begun[1]})
    assert found in allowed, f"{found} is none of {allowed}"
    return 3 * len(found)


def read_on(folder: Path, seconds: float, seed: int) -> int:
    """Reads and searches for so long; how often. Raises AssertionError at the first state that is not whole."""
    chance, vectors = random.Random(seed), np.load(folder.with_suffix(".npy"))
    readings = 0
    with open_collection(folder) as collection:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            require_whole(collection, vectors, chance, looks=1)
            readings += 1
        assert collection.notices == []
    return readings


def search_in_lists() -> None:
    """From now on, bases of this process are inverted files, all of whose lists are looked at, so that none misses."""
    inverted.FROM_PASSAGES, inverted.RECALL = 16, 1.01


def fork_writers(lines: Iterable[str]) -> None:
    """Forks a writer for each line, and waits for its end."""
    for line in lines:
        job = json.loads(line)
        process = os.fork()
        if process == 0:
            write_on(Path(job["folder"]), job["seed"])
        sys.stdout.write(f"{process}\n")
        sys.stdout.flush()
        os.waitpid(process, 0)
        sys.stdout.write("ended\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if "INVERTED" in os.environ:
        search_in_lists()
    import faiss  # noqa: F401  (loaded before the fork, not in each writer)

    if sys.argv[1:2] == ["read"]:
        sys.stdout.write(str(read_on(Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))))
    else:
        fork_writers(iter(sys.stdin.readline, ""))
