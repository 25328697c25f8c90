"""Small talk: a line that asks nothing of the documents, and the short polite line that it gets in place of a search.

Knows words of courtesy only. A courtesy before a question ("thanks, and who paid?") is no small talk.
"""

import re
import unicodedata

_PARTING = (
    r"bye(?:[ -]bye)?|good ?bye|good night|see (?:you|ya)(?: (?:later|soon|tomorrow))?|so long|take care|"
    r"have an? (?:nice|good|great|lovely) (?:day|evening|night|weekend|one)|talk to you (?:later|soon)"
)
_THANKS = (
    r"many thanks|thanks|thank (?:you|u|ya|god)|thank|thx|thnx|tnx|ty|ta|cheers|(?:much |i )?appreciated?(?: it)?|"
    r"merci|danke|gracias|well done|(?:good|nice|great) (?:job|work|bot)"
)
_GREETING = (
    r"hello|hi|hiya|hey|howdy|greetings|good (?:morning|afternoon|evening|day)|how are you(?: (?:doing|today))*|"
    r"how's it going|how do you do|nice to meet you|what's up"
)
_NOD = (
    r"oh|ah|aha|(?:ha)+h?|lol|hm+|mm+|wow|well|right|al ?right|all right|ok|okay|okey|kk?|yes|yeah|yep|yup|no(?:pe)?|"
    r"sure|fine|cool|nice|great|good|perfect(?:ly)?|excellent|awesome|amazing|brilliant|lovely|super|wonderful|"
    r"fantastic|neat|sweet|interesting|scary|sad|funny|strange|weird|wild|impressive|crazy|understood|indeed|helpful|"
    r"useful|enough|fair|noted|gotcha|ouch|ugh|not bad|(?:what )?(?:a )?(?:shame|pity|relief|surprise)|ma[dk]es? sense|"
    r"all i (?:need|needed|wanted|want)(?: to know)?|no (?:problem|worries)|never ?mind|got (?:it|that)|"
    r"that's (?:it|all)|i (?:see|understand|get it)|will do|sounds good|good to (?:know|hear)"
)
# Words that may stand around them.
_BESIDE_TEXT = """
    and but so then very really much too a an lot lots again for now that this it your the help info information
    everything everyone everybody all there pilcrow mate friend dear sir madam to you that's it's is was were you're
    are been i'm i am me my we just most quite pretty truly super oh ever kind of answer answers anyway bit done
    that'll will be
"""
_BESIDE = frozenset(_BESIDE_TEXT.split())
_LONGEST = 120
_NODDED = "All right. Ask on whenever you like."
_LINES = (
    (_PARTING, "Goodbye."),
    (_THANKS, "You're welcome."),
    (_GREETING, "Hello. Ask me something about your documents."),
    (_NOD, _NODDED),
)
# Symbols, their modifiers and joiners: a thumb, a smiling face.
_DRAWN = frozenset({"So", "Sk", "Mn", "Cf"})


def polite_line(text: str) -> str | None:
    """What small talk is answered with; None where the text is anything else."""
    if len(text) > _LONGEST:
        return None
    drawn = "".join(text.split())
    if drawn and all(unicodedata.category(mark) in _DRAWN for mark in drawn):
        return _NODDED
    rest, line = text.replace("’", "'").casefold(), None
    for pattern, said in _LINES:
        rest, times = re.subn(rf"(?<![\w'])(?:{pattern})(?![\w'])", " ", rest)
        line = line or (said if times else None)
    beside = re.findall(r"[\w']+", rest)
    # "Really?", "is it good" ask on; "Right?" and "how are you?" do not.
    asks = bool(beside) and (text.rstrip().endswith("?") or text.casefold().split()[0] in ("is", "are", "was", "were"))
    return line if all(word in _BESIDE for word in beside) and not asks else None
