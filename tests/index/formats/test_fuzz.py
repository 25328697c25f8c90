"""Readers under random damage: each gives a sound Content or Unreadable with a reason, and nothing else."""

import importlib.util
import os
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.errors import Unreadable
from index.formats.container import Member, files, mails
from index.formats.content import Content
from index.formats.parser import PICTURES, READERS
from index.formats.plain import read_plain
from index.formats.reading import FORMATS
from index.formats.rows import BadRow, Row, read_csv, read_jsonl

# For a night: PILCROW_FUZZ_EXAMPLES=100000 python -m pytest -m slow tests/index/formats/test_fuzz.py
EXAMPLES = int(os.environ.get("PILCROW_FUZZ_EXAMPLES", "2000"))


def contents_of(rows: Callable[[bytes], Iterator[Row | BadRow]]) -> Callable[[bytes], list[Content]]:
    return lambda raw: [row.content for row in rows(raw) if isinstance(row, Row)]


def members_of(parts: Callable[[bytes], Iterator[Member | BadRow]]) -> Callable[[bytes], list[Content]]:
    """What is taken apart is bytes still, and read by others."""
    return lambda raw: [Content(part.name) for part in parts(raw) if isinstance(part, Member)]


def one(read: Callable[[bytes], Content]) -> Callable[[bytes], list[Content]]:
    return lambda raw: [read(raw)]


KINDS: dict[str, Callable[[bytes], list[Content]]] = {
    **{suffix: one(read) for suffix, read in READERS.items() if suffix not in (*PICTURES, ".xlsm")},
    ".txt": one(read_plain),
    ".csv": contents_of(read_csv),
    ".jsonl": contents_of(read_jsonl),
    ".tsv": contents_of(read_csv),
    ".mbox": members_of(mails),
    ".zip": members_of(lambda raw: files(raw, FORMATS)),
}


@cache
def whole(suffix: str) -> bytes:
    """A sound file of the kind, as the other tests write it."""
    path = Path(__file__).with_name("test_every_kind.py")
    spec = importlib.util.spec_from_file_location("every_kind", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"a{suffix}"
        write, fact, *_ = module.KINDS[suffix[1:]]
        write(file, fact)
        return file.read_bytes()


def damaged(raw: bytes, cuts: list[tuple[float, int, bytes]]) -> bytes:
    """At each place, so many bytes replaced by others."""
    for share, length, other in cuts:
        at = int(share * len(raw))
        raw = raw[:at] + other + raw[at + length :]
    return raw


def check(read: Callable[[bytes], list[Content]], raw: bytes) -> None:
    try:
        found = read(raw)
    except Unreadable:
        return
    for content in found:
        content.text.encode()
        for words in (content.title, content.date, content.publisher, content.url, content.language):
            assert words is None or ("\n" not in words and words.encode())
        assert list(content.pages) == sorted(content.pages)
        assert all(0 <= start <= len(content.text) for start in content.pages)
        assert all(0 <= block.start < block.end <= len(content.text) for block in content.blocks)
        assert all(above.end <= block.start for above, block in pairwise(content.blocks))


CUTS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=12)), min_size=1, max_size=6)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", KINDS)
def test_a_damaged_file_is_read_or_told(suffix: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(CUTS)
    def run(cuts: list[tuple[float, int, bytes]]) -> None:
        check(KINDS[suffix], damaged(whole(suffix), cuts))

    run()


def with_a_damaged_part(raw: bytes, share: float, cuts: list[tuple[float, int, bytes]]) -> bytes:
    """The archive, packed anew, so that its checksums hold, with one of its parts damaged."""
    packed = BytesIO()
    with zipfile.ZipFile(BytesIO(raw)) as whole, zipfile.ZipFile(packed, "w") as archive:
        members = whole.infolist()
        for n, member in enumerate(members):
            part = whole.read(member)
            archive.writestr(member.filename, damaged(part, cuts) if n == int(share * (len(members) - 1)) else part)
    return packed.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [suffix for suffix in KINDS if whole(suffix)[:2] == b"PK"])
def test_a_damaged_part_of_an_archive_is_read_or_told(suffix: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.floats(0, 1), CUTS)
    def run(share: float, cuts: list[tuple[float, int, bytes]]) -> None:
        check(KINDS[suffix], with_a_damaged_part(whole(suffix), share, cuts))

    run()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", KINDS)
def test_any_bytes_are_read_or_told(suffix: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
    def run(raw: bytes) -> None:
        check(KINDS[suffix], raw)
        check(KINDS[suffix], whole(suffix)[:30] + raw)

    run()
