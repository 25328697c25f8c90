"""Mails: all that a mail program shows, in the encoding that is meant; older mails below a reply told apart from it."""

from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.image import MIMEImage
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

import docx
import pytest

from index.errors import Unreadable
from index.formats.content import Content
from index.formats.mail.invitation import invitation_pieces
from index.formats.mail.message import read_mail
from index.formats.mail.replies import plain_pieces, told_apart
from index.formats.parser import ParserProcess
from index.paragraphs import Kind

HEAD = b"From: Ann <ann@quay.example>\r\nTo: Bea <bea@quay.example>\r\nSubject: The jetty\r\n"


def blocks(content: Content) -> list[tuple[str, str]]:
    return [(block.kind.value, content.text[block.start : block.end]) for block in content.blocks]


def body(content: Content) -> list[str]:
    """The texts of the blocks that are no header of the mail itself."""
    return [text for _, text in blocks(content)][3:]


def mixed(*parts: object, kind: str = "mixed") -> bytes:
    mail = MIMEMultipart(kind)
    mail["From"], mail["To"], mail["Subject"] = "Ann <ann@quay.example>", "Bea <bea@quay.example>", "The jetty"
    for part in parts:
        mail.attach(part)  # type: ignore[arg-type]
    return bytes(mail)


def test_the_headers_are_items_that_stand_there_once() -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = "Ann Österlund <ann@quay.example>", "Bea <bea@quay.example>, c@quay.example"
    mail["Cc"], mail["Subject"] = "Dan <dan@quay.example>", "Re: Bänke am Kai"
    mail["Date"] = "Wed, 05 Nov 2025 17:03:09 -0500"
    mail.set_content("They are painted.")
    content = read_mail(bytes(mail))
    assert blocks(content) == [
        ("list item", "From: Ann Österlund <ann@quay.example>"),
        ("list item", "To: Bea <bea@quay.example>, c@quay.example"),
        ("list item", "Cc: Dan <dan@quay.example>"),
        ("list item", "Date: Wednesday, 5 November 2025, 17:03 -0500"),
        ("list item", "Subject: Re: Bänke am Kai"),
        ("body", "They are painted."),
    ]
    assert (content.title, content.date, content.publisher) == ("Re: Bänke am Kai", "2025-11-05", "Ann Österlund")


def test_every_text_part_is_read_and_what_is_attached_is_told() -> None:
    content = read_mail(
        mixed(
            MIMEText("Before the picture."),
            MIMEImage(b"\x89PNG\r\n", "png", name="jetty.png"),
            MIMEText("After the picture."),
            MIMEApplication(b"%PDF-1.4", "pdf", name="plan.pdf"),
        )
    )
    assert body(content) == ["Before the picture.", "After the picture."]
    told = "2 attachments were not read (jetty.png, plan.pdf); save what you need as files and index those"
    assert content.notices == (told,)


def test_a_forwarded_mail_is_read_with_its_headers() -> None:
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "Landlord <l@quay.example>", "Rent"
    inner.set_content("The new rent is 1,340.")
    assert body(read_mail(mixed(MIMEText("See below."), MIMEMessage(inner)))) == [
        "See below.",
        "From: Landlord <l@quay.example>",
        "Subject: Rent",
        "The new rent is 1,340.",
    ]


def test_a_plain_part_is_taken_where_it_says_as_much_and_the_html_where_it_is_a_stub() -> None:
    rich = "<p>The invoice over 912 euros is due on 30 April.</p>"
    same = MIMEText("The invoice over 912 euros is due on 30 April.\n\nAnn"), MIMEText(rich, "html")
    assert body(read_mail(mixed(*same, kind="alternative"))) == [
        "The invoice over 912 euros is due on 30 April.",
        "Ann",
    ]
    stub = MIMEText("This mail needs a program that shows HTML."), MIMEText(rich, "html")
    assert body(read_mail(mixed(*stub, kind="alternative"))) == ["The invoice over 912 euros is due on 30 April."]


@pytest.mark.parametrize(
    ("charset", "raw"),
    [
        ("iso-8859-1", "“We sail” – 80 €".encode("cp1252")),
        ("us-ascii", "“We sail” – 80 €".encode("cp1252")),
        ("iso-8859-1", "“We sail” – 80 €".encode()),
        ("utf-8", "“We sail” – 80 €".encode()),
        ("windows-1252", "“We sail” – 80 €".encode("cp1252")),
        ("utf\0-8", "“We sail” – 80 €".encode()),
        ("no-such-charset", "“We sail” – 80 €".encode()),
        ("utf-16", "“We sail” – 80 €".encode("utf-16")),
    ],
)
def test_the_text_is_read_in_the_encoding_that_is_meant(charset: str, raw: bytes) -> None:
    import base64

    head = HEAD + f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode()
    assert body(read_mail(head + base64.b64encode(raw))) == ["“We sail” – 80 €"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_mail_may_begin_with_a_mark_or_an_empty_line_or_as_in_a_mailbox(encoding: str) -> None:
    whole = HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\nThe code of the shed is 4471.\r\n"
    assert body(read_mail(whole.decode().encode(encoding))) == ["The code of the shed is 4471."]
    assert body(read_mail(b"\r\n" + whole)) == ["The code of the shed is 4471."]
    assert body(read_mail(b"From ann@quay.example Tue Mar 04 09:12:00 2025\n" + whole)) == [
        "The code of the shed is 4471."
    ]


def test_headers_of_raw_bytes_are_decoded() -> None:
    raw = b"From: J\xf6rg <j@quay.example>\r\nTo: B\xc3\xa9a\r\nSubject: =?iso-8859-1?q?80_=80?=\r\n\r\nText.\r\n"
    content = read_mail(raw)
    assert [text for _, text in blocks(content)][:3] == ["From: Jörg <j@quay.example>", "To: Béa", "Subject: 80 €"]


def test_html_with_a_prologue_is_read_and_what_it_hides_is_not() -> None:
    page = (
        '<?xml version="1.0" encoding="utf-8"?><html><head><style>.pre {display:none} @media print {.seen '
        '{display:none}}</style></head><body><div class="pre">Preheader</div><p style="display:none">no</p>'
        '<p class="seen">Total 4<sup>1</sup> kg,<br>10<sup>3</sup> l.</p><p><sup>1</sup> without pallet</p><table>'
        "<tr><th>Item</th><th>Qty</th></tr><tr><td>Rope</td><td></td></tr></table></body></html>"
    )
    content = read_mail(HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + page.encode())
    assert blocks(content)[3:] == [
        ("body", "Total 4[1] kg,\n10³ l."),
        ("footnote", "[1] without pallet"),
        ("table row", "Item | Qty"),
        ("table row", "| Rope |  |"),
    ]


def test_an_invitation_is_read_once() -> None:
    calendar = (
        "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Oslo\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\n"
        "END:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nSUMMARY:Board\\, the\r\n  spring one\r\n"
        "DTSTART;TZID=Europe/Oslo:20250304T091200\r\nDTEND:20250304T101200Z\r\nLOCATION:Room 4\r\n"
        'ORGANIZER;CN="Ann":mailto:ann@quay.example\r\nATTENDEE;CN=Bea;RSVP=TRUE:mailto:bea@quay.example\r\n'
        "ATTENDEE:mailto:c@quay.example\r\nBEGIN:VALARM\r\nDESCRIPTION:Reminder\r\nEND:VALARM\r\nEND:VEVENT\r\n"
        "END:VCALENDAR\r\n"
    )
    part = MIMEText(calendar, "calendar")
    again = MIMEText(calendar, "calendar")
    again.add_header("Content-Disposition", "attachment", filename="invite.ics")
    assert body(read_mail(mixed(MIMEText("Please come."), part, again))) == [
        "Please come.",
        "Event: Board, the spring one",
        "Start: Tuesday, 4 March 2025, 09:12 (Europe/Oslo)",
        "End: Tuesday, 4 March 2025, 10:12 UTC",
        "Location: Room 4",
        "Organizer: Ann <ann@quay.example>",
        "Attendees: Bea <bea@quay.example>, c@quay.example",
    ]
    assert invitation_pieces("BEGIN:VEVENT\nDTSTART;VALUE=DATE:20250304\nEND:VEVENT")[0].text == (
        "Start: Tuesday, 4 March 2025"
    )
    assert invitation_pieces("junk\nEND:VEVENT\nBEGIN:\n:") == []


def test_an_older_mail_below_a_reply_is_told_apart_and_one_between_its_lines_stays() -> None:
    reply = "No, by Grigor,\nnot by him.\n\nOn 3 March 2025, Bruno wrote:\n> I think by Halloway\n> for 1,900.\n"
    found = told_apart(plain_pieces(reply), "Re: Boiler")
    assert [(piece.kind.value, piece.text) for piece in found] == [
        ("body", "No, by Grigor,\nnot by him."),
        ("furniture", "On 3 March 2025, Bruno wrote:"),
        ("furniture", "> I think by Halloway\n> for 1,900."),
    ]
    inline = "> When?\n\nOn Friday.\n\n> Where?\n\nIn Odda.\n"
    assert {piece.kind.value for piece in told_apart(plain_pieces(inline), "Re: Trip")} == {"body"}
    below = "Done.\n\n-----Original Message-----\nFrom: Bruno\nSent: Monday\n\nPlease mend the boiler."
    assert [piece.kind.value for piece in told_apart(plain_pieces(below), "RE: Boiler")] == [
        "body",
        "furniture",
        "furniture",
    ]


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("See below.\n\n---------- Forwarded message ---------\nFrom: L\nDate: Monday\n\nThe rent is 900.", "Rent"),
        ("See below.\n\nFrom: L\nSent: Monday\nSubject: Rent\n\nThe rent is 900.", "FW: Rent"),
        ("> The rent is 900.", "Re: Rent"),
        ("From: L\nSent: Monday\n\nThe rent is 900.", "Re: Rent"),
    ],
)
def test_what_is_forwarded_or_all_that_there_is_stays_content(text: str, subject: str) -> None:
    assert {piece.kind.value for piece in told_apart(plain_pieces(text), subject)} == {"body"}


def test_flowed_lines_are_joined() -> None:
    text = "by Grigor and \nSons.\n-- \nAnn \n> quoted \n> on\n From here\n"
    assert [piece.text for piece in plain_pieces(text, flowed=True)] == [
        "by Grigor and Sons.\n--\nAnn",
        "> quoted on",
        "From here",
    ]
    assert plain_pieces("東 \n京\n", flowed=True, joins_words=True)[0].text == "東京"


def test_quotations_in_html_are_told_apart_too() -> None:
    page = (
        "<p>No, by Grigor.</p><div class='gmail_quote'><div>On 3 March 2025 Bruno wrote:</div>"
        "<blockquote type='cite'><p>By Halloway.</p></blockquote></div>"
    )
    content = read_mail(HEAD + b"Content-Type: text/html\r\n\r\n" + page.encode())
    assert blocks(content)[3:] == [
        ("body", "No, by Grigor."),
        ("furniture", "> On 3 March 2025 Bruno wrote:"),
        ("furniture", "> By Halloway."),
    ]
    outlook = "<p>No.</p><div id='divRplyFwdMsg'>From: B</div><div>By Halloway.</div>"
    content = read_mail(HEAD + b"Content-Type: text/html\r\n\r\n" + outlook.encode())
    assert [kind for kind, _ in blocks(content)[3:]] == ["body", "furniture", "furniture"]


def test_a_mail_of_nothing_but_attachments_is_refused_with_what_to_do_and_one_of_a_subject_is_read() -> None:
    with pytest.raises(Unreadable, match="as files and index those"):
        read_mail(mixed(MIMEApplication(b"%PDF-1.4", "pdf", name="plan.pdf")))
    assert read_mail(HEAD + b"\r\n").text.endswith("Subject: The jetty")
    attached = MIMEText("The only text.")
    attached.add_header("Content-Disposition", "attachment", filename="a.txt")
    content = read_mail(mixed(attached))
    assert (body(content), content.notices) == (["The only text."], ())


def read_attached(raw: bytes) -> Content:
    with ParserProcess() as parser:
        return parser.read(".eml", raw)


def test_attachments_are_read_below_their_names_and_keep_their_kinds(tmp_path: Path) -> None:
    amendment = docx.Document()
    amendment.add_heading("Rent", 1)
    amendment.add_paragraph("From July the rent of the jetty is 90 crowns.")
    table = amendment.add_table(2, 2)
    for cell, words in zip((c for row in table.rows for c in row.cells), ("Berth", "Rent", "7", "40"), strict=True):
        cell.text = words
    amendment.save(str(tmp_path / "a.docx"))
    content = read_attached(
        mixed(
            MIMEText("The amendment is attached, signed."),
            MIMEApplication((tmp_path / "a.docx").read_bytes(), "octet-stream", name="amendment.docx"),
            MIMEApplication(b"Bring your own rope.\n", "octet-stream", name="Rules.TXT"),
            MIMEImage(b"\x89PNG\r\n", "png", name="jetty.png"),
            MIMEApplication(b"no Word file", "octet-stream", name="broken.docx"),
        )
    )
    assert blocks(content)[3:] == [
        ("body", "The amendment is attached, signed."),
        ("heading", "Attachment: amendment.docx"),
        ("heading", "Rent"),
        ("body", "From July the rent of the jetty is 90 crowns."),
        ("table row", "Berth | Rent"),
        ("table row", "7 | 40"),
        ("heading", "Attachment: Rules.TXT"),
    ]
    assert content.text.endswith("Attachment: Rules.TXT\n\nBring your own rope.\n")
    assert [block.level for block in content.blocks if block.kind is Kind.HEADING] == [1, 2, 1]
    assert (content.title, content.publisher) == ("The jetty", "Ann")
    broken, unread = content.notices
    assert broken.startswith("attachment broken.docx: ")
    assert unread.startswith("1 attachment was not read (jetty.png)")


def test_a_mail_whose_text_is_all_in_an_attachment_is_read() -> None:
    page = b"<html><body><p>The mooring is let to Bea from May.</p></body></html>"
    content = read_attached(mixed(MIMEApplication(page, "octet-stream", name="lease.html")))
    assert content.text.endswith("The mooring is let to Bea from May.")
    with pytest.raises(Unreadable, match=r"a mail without text: attachment lease\.pdf"):
        read_attached(mixed(MIMEApplication(b"%PDF-1.4 cut", "pdf", name="lease.pdf")))
