"""What the rules take each block for, by the shape, place and manner of its words.

Losing body is the worse fault, so a block is furniture only on evidence, and a text that has a sentence is never all
furniture. The signals are those of any page; nothing here knows a particular site:

- shape: a sentence ends like one; a menu has no function words; a row of links is all links;
- place: what stands before the headline or behind the last long paragraph, the anchors, is suspect when short;
- manner: a page asks and thanks its reader where an article does not, so short lines that say "you" or "us" near the
  ends are furniture, unless the long paragraphs speak so, too, as policies and guides do.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from index.formats.stated import stated_metadata
from index.paragraphs import Kind

# An anchor is a sentence at least this long that asks nothing: certainly the article's own.
ANCHOR_WORDS = 15
# Pleas and links are short; body that happens to begin like one is mostly longer.
_PLEA_WORDS = 30
_SHORT_WORDS = 15
_HEADING_WORDS = 20
_CAPTION_WORDS = 90
# This many paragraphs from either end count as near it.
_NEAR_END = 8
# Above this share of long paragraphs that speak to the reader, "you" says nothing about a short one.
_ADDRESSING_SHARE = 0.3

SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]*_]*$")
_LEADING_MARKS = re.compile(r"^[\s#*_>•–—-]+")
_MARKUP = re.compile(r"^(?:[<!{]|-->|/[*/]|\W*--)|-->|</?[a-z]+>|\bfunction ?\(|[{};]$|^\W+$")
_LINKS_ONLY = re.compile(r"^(?:[-*\d.|•· ]*\[[^\]]*\]\([^)]*\))+[|•· ]*$")
_LABELS = re.compile(r"^(?:---\n.*\n---|(?:[A-Z][A-Za-z -]{1,20}:[^\n]*(?:\n|$))+)$", re.DOTALL)
_BYLINE = re.compile(
    r"^(?:by|from) (?:our |the )?\S[^.!?]{2,80}$|"
    r"^(?:published|updated|posted|last modified)\b[^!?]{0,60}\d{4}\b|^listen \d",
    re.IGNORECASE,
)
# English words that join others; headlines and sentences have them, menus don't.
FUNCTION_WORD = re.compile(
    r"\b(?:a|an|the|of|in|on|at|to|for|from|with|by|and|or|but|as|is|are|was|were|be|has|have|had|will|would|can|could|"
    r"may|not|no|that|this|it|its|his|her|their|who|what|when|how|why|than|after|before|over|under|into|against)\b",
    re.IGNORECASE,
)
# "US" is a country.
_ADDRESS = re.compile(r"\b(?:[Yy]ou|[Yy]ours?|us|[Oo]urs?|[Ww]e|[Pp]lease)\b")
_SECOND_PERSON = re.compile(r"\b(?:you|yours?|please)\b", re.IGNORECASE)
_QUOTED = re.compile(r"“[^”]*”?|\"[^\"]*\"?|«[^»]*»?")

# The first words of a line with which a page offers a link or asks for something: alone enough when the line is short.
_ASKING = re.compile(
    r"(?:please |to |don['’]t forget to )?(?:subscribe|sign (?:up|in|me)|log ?(?:in|out)|register|join|donate|"
    r"support (?:us|our|independent)|follow|share|tweet|email|print|pin|read (?:more|next|also|the full|our)|see also|"
    r"more (?:from|on|in|stories|\w+s$)|related|you (?:may|might) (?:also )?(?:like|be)|"
    r"click|tap|download (?:the|this|our)|"
    r"get (?:the|our|a|all|unlimited)|stay (?:informed|up|tuned)|never miss|don['’]t miss|enter your|"
    r"(?:leave|post|add) (?:a|your)|write (?:a|an|for|to)|reply|want to|enjoy(?:ed|ing)? (?:this|the|our)|become a|"
    r"we (?:use|value) (?:cookies|your)|"
    r"accept|manage|skip|scroll|back to|jump to|go to|search|menu|home|about us|contact|advertis\w+|sponsored|"
    r"all rights|copyright|©|\(c\)|terms|privacy|cookies?|this (?:site|website|page) uses|"
    r"your (?:email|e-mail|name|comment)|"
    r"required fields|save my name|notify me|no comments|\d+ (?:comments?|shares?|likes?|min)|"
    r"(?:show |view |load )?comments?|"
    r"(?:load|show|view) (?:more|less|all)|next|previous|prev|close|toggle|tags?:?|filed under|topics?:?|trending|"
    r"most (?:read|popular)|latest|recommended|editor['’]s picks?|listen|watch|newsletter)(?!\w)",
    re.IGNORECASE,
)
# What pages ask about. Two of them make a plea of any short line; one does where the line begins by asking.
_ASKED = re.compile(
    r"\b(?:subscri\w+|newsletters?|inbox|sign(?:ed|ing)? (?:up|in)|e-?mail (?:address|updates?|alerts?)|"
    r"unlimited access|"
    r"cookies?|ad ?-?blocker|log ?in|free (?:trial|articles?)|membership|become a member|paywall|support(?:ing)? us|"
    r"our (?:readers?|journalism|app|team|community|reporting|coverage|work|series)|unmatched|"
    r"your (?:support|inbox|e-?mail|browser|account|friends|comment|password)|required fields|fields with|"
    r"all rights reserved|privacy policy|terms of (?:use|service)|facebook|twitter|whatsapp|instagram|linkedin|"
    r"comments?|moderated|delivered|news alerts?|growing community|article|now)\b",
    re.IGNORECASE,
)

_NAME = r"[A-Z][\w'’.-]+(?: [A-Z][\w'’.-]+){1,3}"
_AGENCY = r"(?:[A-Z][\w'’.-]*|dpa)(?: [A-Z][\w'’.-]+){0,3}"
_PICTURE_AGENCY = (
    r"(?:[A-Z]\w+ )*(?:Pictures|Images|Photos?|Photography|AFP|AP|EPA|EFE|Reuters|TASS|Shutterstock|Alamy)"
)
_CREDITS = (
    # "Firstname Lastname/AGENCY" at the very end, behind the caption's own sentence.
    re.compile(rf"(?:^|[.!?…)”\"] |\()(?:{_NAME}|{_AGENCY}) ?(?:/| via ) ?{_AGENCY}(?:/{_AGENCY})*\)?$"),
    re.compile(rf"[.!?…)”\"] \(?{_PICTURE_AGENCY}\)?\.?$"),
)
_CREDIT_LABEL = re.compile(
    r"(?:^|[.!?…)”\"] |\()(?:file |archive |stock |handout )?(?:photo(?:graph)?|image|picture|illustration|graphic|"
    r"video|credit|screenshot|map)s?(?: illustration)?(?::| by | credit| courtesy| from |[ /—–-]+[A-Z]|\. )",
    re.IGNORECASE,
)
# The line of a video or a picture: short, and it ends with its outlet and date in brackets.
_SOURCE_IN_BRACKETS = re.compile(r"\([A-Z][^()]{2,40}, [^()]*\b\d{4}\)\.?$")


# A line that is a label and a name has no more words; one that has is a caption, and says what is to be seen.
_LABELLED_WORDS = 8
# Of its words these may be small; any other says what is to be seen, too.
_CREDIT_WORDS = re.compile(
    r"archives?|by|courtesy|credit|dpa|file|for|from|graphic|handout|illustration|image|map|of|office|photos?|"
    r"photograph|picture|press|screenshot|service|staff|stock|the|via|video"
)


def is_credit(text: str) -> bool:
    """Whether a text is a picture's credit and nothing more: "Ann Example/Agency", "Photo: Agency"."""
    plain = bare_words(text)
    if SENTENCE_END.search(plain):
        return False
    words = plain.split()
    labelled = len(words) <= _LABELLED_WORDS and _CREDIT_LABEL.match(plain) and all(map(_in_credits, words))
    return bool(labelled or _CREDITS[0].match(plain) or re.fullmatch(rf"\(?{_PICTURE_AGENCY}\)?", plain))


def _in_credits(word: str) -> bool:
    """Whether a word is a name, an address or one of those that credits are made of."""
    bare = word.strip(".,:;()[]/–—-")
    return not bare[:1].islower() or "." in bare or bool(_CREDIT_WORDS.fullmatch(bare))


@dataclass(frozen=True, slots=True)
class Shape:
    """What can be seen of one paragraph by itself."""

    text: str  # without emphasis and heading marks
    words: int
    marked_heading: bool
    sentence: bool
    caption: bool
    plea: bool
    asked: bool  # names something that pages ask about
    residue: bool  # markup, a row of links, a byline, a block of stated metadata
    addresses: bool  # speaks to its reader, outside quotation marks


def bare_words(block: str) -> str:
    """The block without emphasis and heading marks."""
    return _LEADING_MARKS.sub("", block).rstrip().rstrip("*_").rstrip()


def shape_of(block: str) -> Shape:
    """What can be seen of one block by itself."""
    plain = bare_words(block)
    words = len(plain.split())
    marked = block.startswith("#")
    ends = bool(SENTENCE_END.search(plain))
    return Shape(
        text=plain,
        words=words,
        marked_heading=marked,
        sentence=not marked and ((ends and words >= 4) or words > _PLEA_WORDS),
        caption=words <= _CAPTION_WORDS and _is_caption(plain, words, ends),
        plea=_is_plea(plain, words),
        asked=bool(_ASKED.search(plain)),
        residue=residue_of(block, plain, words) is not None,
        addresses=_addresses(plain),
    )


def _is_caption(plain: str, words: int, ends: bool) -> bool:
    if _SOURCE_IN_BRACKETS.search(plain):
        return words <= _HEADING_WORDS
    if not (ends and words > _HEADING_WORDS) and any(credit.search(plain) for credit in _CREDITS):
        return True
    label = _CREDIT_LABEL.search(plain)
    # A label opens a short caption; further in, it must be in the last words, where credits stand.
    return label is not None and (
        (label.start() == 0 and words <= _PLEA_WORDS)
        or (label.start() > 0 and len(plain[label.start() :].split()) <= 8)
    )


def _is_plea(plain: str, words: int) -> bool:
    if words > _PLEA_WORDS:
        return False
    asking = bool(_ASKING.match(plain))
    asked = len(_ASKED.findall(plain))
    if asking:
        return asked >= 1 or words <= 10
    return asked >= 2 and ("](" in plain or bool(_ADDRESS.search(_QUOTED.sub("", plain))))


def _addresses(plain: str) -> bool:
    """Outside quotation marks it says "you" or "please"; or "us" and names something that pages ask about."""
    spoken = _QUOTED.sub("", plain)
    return bool(_SECOND_PERSON.search(spoken)) or bool(_ADDRESS.search(spoken) and _ASKED.search(spoken))


def residue_of(block: str, plain: str, words: int) -> str | None:
    """What a block is a rest of: "labels", "menu", "markup" or "byline"; None where it says something itself.

    plain: the block without its marks, of so many words.
    """
    if words > _PLEA_WORDS:
        return "markup" if block.startswith(("<!--", "<script", "<style")) else None
    if _LABELS.match(block) and stated_metadata(block):
        return "labels"
    if plain.count("|") >= 2 or plain.count(" · ") >= 2 or _LINKS_ONLY.match(block):
        return "menu"
    if _MARKUP.search(block):
        return "markup"
    return "byline" if _BYLINE.match(plain) else None


def kinds_by_rules(shapes: Sequence[Shape], title: str | None) -> list[Kind]:
    """The kind of each block; the one that repeats the title, where that is known, is the headline."""
    anchors = [i for i, s in enumerate(shapes) if is_anchor(s)]
    anchors = anchors or [i for i, s in enumerate(shapes) if s.sentence and not _set_apart(s)]
    if not anchors:
        return _without_anchors(shapes)
    first, last = anchors[0], anchors[-1]
    at = _headline_at(shapes, first, title)
    quiet = _addressing_share(shapes, anchors) < _ADDRESSING_SHARE
    repeated = {text for text, n in Counter(s.text for s in shapes).items() if n > 1}
    kinds: list[Kind] = []
    for i, shape in enumerate(shapes):
        before = at is not None and i < at
        if i == at:
            kinds.append(Kind.HEADING)
        elif shape.residue or (before and shape.words <= _SHORT_WORDS and not shape.caption):
            kinds.append(Kind.FURNITURE)
        elif shape.caption:
            kinds.append(Kind.CAPTION)
        elif shape.sentence:
            kinds.append(_sentence_kind(i, shapes, last, kinds, quiet=quiet))
        elif shape.plea or i < first or i > last or (shape.text in repeated and shape.words <= _HEADING_WORDS):
            kinds.append(Kind.FURNITURE)
        else:
            kinds.append(line_kind(i, shapes))
    return with_something_below(kinds, at)


def is_anchor(shape: Shape) -> bool:
    """Whether a block is a long sentence that asks nothing."""
    return shape.sentence and shape.words >= ANCHOR_WORDS and not _set_apart(shape)


def _set_apart(shape: Shape) -> bool:
    return shape.caption or shape.plea or shape.residue


def _addressing_share(shapes: Sequence[Shape], anchors: Sequence[int]) -> float:
    return sum(shapes[i].addresses for i in anchors) / len(anchors)


def _headline_at(shapes: Sequence[Shape], first: int, title: str | None) -> int | None:
    """Which paragraph is the headline: the one that repeats the title, else before the first anchor the longest line
    that is no sentence, plea or credit; lines with function words win over menus."""
    known = " ".join(title.split()).casefold() if title else None
    for i, shape in enumerate(shapes[: first + _NEAR_END]):
        if known and not shape.residue and " ".join(shape.text.split()).casefold() == known:
            return i
    lines = [i for i in range(first) if shapes[i].words <= _HEADING_WORDS and not _set_apart(shapes[i])]
    lines = [i for i in lines if not shapes[i].sentence or shapes[i].text.endswith("?")]
    return max(lines, key=lambda i: (bool(FUNCTION_WORD.search(shapes[i].text)), len(shapes[i].text), -i), default=None)


def _sentence_kind(i: int, shapes: Sequence[Shape], last: int, above: Sequence[Kind], *, quiet: bool) -> Kind:
    """Body, unless it asks: near the ends or when very short; or it trails behind the furniture at the end."""
    shape = shapes[i]
    near = min(i, len(shapes) - 1 - i) < _NEAR_END
    if shape.plea and quiet and (near or shape.words <= _SHORT_WORDS):
        return Kind.FURNITURE
    if shape.words > _SHORT_WORDS:
        return Kind.BODY
    beside_furniture = bool(above) and above[-1] is Kind.FURNITURE
    if shape.addresses and quiet and (shape.asked or (near and (i > last or beside_furniture))):
        return Kind.FURNITURE
    return Kind.FURNITURE if i > last and beside_furniture else Kind.BODY


def line_kind(i: int, shapes: Sequence[Shape]) -> Kind:
    """A line between anchors that is no sentence: a heading where it stands alone, else an item of a list: body."""
    if shapes[i].marked_heading:
        return Kind.HEADING
    beside = [shapes[j] for j in (i - 1, i + 1) if 0 <= j < len(shapes)]
    alone = all(s.sentence or s.marked_heading or _set_apart(s) for s in beside)
    return Kind.HEADING if alone and shapes[i].words <= _HEADING_WORDS else Kind.BODY


def with_something_below(kinds: Sequence[Kind], headline_at: int | None) -> list[Kind]:
    """A heading must have body or a caption somewhere under it; else it is furniture."""
    result = list(kinds)
    below = False
    for i in range(len(kinds) - 1, -1, -1):
        if kinds[i] is Kind.HEADING and i != headline_at and not below:
            result[i] = Kind.FURNITURE
        below = below or kinds[i] in (Kind.BODY, Kind.CAPTION)
    return result


def _without_anchors(shapes: Sequence[Shape]) -> list[Kind]:
    """Kinds where nothing reads like an article's sentence (a list, a poem, a table): only clear furniture goes, and
    nothing goes where that would leave nothing but it."""
    kinds = [Kind.FURNITURE if s.residue or s.plea else Kind.CAPTION if s.caption else Kind.BODY for s in shapes]
    if any(s.sentence for s in shapes) and Kind.BODY not in kinds and Kind.CAPTION not in kinds:
        kinds = [Kind.BODY if s.sentence else kind for s, kind in zip(shapes, kinds, strict=True)]
    return kinds
