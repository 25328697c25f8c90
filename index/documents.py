"""Files into Documents: one function a format.

Owns the decoding of bytes, the formats, and the metadata that a file states about itself.
Does not know paragraphs, passages or the collection.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from index.errors import Unreadable


@dataclass(frozen=True, slots=True)
class Document:
    """A text that can be cited, and what is known of it.

    doc_id: the display name, unique in a collection; never changes.
    source: absolute path, URL, or `file#row`: the identity for update and move.
    text: final; every offset anywhere counts characters (code points) of it.
    date: ISO 8601, or the part of it that is known ("2022", "2022-03"). Unknown is None, never guessed.
    sha256: of the file's bytes (or of the row), in hex. size: their number.
    keep_all: read with no paragraph taken for furniture.
    """

    doc_id: str
    source: str
    title: str | None
    text: str
    date: str | None
    publisher: str | None
    sha256: str
    size: int
    keep_all: bool = False


@dataclass(frozen=True, slots=True)
class _Content:
    """What a format's reader finds in a file's bytes."""

    text: str
    title: str | None = None
    date: str | None = None
    publisher: str | None = None


def read_document(path: Path, doc_id: str, *, date: str | None = None, publisher: str | None = None) -> Document:
    """The file's text and what it states about itself; `date` and `publisher`, where given, win over the file's.

    Raises Unreadable where the file cannot be opened, holds no text, is of no known format, or has a name that
    is not Unicode.
    """
    reader = FORMATS.get(path.suffix.lower())
    if reader is None:
        raise Unreadable(
            f"'{path.suffix or path.name}' is not a format that Pilcrow reads ({', '.join(sorted(FORMATS))})"
        )
    source = str(path.resolve())
    if not _is_unicode(source):
        raise Unreadable("its name is not valid Unicode; rename it")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    content = reader(raw)
    if not content.text.strip():
        raise Unreadable("no text in it")
    return Document(
        doc_id=doc_id,
        source=source,
        title=content.title,
        text=content.text,
        date=date or content.date,
        publisher=publisher or content.publisher,
        sha256=hashlib.sha256(raw).hexdigest(),
        size=len(raw),
    )


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def decode(raw: bytes) -> str:
    """The text of `raw` with newlines made `\\n` and a byte order mark dropped, nothing else changed.

    UTF-8 first; UTF-16 and UTF-32 by their byte order mark; then charset-normalizer's best guess.
    Raises Unreadable for bytes that are no text.
    """
    text = _decode_marked(raw)
    if text is None:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = _detect(raw)
    if "\0" in text:
        raise Unreadable("NUL characters in it: this looks like binary data, not text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
          (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))  # fmt: skip


def _decode_marked(raw: bytes) -> str | None:
    """The text of bytes that begin with a byte order mark and keep its promise; None otherwise."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            try:
                return raw.decode(encoding)
            except UnicodeDecodeError:
                return None
    return None


# What files that are not Unicode are really written in; the rarer code pages only win by accident on short texts.
_LEGACY = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "koi8_r",
           "cp932", "gb18030", "big5", "euc_kr", "euc_jp"]  # fmt: skip
# Read as Windows-1252, a text of another code page has signs in its words ("¿", "¹") and capitals amid small letters.
_NOT_WESTERN = re.compile(
    r"[^\W\d_][^\w\s'’.,:;/()<>&%@+*=#°–—·\"-][^\W\d_]|[^\W\dm_][¹³]|[a-zß-ÿ][À-ÖØ-ÞŒŠŽŸ][a-zß-ÿ]"
)


def _detect(raw: bytes) -> str:
    """Bytes that are not UTF-8: Windows-1252 where that reads well, as on the web, else charset-normalizer's best."""
    if b"\0" in raw[:4096]:
        raise Unreadable("neither UTF-8 nor any other text: this looks like binary data")
    western = _western(raw)
    if western is not None:
        return western
    import charset_normalizer

    best = charset_normalizer.from_bytes(raw, cp_isolation=_LEGACY).best()
    if best is None:
        raise Unreadable("neither UTF-8 nor any other encoding that could be recognised; save it as UTF-8")
    return str(best)


def _western(raw: bytes) -> str | None:
    """The bytes as Windows-1252 where most letters are ASCII and the words look whole; None otherwise."""
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        return None
    letters = sum(char.isalpha() for char in text)
    ascii_letters = sum(char.isalpha() for char in text if char.isascii())
    return text if ascii_letters >= 0.75 * letters > 0 and not _NOT_WESTERN.search(text) else None


def _read_plain(raw: bytes) -> _Content:
    """Plain text and Markdown: the text is the decoded file; metadata from a leading block that states it."""
    text = decode(raw)
    stated = stated_metadata(text)
    return _Content(text, stated.get("title"), parse_date(stated.get("date")), stated.get("publisher"))


# A block of `key: value` lines, and nothing else but indented or listed values: between rules, or at the very head.
_FRONT_MATTER = re.compile(r"\s*---[ \t]*\n(?P<block>(?:(?:[\w-]+:|[ \t]+|-[ \t]|#)[^\n]*\n|\n)*)---[ \t]*(?:\n|$)")
_LEADING_LINES = re.compile(r"\s*(?P<block>(?:[A-Za-z][A-Za-z -]{1,20}:[ \t]*\S[^\n]*(?:\n|$))+)(?:[ \t]*\n|$)")
_STATED = re.compile(r"^(title|date|publisher)[ \t]*:[ \t]*(.*?)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_QUOTED = re.compile(r"([\"'])(.*)\1")


def stated_metadata(text: str) -> Mapping[str, str]:
    """Title, date and publisher from a leading block: front matter, or lines such as `Title:` and `Date:`.

    A block that names neither a title nor a date is taken for prose. Keys are lower case; values are never empty.
    """
    found = _FRONT_MATTER.match(text) or _LEADING_LINES.match(text)
    if found is None:
        return {}
    stated: dict[str, str] = {}
    for key, value in _STATED.findall(found["block"]):
        quoted = _QUOTED.fullmatch(value)
        words = quoted[2] if quoted else value
        if words.strip("|>-+ "):  # YAML's signs for a text that goes on below are no title
            stated.setdefault(key.lower(), words)
    return stated if "title" in stated or "date" in stated else {}


_DATE_FORMATS = ("%d %B %Y", "%B %d, %Y", "%d %b %Y", "%b %d, %Y", "%d.%m.%Y", "%Y/%m/%d")
_ISO_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?(?=$|[T ])", re.ASCII)


def parse_date(stated: str | None) -> str | None:
    """An ISO 8601 date, month or year from what a file states; None where it is not one beyond doubt."""
    if not stated:
        return None
    stated = stated.strip()
    iso = _ISO_DATE.match(stated)
    if iso:
        day = iso[0]
        return day if _is_date(day + "-01-01"[len(day) - 4 :], "%Y-%m-%d") else None
    for layout in _DATE_FORMATS:
        if _is_date(stated, layout):
            return datetime.strptime(stated, layout).date().isoformat()
    return None


def _is_date(value: str, layout: str) -> bool:
    try:
        datetime.strptime(value, layout)
    except ValueError:
        return False
    return True


def _read_html(raw: bytes) -> _Content:
    """The article in a page, by trafilatura, a blank line between its blocks; the metadata that the page states."""
    import trafilatura

    if b"\0" in raw[:4096] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("NUL characters in it: this looks like binary data, not a page")
    # Where the page names its encoding, the parser finds it; where it does not, it is read as any text is.
    tree = trafilatura.load_html(raw if _NAMES_ENCODING.search(raw[:2048]) else decode(raw))
    if tree is None:
        return _Content(decode(raw) if b"<" not in raw else "")
    date, publisher = _stated_in_page(tree)
    page = trafilatura.bare_extraction(tree, with_metadata=True, include_comments=False, favor_recall=True)
    if not isinstance(page, trafilatura.settings.Document):
        return _Content(trafilatura.html2txt(raw).replace("\r", "\n"), None, date, publisher)
    return _Content("\n\n".join(_blocks(page.body)) or page.text or "", page.title, date, publisher)


_NAMES_ENCODING = re.compile(rb"charset|encoding", re.IGNORECASE)
_PAGE_DATES = (
    "article:published_time",
    "datepublished",
    "date",
    "dc.date",
    "dcterms.created",
    "pubdate",
    "publishdate",
)
_LINKED_DATE = re.compile(r'"datePublished"\s*:\s*"([^"]+)"')


def _stated_in_page(tree: Any) -> tuple[str | None, str | None]:
    """The date of publication and the site's name that a page's meta tags or JSON-LD state.

    trafilatura's own finder also guesses both, from addresses and from the prose; an unknown date is null.
    """
    stated: dict[str, str] = {}
    for tag in tree.iter("meta"):
        key = (tag.get("property") or tag.get("name") or tag.get("itemprop") or "").lower()
        stated.setdefault(key, tag.get("content") or "")
    linked = [m[1] for script in tree.iter("script") for m in _LINKED_DATE.finditer(script.text or "")]
    dates = [date for value in [*(stated.get(key) for key in _PAGE_DATES), *linked] if (date := parse_date(value))]
    return (dates[0] if dates else None), (stated.get("og:site_name") or None)


_BLOCK_TAGS = frozenset(("p", "head", "item", "row", "quote", "code", "ab", "list", "table", "div", "body"))


def _blocks(body: Any) -> list[str]:
    """The texts of the blocks of trafilatura's tree, in order, white space folded; a list item and a row are blocks.

    A text that stands outside any block, or between two, is a block, too: nothing that was extracted is lost.
    """
    blocks: list[str] = []
    pieces: list[str] = []

    def flush() -> None:
        words = " ".join("".join(pieces).split())
        pieces.clear()
        if words:
            blocks.append(words)

    def walk(element: Any) -> None:
        if element.tag in _BLOCK_TAGS:
            flush()
        if element.tag == "row":
            cells = (" ".join(" ".join(cell.itertext()).split()) for cell in element)
            pieces.append(" | ".join(cell for cell in cells if cell))
        else:
            pieces.append((" " if element.tag == "lb" else "") + (element.text or ""))
            for child in element:
                walk(child)
        if element.tag in _BLOCK_TAGS:
            flush()
        pieces.append(element.tail or "")

    walk(body)
    flush()
    return blocks


FORMATS: Mapping[str, Callable[[bytes], _Content]] = {
    ".txt": _read_plain,
    ".md": _read_plain,
    ".markdown": _read_plain,
    ".html": _read_html,
    ".htm": _read_html,
}
