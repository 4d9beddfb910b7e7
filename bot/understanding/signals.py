"""Words that steer a conversation instead of filling a slot: give up, skip, why, again, "no, I meant"."""

from __future__ import annotations

import re

_PLEASE = (
    r"(?:please|pls|ok(?:ay)?|well|actually|sorry|no|hmm|oh|then|just|wait|hold on|hey|可以|请|那|那就|还是)?[ ,.!]*"
)
_END = r"[ ,.!。！~]*(?:please|thanks|thank you|now|then|instead|for now|吧|了|谢谢)?[ ,.!。！~]*"
_THIS = (
    r"(?: (?:this|that|it|everything|the (?:process|request|form|whole thing|operation)|"
    r"(?:this|the) (?:process|request)))?"
)

CANCEL = re.compile(
    rf"{_PLEASE}(?:(?:i (?:want|would like|'d like|wanna|need) to |let's |can (?:you|we) |could you )?"
    rf"(?:cancel|stop|abort|quit|exit|end|forget|drop|leave|scrap){_THIS}(?: about it)?|never ?mind|"
    rf"forget (?:it|about it)|"
    r"i(?:'ve| have)? changed my mind|i (?:don't|do not|no longer) (?:want|need|wish) (?:to (?:do|continue|"
    r"go on|proceed)"
    r"(?: with)? ?(?:this|that|it)?|this|that|it)(?: any ?more)?|don't (?:do|bother)(?: it| that)?|not any ?more|"
    r"let's (?:not|leave it|forget it)|取消|算了|不要了|不办了|不弄了|停止|停下|不想(?:要|办|弄|做|继续)了?|"
    r"我改主意了|别弄了|退出)"
    rf"{_END}"
)
SKIP = re.compile(
    r"(?:i (?:don't|do not|won't|will not|would rather not|'d rather not|can't|cannot|can not) (?:want to |"
    r"wanna |like to )?"
    r"(?:say|tell|tell you|give|give you|share|answer|provide|disclose|remember|know|have (?:one|it|that))"
    r"(?: you| that| this| it| (?:that|this) (?:question|information|info))*|i(?:'d| would) (?:rather|prefer) not"
    r"(?: (?:to )?(?:say|tell|share|answer|give)(?: (?:you|it|that))*)?|skip(?: (?:this|that|it|the question|"
    r"this question))?|"
    r"next(?: question)?|pass|no comment|none of your business|(?:that's |it's )?(?:private|confidential|personal)|"
    r"i have no idea|no idea|no clue|not sure|i'm not sure|i (?:forgot|forget)(?: it)?|"
    r"跳过|不想说|不告诉你|不方便(?:说|透露|提供)?|不知道|不清楚|不记得了?|忘了|没有这个|保密|下一个(?:问题)?)"
    rf"{_END}"
)
WHY = re.compile(
    r"(?:(?:but |and |sorry,? )?(?:why|what for|how come)(?: (?:do|would|should|are|is|must|does)\b.*)?|"
    r"(?:why|what) (?:do you|would you|does it|is (?:that|this|it)|are you)\b.*(?:need|ask|want|know|matter|"
    r"necessary|for|"
    r"required|important)\b.*|what(?:'s| is) (?:that|this|it) (?:for|needed for)|what do you need (?:that|this|"
    r"it) for|"
    r"(?:你们?)?(?:为什么|为何|为啥|干嘛|干吗)(?:要|问|需要)?.*|问这个(?:干什么|干嘛|做什么).*|要这个(?:干什么|"
    r"干嘛|做什么).*)[?？.! ]*"
)
WHY_ABOUT = re.compile(r"\b(?:need|ask|asking|want to know|necessary|required|matter|for|know)\b|要|问|需要")
REPEAT = re.compile(
    r"(?:(?:can|could|would) you (?:please )?)?(?:please )?(?:repeat|say)(?: (?:that|it|this|"
    r"the question))?(?: again)?"
    r"(?: please)?[?. ]*|(?:sorry,? |pardon,? )?(?:what|come again|pardon(?: me)?|excuse me|huh|what did you say|"
    r"what was (?:that|the question)(?: again)?|once more|one more time|again|i didn't (?:get|catch|understand|hear) "
    r"(?:that|it|the question|you))[?.! ]*(?:please)?[?.! ]*|(?:请)?(?:再说一(?:遍|次)|重复一(?:下|遍)|"
    r"没听(?:清|懂|明白)|你说什么|"
    r"什么[?？])[。？?！ ]*"
)
CORRECTS = re.compile(
    r"^(?:oh |ah |oops,? |wait,? |sorry,? |no,? |nope,? )*(?:no\b|not\b|actually\b|sorry\b|i meant\b|i mean\b|"
    r"wait\b|oops\b|"
    r"correction\b|rather\b|instead\b|make (?:it|that)\b|change\b|let's make\b|scratch that\b|"
    r"i made a mistake\b|it should be\b|"
    r"that's wrong\b|wrong\b|set\b|update\b|不对|不是|错了|我说错了|改成|改为|应该是|换成|把)|"
    r"\b(?:i meant|make (?:it|that)|instead of|rather than|change (?:it|that|the|my)|should (?:be|have been)|"
    r"not .{1,30}? but)\b|"
    r"(?:改成|改为|换成|应该是|而是)"
)
NEGATED = re.compile(
    r"(?:\b(?:not|isn't|wasn't|instead of|rather than|no longer|don't want|do not want|without|except|but not|"
    r"change .{1,20} from)"
    r"(?: (?:the|a|an|for|on|at|to))?|(?:不是|不要|别|而不是|除了)) ?[\"']?$"
)
REQUEST = re.compile(
    r"\b(?:i (?:want|need|wanna|have|would like|wish)|i'd like|i'm (?:looking|trying|calling|here)|can i|"
    r"could i|may i|can you|"
    r"could you|would you|will you|how (?:do|can|could|should|would) i|how to|help me|please|let me|let's|my)\b|"
    r"我(?:要|想|需要|可以|能)|帮我|请|怎么|麻烦"
)
INFORMS = re.compile(
    r"^(?:and |but |so |also |hi,? |hello,? |ok,? )*(?:what|when|where|who|why|which|how (?:long|much|many|"
    r"often|far|big|old|soon|"
    r"late|fast|does|do you|are|is|will|come)|do(?! i\b)|does|is (?:there|it|the|this|that|my)|are (?:there|you|the|"
    r"these|your)|did|"
    r"will (?:the|there|it|i)|(?:can|could|may|do) (?:i|we) (?:still )?(?:get|have|be|use|pay|see|"
    r"expect)?\b.*\bif)\b|"
    r"(?:多久|多少|什么时候|哪里|哪儿|为什么|什么是|有没有|是不是|几点|几天)"
)
"""How questions begin that ask for information and not for something to be done."""
HOW = re.compile(
    r"^(?:which|what|who|whose|why)\b|"
    r"\b(?:how (?:to|do|does|can|could|should|would|long|much|many|often)|(?:can|could|may|should|must|am|do|shall) i|"
    r"can (?:it|they|we|one)|is it (?:possible|allowed|ok|okay)|(?:until|by|since) when|"
    r"what (?:if|should|do|happens))\b|"
    r"怎么|怎样|如何|什么|多久|多少|多长|几天|几个|为什么|哪里|哪儿|能不能|可不可以|是不是|是否|[吗呢][?？。！!]*$"
)
"""Signs of a question of how something goes, wherever they stand."""
STATUS = re.compile(
    r"(?:^|[,.;:!])(?:\W|(?:and|but|so|also|hi|hello|hey|ok|please|can you (?:tell|show) me|could you (?:tell|show) me|"
    r"tell me|do you know|i(?:'d| would) like to know(?: if)?|i want to know)\b)*"
    r"(?:what(?:'s| is)(?: the)? (?:status|state) of|"
    r"(?:where|when)(?:'s|'re| is| are| was| will| does| did| has)|has|have|is|are|did|was|will)\s+(?:my|our)\b|"
    r"我的?(?:订单|包裹|快递|货|物流)|帮我查|有(?:现)?货吗|还有货"
)
"""Questions of how it stands with something of the customer's own."""
WANTS = re.compile(
    r"\b(?:i(?:'d| would)? (?:really |just |also |still )?(?:want|need|wanna|wish|like|have to|must)|please|"
    r"(?:can|could|would|will) you|help me|let me|let's)\b|"
    r"^(?!(?:where|what|when|who|why|how|which|is|are|was|has|have|do|does|did|will|can|with|for|in|on|of|about|and)\b)"
    r"[a-z]+ (?:my|me|our|this|these|it)\b|我(?:要|想|需要|得)|帮我|帮忙|请(?!问)|麻烦|给我"
)
"""What is said for something to be done."""


def cancels(words: str) -> bool:
    """Whether a `plain` text gives up what is open, and says nothing else."""
    return bool(CANCEL.fullmatch(words))


def skips(words: str) -> bool:
    """Whether a `plain` text declines to answer."""
    return bool(SKIP.fullmatch(words))


def asks_why(words: str) -> bool:
    """Whether a `plain` text asks what the question is good for: a bare why, or one about asking."""
    return bool(WHY.fullmatch(words)) and (len(words) <= 12 or bool(WHY_ABOUT.search(words)))


def asks_again(words: str) -> bool:
    """Whether a `plain` text wants to hear the last message once more."""
    return bool(REPEAT.fullmatch(words))


def corrects(words: str) -> bool:
    """Whether a `plain` text puts something right that was said before."""
    return bool(CORRECTS.search(words))


def negated(words: str, start: int) -> bool:
    """Whether what begins at `start` is said not to be meant: "not 50", "不是五十"."""
    return bool(NEGATED.search(words[:start]))


def informs(words: str) -> bool:
    """Whether a `plain` text asks for information, not for something to be done."""
    return bool(INFORMS.search(words))


def asks_how(words: str) -> bool:
    """Whether a `plain` text asks how something goes, and not how it stands with what is the customer's own."""
    return bool(HOW.search(words)) and not asks_status(words)


def asks_status(words: str) -> bool:
    """Whether a `plain` text asks how it stands with something of the customer's own: "where is my order?"."""
    return bool(STATUS.search(words))


def wants(words: str) -> bool:
    """Whether a `plain` text wants something to be done."""
    return bool(WANTS.search(words))
