"""Keywords: the classifier that ships, by phrases in English and Chinese."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from services.scoring.rules.intent import Intent

MOST_CHARACTERS: Final = 50_000
"""Of a text; a long call's transcript has fewer."""
CONFIDENCE: Final = 0.8
"""A judgement: four in five of such phrases mean it."""


class Keywords:
    """Finds who wants to end the relationship: the ``Classifier`` without any model.

    Ending a thing (an order, an appointment) is none, and neither is what is negated in the same
    clause. Meant to miss little and to be checked by a person; it has no notion of irony.
    """

    def intents(self, text: str) -> Sequence[Intent]:
        """The intent to cancel, where one of the phrases stands and is not negated."""
        plain = _plain(text[:MOST_CHARACTERS])
        for sign, phrase, negation in _PHRASES:
            for found in phrase.finditer(plain):
                before = _CLAUSE.split(plain[max(0, found.start() - 60) : found.start()])[-1]
                if not negation.search(before):
                    return [Intent("cancel", CONFIDENCE, sign)]
        return []


def _plain(text: str) -> str:
    """In one form of letters, lower case, straight apostrophes and single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.translate({0x2019: "'", 0x02BC: "'"}).split())


def _any(words: str) -> str:
    """Any of these words, the longest first."""
    return "(" + "|".join(sorted(map(re.escape, words.split()), key=len, reverse=True)) + ")"


_CLAUSE: Final = re.compile(r"[.!?;:,。、]|\bbut\b|但")
"""Where a clause ends, after NFKC made full-width marks plain."""

_ENDING: Final = _any(
    "cancel canceling cancelling terminate terminating close closing end ending quit quitting stop "
    "delete deleting"
)
_ENDED: Final = _any(
    "subscription account membership contract plan policy service services agreement"
)
_WANTED: Final = _any("want wants wanted like need needs going decided wish plan planning")
_THING: Final = _any(
    "order appointment booking delivery reservation meeting call visit ticket payment return item"
)
_OTHER: Final = r"(another|a different|a competitor|your competitor|some other)"
_EN: Final = {
    "cancel subscription": rf"\b{_ENDING}( [a-z']+){{0,3}}? {_ENDED}\b",
    "want to cancel": rf"\b{_WANTED} to cancel\b(?!( [a-z'0-9#-]+){{0,4}} {_THING})",
    "not renew": (
        r"\b(won't|will not|not going to|don't want to|do not want to|not planning to|"
        r"no longer want to) (renew|extend)\b"
    ),
    "switch": rf"\b(switch|switching|switched|move|moving|change|changing) to {_OTHER}\b",
    "leave": r"\btak(e|ing) (my|our) business elsewhere\b|\b(leaving|done with) you\b",
}
_NOT_EN: Final = re.compile(
    r"\b(do|does|did|would|will|am|is|are)(n't| not)( (?!you\b)[a-z']+){0,4} ?$"
    r"|\b(never|without|instead of|rather than)( [a-z']+){0,3} ?$"
    r"|\b(no|not) ?$"
    r"|\bno (intention|plans?|need|wish)( [a-z']+){0,3} ?$"
    r"|\bnot (going|planning|wanting|trying|looking|here) to( [a-z']+){0,2} ?$"
)

_ENDING_ZH: Final = _any("取消 终止 終止 解除 停止 停掉 停用 关闭 關閉 注销 註銷 退掉 删除 刪除")
_ENDED_ZH: Final = _any(
    "订阅 訂閱 会员 會員 账号 帳號 账户 帳戶 帐号 帐户 合同 合约 合約 服务 服務 套餐 "
    "续费 續費 自动续 自動續"
)
_BOOKED_ZH: Final = _any("酒店 机票 機票 房 门票 門票 航班")
_WONT_ZH: Final = _any("不再 不想 不打算 不准备 不準備 不会 不會 不要 不")
_RENEW_ZH: Final = _any("续费 續費 续订 續訂 续约 續約 续签 續簽")
_OTHER_ZH: Final = _any("一家 别家 別家 别的 別的 其他 其它 另一家 另外一家")
_ZH: Final = {
    "取消订阅": rf"{_ENDING_ZH}[^。;,.!?]{{0,6}}{_ENDED_ZH}",
    "退订": rf"(退订|退訂)(?!.{{0,3}}{_BOOKED_ZH})",
    "销户": _any("销户 銷戶 解约 解約 退会 退會 退网 退網 携号转网"),
    "不续费": rf"{_WONT_ZH}再?{_RENEW_ZH}",
    "换一家": rf"(换|換|转|轉|改)(成|到|去|用|投)?{_OTHER_ZH}",
}
_NO_ZH: Final = _any(
    "不想 不会 不會 不要 没有 沒有 没想 沒想 没打算 沒打算 不打算 不用 不需要 无需 無需 别 別 "
    "并非 並非 不是"
)
_NOT_ZH: Final = re.compile(_NO_ZH + r"[^。;,.!?]{0,4}$")
_PHRASES: Final = [
    *((sign, re.compile(phrase), _NOT_EN) for sign, phrase in _EN.items()),
    *((sign, re.compile(phrase), _NOT_ZH) for sign, phrase in _ZH.items()),
]
"""A sign, the phrase that it stands for, and what negates it when it stands before."""
