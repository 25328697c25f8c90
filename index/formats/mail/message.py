"""A mail as a file, .eml, by the standard library's email package."""

import email
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import default
from email.utils import parsedate_to_datetime
from typing import Any

from index.dates import parse_date
from index.errors import Unreadable
from index.formats.content import Content, Piece, laid_out, one_line
from index.formats.html.markup import named, tree_pieces
from index.formats.letters import without_break_marks
from index.formats.mail.attachments import Attached, Readers, with_attached
from index.formats.mail.invitation import invitation_pieces
from index.formats.mail.replies import plain_pieces, told_apart
from index.formats.text import decode
from index.paragraphs import Kind

_CALENDARS = ("text/calendar", "application/ics")
_SHOWN = ("From", "To", "Cc", "Bcc", "Date", "Subject")
# Mails say Latin-1 or ASCII and mean Windows-1252, as browsers know (WHATWG Encoding): there its control characters are
# quotation marks, dashes and the euro sign.
_MEANT_WINDOWS = frozenset(("iso-8859-1", "iso8859-1", "latin-1", "latin1", "us-ascii", "ascii", "ansi_x3.4-1968"))
_WINDOWS = {code: char for code in range(0x80, 0xA0) if (char := bytes([code]).decode("cp1252", "ignore"))}
_PROLOGUE = re.compile(r"\s*<\?xml[^>]*\?>", re.IGNORECASE)
_QUOTING = re.compile(r"gmail_quote|yahoo_quoted|protonmail_quote|moz-cite-prefix|zmail_extra|WordSection_quote")
_BELOW = ("divRplyFwdMsg", "appendonsend", "mail-editor-reference-message-container")
# What email's parser raises for some headers that break its rules.
_JUNK = (ValueError, TypeError, IndexError, AttributeError, LookupError, OverflowError)
# Of a picture inside the text this much is more than a logo or a dot that counts readers.
_PICTURE_BYTES = 20_000
# Of the words of the formatted part, a plain one that says the same has most; a stub has few.
_SAID_PLAINLY = 0.6


@dataclass(slots=True)
class Mail:
    """What stands in a mail: its headers and text, what is attached, and how many of which parts were not read."""

    pieces: list[Piece] = field(default_factory=list)
    has_text: bool = False
    attached: list[Attached] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    invitations: set[str] = field(default_factory=set)

    @property
    def notices(self) -> tuple[str, ...]:
        """A line for each kind of part that was not read."""
        told = []
        if count := self.left_out["picture"]:
            told.append("1 picture was not read" if count == 1 else f"{count} pictures were not read")
        if self.left_out["encrypted"]:
            told.append("an encrypted part was not read; only its receiver's mail program can open it")
        if self.left_out["elsewhere"]:
            told.append("a part that lies elsewhere, or in other mails, was not read")
        return tuple(told)


def read_mail(raw: bytes, readers: Readers | None = None) -> Content:
    """Who wrote what to whom and when, then the mail's texts, forwarded mails and invitations, then its attachments.

    readers: of attachments, by their suffix; what has none is told. title: the subject. date: when it was sent, there.
    publisher: the sender's name, else address. Raises Unreadable where it is no mail, or one without any text.
    """
    # The older policy takes the parts apart, as it trips over no junk in their headers; the newer one reads headers.
    message = email.message_from_bytes(_unmarked(raw))
    if not any(header(message, name) for name in _SHOWN):
        raise Unreadable("no header of a mail at its head; a mail begins with lines such as 'From:' and 'Subject:'")
    mail = read_message(message)
    text, blocks, _ = laid_out([mail.pieces])
    name, address = _sender(message)
    content = Content(
        text,
        title=header(message, "Subject"),
        date=parse_date(header(message, "Date")),
        publisher=one_line(name or address),
        blocks=blocks,
        notices=mail.notices,
    )
    whole = with_attached(content, mail.attached, readers or {})
    if not mail.has_text and whole.text == text and (mail.attached or not header(message, "Subject")):
        told = whole.notices[-1] if mail.attached else "nothing but headers"
        raise Unreadable(f"a mail without text: {told}")
    return whole


def read_message(message: Message) -> Mail:
    """A mail's headers, each an item, and its text."""
    mail = Mail()
    _read(message, mail)
    return mail


def header(message: Message, name: str) -> str | None:
    """A header's words on one line, in whatever way they are encoded; None for none."""
    raw = _raw(message, name)
    if any("\udc80" <= char <= "\udcff" for char in raw):
        words = raw.encode("utf-8", "surrogateescape").decode() if _is_unicode(raw) else _western(raw)
    else:
        words = str(_parsed(message, name) or raw)
    return one_line(without_break_marks(words.translate(_WINDOWS)))


def _raw(message: Message, name: str) -> str:
    return next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")


def _parsed(message: Message, name: str) -> Any:
    """A header as email's parser understands it; None where it fails, as it does on some junk."""
    try:
        return default.header_fetch_parse(name, _raw(message, name))
    except _JUNK:
        return None


def _is_unicode(raw: str) -> bool:
    try:
        raw.encode("utf-8", "surrogateescape").decode()
    except UnicodeError:
        return False
    return True


def _western(raw: str) -> str:
    return raw.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def _unmarked(raw: bytes) -> bytes:
    """The mail from its first header on: without a byte order mark or empty lines, UTF-16 as UTF-8."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raw = decode(raw).encode("utf-8", "surrogatepass")
    return raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n\t ")


def _sender(message: Message) -> tuple[str, str]:
    try:
        addresses = getattr(_parsed(message, "From"), "addresses", ())
        return (addresses[0].display_name.translate(_WINDOWS), addresses[0].addr_spec) if addresses else ("", "")
    except _JUNK:
        return "", ""


def _date(message: Message) -> str | None:
    """When it was sent, as a mail program shows it: "Tuesday, 4 March 2025, 09:12 +0100"; else as it stands."""
    stated = header(message, "Date")
    try:
        sent: datetime = parsedate_to_datetime(stated or "")
    except _JUNK:
        return stated
    zone = f" {sent:%z}" if sent.tzinfo else ""
    return f"{sent:%A}, {sent.day} {sent:%B} {sent.year:04}, {sent:%H:%M}{zone}"


def _read(message: Message, mail: Mail) -> None:
    for name in _SHOWN:
        if words := _date(message) if name == "Date" else header(message, name):
            mail.pieces.append(Piece(f"{name}: {words}", Kind.LIST_ITEM, 1))
    body = list(_body(message, mail))
    if not body and not mail.has_text:
        body = _attached_text(message, mail)
    mail.has_text = mail.has_text or bool(body)
    mail.pieces += told_apart(body, header(message, "Subject") or "")
    for part in _forwarded(message):
        _read(part, mail)


def _parts(message: Message) -> list[Any]:
    payload = message.get_payload()
    return payload if isinstance(payload, list) else []


def _forwarded(part: Message) -> Iterator[Message]:
    """The mails inside a mail, not those inside these."""
    if part.get_content_type() == "message/rfc822":
        yield from _parts(part)[:1]
    elif part.get_content_maintype() == "multipart":
        for child in _parts(part):
            yield from _forwarded(child)


def _body(part: Message, mail: Mail) -> Iterator[Piece]:
    """The pieces of all that a mail program shows of a part, but for the mails inside."""
    kind, main = part.get_content_type(), part.get_content_maintype()
    if kind == "multipart/alternative":
        yield from _alternative(part, mail)
    elif kind == "multipart/encrypted" or kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        mail.left_out["encrypted"] += 1
    elif main == "multipart":
        for child in _parts(part):
            yield from _body(child, mail)
    elif kind == "message/rfc822":
        return
    elif kind in ("message/external-body", "message/partial"):
        mail.left_out["elsewhere"] += 1
    elif main == "message":
        lines = [
            f"{name}: {words}" for child in _parts(part) for name, words in child.raw_items() if one_line(str(words))
        ]
        yield from (Piece(one_line(line) or "", Kind.LIST_ITEM, 1) for line in lines)
    elif kind in _CALENDARS:
        pieces = invitation_pieces(_text(part))
        words = "\n".join(piece.text for piece in pieces)
        if words not in mail.invitations:  # it comes as a part and again as an attachment
            mail.invitations.add(words)
            yield from pieces
    elif main == "text" and part.get_content_disposition() != "attachment":
        yield from _written(part)
    else:
        _leave(part, kind, mail)


def _leave(part: Message, kind: str, mail: Mail) -> None:
    """Counts what is not read, but for signatures and small pictures inside the text."""
    if kind in ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"):
        return
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes) or not raw.strip():
        return
    if kind.startswith("image/") and (_raw(part, "Content-ID") or not part.get_filename()):
        mail.left_out["picture"] += len(raw) >= _PICTURE_BYTES
        return
    mail.attached.append(Attached(_file_name(part) or kind, raw))


def _file_name(part: Message) -> str | None:
    try:
        name = part.get_filename() or ""
        return one_line(str(make_header(decode_header(name))).translate(_WINDOWS))
    except (MessageError, *_JUNK):
        return None


def _attached_text(message: Message, mail: Mail) -> list[Piece]:
    """The text of a mail that has it only as an attachment."""
    pieces = []
    for part in message.walk():
        if part.get_content_type() in ("text/plain", "text/html") and (found := _written(part)):
            pieces += found
            name = _file_name(part) or part.get_content_type()
            mail.attached = [other for other in mail.attached if other.name != name]
        if part.get_content_type() == "message/rfc822":
            break
    return pieces


def _alternative(part: Message, mail: Mail) -> Iterator[Piece]:
    """One of the forms in which a mail states the same: the plain one, unless it is a stub of the other."""
    plain: list[Piece] = []
    rich: list[Piece] = []
    more: list[Piece] = []
    for child in _parts(part):
        kind = child.get_content_type()
        if kind == "text/plain":
            plain += _body(child, mail)
        elif kind in _CALENDARS or kind.startswith("application/"):
            more += _body(child, mail)
        elif kind not in ("text/x-amp-html", "text/watch-html"):
            rich += _body(child, mail)
    yield from (plain if plain and _says_as_much(plain, rich) else rich)
    yield from more


def _says_as_much(plain: list[Piece], rich: list[Piece]) -> bool:
    told, formatted = _vocabulary(plain), _vocabulary(rich)
    return len(told & formatted) >= _SAID_PLAINLY * len(formatted)


def _vocabulary(pieces: list[Piece]) -> set[str]:
    return {word for piece in pieces for word in re.findall(r"\w+", piece.text.casefold())}


def _written(part: Message) -> list[Piece]:
    """The pieces of a text part, plain or HTML."""
    text = _text(part)
    if part.get_content_subtype() == "html":
        return _html_pieces(text)
    flowed = _parameter(part, "format") == "flowed"
    return plain_pieces(text, flowed=flowed, joins_words=_parameter(part, "delsp") == "yes")


def _parameter(part: Message, name: str) -> str:
    try:
        return str(part.get_param(name, "")).lower()
    except _JUNK:
        return ""


def _html_pieces(text: str) -> list[Piece]:
    from lxml import etree, html

    text = _PROLOGUE.sub("", text.replace("\0", ""), count=1)
    if not text.strip():
        return []
    try:
        tree = html.document_fromstring(text, parser=html.HTMLParser(huge_tree=True))
    except (etree.LxmlError, ValueError):  # nothing but a comment, or characters that XML forbids
        return plain_pieces(re.sub(r"<[^>]*>", " ", text))
    below: set[Any] = set()
    for mark in tree.xpath("//*[@id]"):
        if mark.get("id").removeprefix("x_") in _BELOW:
            below |= {mark, *mark.itersiblings()}
    return tree_pieces(tree, pre=Kind.BODY, is_quote=lambda element: element in below or _quotes(element))


def _quotes(element: Any) -> bool:
    if named(element) == "blockquote" and element.get("type") == "cite":
        return True
    return named(element) in ("div", "blockquote") and bool(_QUOTING.search(element.get("class") or ""))


def _text(part: Message) -> str:
    """The text in the encoding that the mail names, where it keeps that promise; else as any text is read."""
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    charset = (part.get_content_charset() or "ascii").lower()
    try:
        text = raw.decode("utf-8" if charset in _MEANT_WINDOWS else charset)
    except (LookupError, ValueError):  # ValueError: a name with a null character; and UnicodeDecodeError is one
        text = _guessed(raw, is_western=charset in _MEANT_WINDOWS and part.get_content_charset() is not None)
    return without_break_marks(text.replace("\r\n", "\n"))


def _guessed(raw: bytes, *, is_western: bool) -> str:
    if not is_western:
        try:
            return decode(raw)
        except Unreadable:
            pass
    return raw.decode("latin-1").translate(_WINDOWS)
