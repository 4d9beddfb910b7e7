"""The words by which the evidence checker tells claims apart: negations, limits, conditions, duties, opposites, units.

English patterns are matched in lower-cased words with one space on either side, Chinese ones anywhere.
"""

from __future__ import annotations

import re


def _list(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _class(english: str, chinese: str) -> re.Pattern[str]:
    alternatives = "|".join(part.strip() for part in english.split(","))
    return re.compile(rf"(?<= )(?:{alternatives})(?= )" + (f"|{chinese}" if chinese else ""))


STOPWORDS = _list(
    """a an the this that these those it its he she they them their his her we us our ours you your yours i me my mine
    is am are was were be been being do does did doing done have has had having will would shall can could may might
    must should to of in on at by for from with as into onto about than then there here so such and or but nor if
    unless when while where which who whom whose what how why because since until till before after within during also
    too very just only even not no never cannot can't don't doesn't didn't won't isn't aren't wasn't weren't couldn't
    shouldn't wouldn't mustn't hasn't haven't without any all every each some most many few several both either neither
    none more less least up out off over under again please yes however therefore otherwise instead via per own same
    other another one ones n't 's s t d ll re ve m whether though although whereas upon across through between"""
)
ADVERBS = _list("always usually often sometimes generally normally simply easily first already still now soon")
EMPTY = _list("get receiv tak mak use cost pay giv provid offer go com stay last happen includ find answer do want way")
"""Stems of verbs and nouns that say little by themselves: a sentence may have them though its evidence has not."""
ANAPHORA = re.compile(
    r"(?:this|that|these|those|it|its|they|them|their|he|she|however|otherwise|instead|then|in (?:that|this|such) case|"
    r"in (?:these|those) cases|if not|if so|but|also|so|after that|both|such|the (?:same|latter|former))\b|"
    r"[它此该其这那]|否则|但|然后|因此|所以|不过|同时|另外|如果不|若不",
    re.I,
)
"""How a sentence begins that cannot be understood without the one before it."""

_NUMBERS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen"""
NUMBER_WORDS = {word: str(value) for value, word in enumerate(_NUMBERS.split())} | {
    "twenty": "20",
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "ninety": "90",
    "hundred": "100",
    "twice": "2",
    "double": "2",
    "half": "1/2",
}

_UNITS = _list(
    """day week month year hour minute second km kilometre kg kilogram gram litre metre cm mm degree watt volt item
    order piece person point percent time star cup attempt account card"""
)
UNITS = (
    {word: word for word in _UNITS}
    | {word + "s": word for word in _UNITS}
    | {"%": "percent", "°": "degree", "g": "gram", "l": "litre", "w": "watt", "v": "volt", "h": "hour", "min": "minute"}
    | {"am": "am", "pm": "pm", "people": "person", "mins": "minute", "hrs": "hour"}
)
DAY_KINDS = _list("working business calendar consecutive full")
CURRENCIES = {
    **dict.fromkeys(["€", "eur", "euro", "euros"], "eur"),
    **dict.fromkeys(["$", "usd", "dollar", "dollars"], "usd"),
    **dict.fromkeys(["£", "gbp", "pounds"], "gbp"),
    **dict.fromkeys(["¥", "cny", "rmb", "yuan"], "cny"),
}
CHINESE_UNITS = {
    "个工作日": "working day",
    "工作日": "working day",
    "小时": "hour",
    "分钟": "minute",
    "欧元": "eur",
    "美元": "usd",
    "个月": "month",
    "个星期": "week",
    "天": "day",
    "日": "day",
    "周": "week",
    "月": "month",
    "年": "year",
    "元": "cny",
    "升": "litre",
    "公斤": "kg",
}

NEGATION = _class(
    """not, no, never, none, nothing, nobody, nowhere, neither, nor, cannot, without, unable, impossible, ineligible,
    forbidden, prohibited, refuse[sd]?, declined?, rejects?, rejected, exclude[sd]?, unavailable, invalid, stops?,
    fails?, [a-z]+n't""",
    "不(?![仅但过妨断同久论管锈足超]|少于|低于|多于|高于)|没有?|无(?![论线忧绳])|未(?!来)|勿|禁止|拒绝|并非|非(?!常)",
)

LIMITS = {
    "all": _class(
        "all, every, each, everything, everyone, always, entire, whole", "所有|全部|每[个件次天位台]|一律|总是"
    ),
    "any": _class("any, anything, anyone, whatever, whichever", "任何|任意"),
    "most": _class(
        "most, mostly, usually, generally, normally, nearly, almost, majority", "大多|大部分|通常|一般|几乎"
    ),
    "some": _class(
        "some, several, few, certain, sometimes, occasionally, partly, partially", "(?<!大)部分|有些|某些|有时"
    ),
    "many": _class("many, much, often, frequently, numerous", "许多|很多|经常"),
    "least": _class(
        "at least, minimum, or more, no less than, not less than, or above",
        "至少|不少于|不低于|以上|(?<=[元天日时分])起",
    ),
    "upto": _class(
        "at most, up to, maximum, no more than, not more than, or less, or fewer, no later than, at the latest",
        "最多|至多|不超过|以下|以内|最高",
    ),
    "more": _class(
        "more than, over, above, exceeds?, exceeding, longer than, heavier than", "(?<!不)超过|(?<!不)[多高大]于"
    ),
    "less": _class("less than, fewer than, under, below, shorter than, lighter than", "(?<!不)[少低小]于|不到|不足"),
    "about": _class(
        r"(?:about|around) \d[\d.]*, approximately, roughly", "大约|约(?=[\\d一二三四五六七八九十两])|左右"
    ),
    "both": _class("both", "两者"),
    "either": _class("either, whichever", "任一"),
    "half": _class("half", "一半"),
    "first": _class("first", "首次|第一次"),
    "last": _class("last, latest", "最后"),
}

CONDITIONS = {
    "if": _class(
        "if, provided, providing, in case, assuming, depends?, depending, subject to",
        "如果|若(?!干)|如(?=[需您有在果])|只要|的话|视.{1,6}而定",
    ),
    "when": _class("when, whenever", "(?:当|在)[^，。]*时"),
    "except": _class(
        "except, excepting, unless, excluding, other than, apart from, save for", "除非|除了|除.{1,12}外|例外"
    ),
    "only": _class("only, solely, exclusively, just", "只[有能在对需要]|仅限?|唯有"),
    "until": _class("until, till, as long as, no later than", "直到|截止|为止"),
    "before": _class("before, prior to, ahead of, in advance, by the end", "(?<![目提])前(?![往台面端])|提前"),
    "after": _class("after, once, following, afterwards, as soon as", "后(?!台|面)"),
    "within": _class("within", "内(?![部容])"),
    "otherwise": _class("otherwise, or else", "否则"),
    "even": _class("even (?:if|when|though)", "即使|哪怕"),
}

MODALS = {
    "must": _class(
        "must, have to, has to, needs?, required?, requires, obliged, mandatory, compulsory",
        "必须|(?<!必)须|需要|需(?=[在要将先向由])|务必",
    ),
    "may": _class(
        "can, could, may, might, able, allowed, permitted, optional, possible, optionally",
        "可以|能够?|可(?=[在选于用享退换])|允许",
    ),
    "should": _class("should, ought, recommend, recommended, advise, advised", "建议|最好|应该|应当"),
    "maybe": _class("might, maybe, perhaps, possibly, likely, probably", "可能|也许|或许"),
}

PAIRS = """accept decline|allow forbid|allow prohibit|include exclude|open close|open closed|free paid|free charge|
    free cost|buy sell|cheaper dearer|increase decrease|raise lower|high low|higher lower|highest lowest|long short|
    longer shorter|early late|earlier later|new old|new used|full partial|full empty|hot cold|warm cold|left right|
    top bottom|front back|start stop|start end|begin end|enable disable|add remove|increase reduce|send receive|
    deliver collect|refund charge|keep return|keep lose|valid expired|safe dangerous|safe unsafe|damaged undamaged|
    opened unopened|opened sealed|broken intact|broken unbroken|fitted unfitted|public private|permanent temporary|
    automatic manual|automatically manually|online offline|inside outside|domestic international|debit credit|
    national international|minimum maximum|first last|weekday weekend|morning evening|buyer seller|customer company|
    sender recipient|daily weekly|daily monthly|weekly monthly|monthly yearly|monthly annually|slower faster|dry wet|
    clean dirty|push pull|press release|lock unlock|connect disconnect|repair replace|covered uncovered|save lose|
    upstairs downstairs|same different|together separately|approve reject|approve deny|active inactive|
    免费 收费|免费 付费|全额 部分|线上 线下|开启 关闭|打开 关闭|接受 拒绝|允许 禁止|增加 减少|提前 推迟"""
"""Words and their opposites."""

_IRREGULAR = """used:use uses:use using:use fees:fee paid:pay sent:send bought:buy sold:sell kept:keep lost:lose
    got:get gotten:get made:make took:take
    taken:take gave:give given:give broke:break broken:break wrote:write written:write found:find chose:choose
    chosen:choose began:begin begun:begin went:go gone:go came:come said:say told:tell held:hold left:left
    children:child"""
IRREGULAR = dict(pair.split(":") for pair in _IRREGULAR.split())

CHINESE_SMALL = re.compile(r"[的了吗呢吧啊和与及或是在把被对为于就都也还会我您你他她它们这那其之以并请]")
"""Characters that carry no content of their own."""
