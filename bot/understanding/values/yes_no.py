"""Yes and no, with what people say around them: "yes please, go ahead", "no, not that one", "没错", "不是的"."""

from __future__ import annotations

import re

from bot import lexicon

CUT = re.compile(r"[,.!;，。！；、\n]+|(?<=yes) |(?<=no) |(?<=yeah) ")
YES = re.compile(
    r"(?:yes|yeah|yep|yup|sure|ok|okay|correct|right|exactly|confirmed?|affirmative|absolutely|definitely|of course|"
    r"please do|go ahead|i (?:do|am|did|have|agree|confirm|would|can|will)|it (?:is|does|was|has)|they (?:are|do)|"
    r"(?:that(?:'s| is)|it's|all|looks?|sounds?) (?:right|correct|good|fine|true|ok|okay)|why not|"
    r"i think so|i guess so|true|y)\b|(?:是|对|好|行|可以|没错|没问题|确认|同意|当然|要的|嗯|正确|有的|需要)"
)
NO = re.compile(
    r"(?:no|nope|nah|never|not|n|negative|wrong|incorrect|false|"
    r"i (?:do not|don't|am not|did not|didn't|have not|haven't|"
    r"would not|wouldn't|cannot|can't|will not|won't|disagree)|i'm not|it (?:isn't|is not|doesn't|wasn't|hasn't)|"
    r"(?:that's|that is|it's) (?:not|wrong|incorrect|false)|don't|do not|i don't think so|of course not)\b|"
    r"(?:不|没有|没|否|别|错)"
)
STILL_YES = re.compile(r"^(?:no problem|no worries|not a problem|没问题|没错|不错|没关系)")


def yes_or_no(text: str) -> bool | None:
    """What a reply begins with, or says as a whole; None when it is neither."""
    words = lexicon.plain(text)
    if STILL_YES.match(words):
        return True
    if lexicon.says("no", words):
        return False
    if lexicon.says("yes", words):
        return True
    first = CUT.split(words, maxsplit=1)[0].strip()
    if lexicon.says("no", first) or NO.match(words):
        return False
    if lexicon.says("yes", first) or YES.match(words):
        return True
    return None
