"""Texts: a message in words, in English and Chinese (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from schemas import (
    TYPES,
    AlertAcknowledged,
    AlertClosed,
    AlertRaised,
    LifecycleChanged,
    PointsExpiring,
    ScoreComputed,
    TierChanged,
)
from services.commands.message import TEST, Message
from services.store.targets import Language

Tone = Literal["plain", "good", "warning", "critical"]
MOST_FACTS: Final = 8
LONGEST: Final = 300
"""Characters of a fact: evidence may hold anything."""

_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "customer": "Customer", "open": "Open in Touchline", "workspace": "Workspace",
        "rule": "Rule", "policy_version": "Version", "severity": "Severity", "score": "Score",
        "threshold": "Threshold", "machine": "Lifecycle", "previous_stage": "Before",
        "previous_tier": "Before", "since": "Since", "points": "Points", "band": "Band",
        "tier_until_at": "Until", "expires_at": "From", "by": "By", "reason": "Reason",
        "value": "Value", "previous_value": "Before", "model": "Model",
    },
    "zh": {
        "customer": "客户", "open": "在 Touchline 中查看", "workspace": "工作区",
        "rule": "规则", "policy_version": "版本", "severity": "级别", "score": "分数",
        "threshold": "阈值", "machine": "生命周期", "previous_stage": "之前", "band": "区间",
        "previous_tier": "之前", "since": "开始于", "points": "积分", "tier_until_at": "有效至",
        "expires_at": "起于", "by": "处理人", "reason": "原因", "value": "数值",
        "previous_value": "之前", "model": "模型",
    },
}  # fmt: skip
_STAGES: Final = {
    "prospect": "潜在", "engaged": "有兴趣", "new": "新客", "active": "活跃", "loyal": "忠诚",
    "won_back": "已挽回", "at_risk": "有流失风险", "lapsed": "已流失", "reach": "触达",
    "acquire": "获取", "convert": "转化", "retain": "留存", "discover": "发现", "consider": "考虑",
    "decide": "决定", "buy": "购买", "after": "购后",
}  # fmt: skip
_SEVERITIES: Final = {"info": "提示", "warning": "警告", "critical": "严重"}
_BAD_STAGES: Final = {"at_risk", "lapsed"}
_UNSAID: Final = {"customer_id", "alert_id", "evidence", "is_restated"}


@dataclass(frozen=True, slots=True)
class Text:
    """What people read."""

    title: str
    """One line, without what the sender should not break: no line ends."""
    facts: list[tuple[str, str]]
    """Label and value; the first is the customer, where there is one."""
    tone: Tone
    link: str
    """Where more is to be seen; empty where nothing is."""
    link_label: str
    note: str
    """What it is and when it was, in the words of events."""


def text_of(message: Message, language: Language, console: str) -> Text:
    """``message`` for people; ``console`` is the address that links begin with."""
    words = _WORDS[language]
    data = _typed(message)
    said: Mapping[str, Any] = msgspec.to_builtins(data)
    facts = [(words["customer"], message.customer_id)] if message.customer_id else []
    named = {name: value for name, value in said.items() if name not in _UNSAID}
    known = [
        (words[name], _shown(value))
        for name, value in named.items()
        if name in words and value is not None
    ]
    evidence = [
        (name.replace("_", " "), _shown(value))
        for name, value in (said.get("evidence") or {}).items()
    ]
    link = f"{console}/#/customers/{message.customer_id}" if message.customer_id else ""
    return Text(
        title=_line(_title(message, data, language)),
        facts=[*facts, *known, *evidence][: MOST_FACTS + 1],
        tone=_tone(data),
        link=link,
        link_label=words["open"],
        note=f"{message.type} · {message.occurred_at:%Y-%m-%d %H:%M} UTC · "
        f"{words['workspace']} {message.workspace}",
    )


def _typed(message: Message) -> Any:
    """The data as its class, so that what it says of itself can be said."""
    raw = msgspec.json.encode(message.data)
    kind = TYPES.get(message.type)
    return msgspec.json.decode(raw) if kind is None else msgspec.json.decode(raw, type=kind)


def _title(message: Message, data: Any, language: Language) -> str:
    if message.type == TEST:
        return "Touchline reaches this target" if language == "en" else "Touchline 已连通此目标"
    return str(data.summary()) if language == "en" else _chinese(data)


def _chinese(data: Any) -> str:
    match data:
        case LifecycleChanged(stage=stage):
            return f"客户进入阶段：{_STAGES.get(stage, stage)}"  # noqa: RUF001
        case TierChanged(tier=None):
            return "客户已无会员等级"
        case TierChanged(tier=tier):
            return f"客户等级变为 {tier}"
        case PointsExpiring(points=points, expires_at=expires_at):
            return f"{points} 积分将从 {expires_at:%Y-%m-%d} 起到期"
        case ScoreComputed(score=score, value=value, band=band):
            return f"分数 {score} {value:.4g}" + (f" · {band}" if band else "")
        case AlertRaised(rule=rule, severity=severity):
            return f"{_SEVERITIES.get(severity, severity)}预警：{rule.replace('_', ' ')}"  # noqa: RUF001
        case AlertAcknowledged():
            return "预警已确认"
        case AlertClosed():
            return "预警已关闭"
        case _:
            return str(data.summary())


def _tone(data: Any) -> Tone:
    match data:
        case AlertRaised(severity="critical"):
            return "critical"
        case AlertRaised(severity="warning") | PointsExpiring():
            return "warning"
        case LifecycleChanged(stage=stage):
            return "warning" if stage in _BAD_STAGES else "good"
        case AlertClosed():
            return "good"
        case _:
            return "plain"


def _shown(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return _line(text)


def _line(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
