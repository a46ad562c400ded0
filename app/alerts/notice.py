"""Notice: what people read when an episode is raised or resolved, in Vietnamese."""

from __future__ import annotations

from datetime import datetime

from app.domain.alerting import Episode, Notice, WorstUnit
from app.domain.clock import ZONE, iso
from app.domain.indicator import Indicator
from app.domain.judgement import odds_vi
from app.domain.period import date_of
from app.domain.profile import Profile
from app.domain.reading import Pace, Reading

SIMULATED = "DỮ LIỆU MÔ PHỎNG"
_UNITS = {
    "percent": "\u00a0%",
    "minutes": "\u00a0phút",
    "working_days": "\u00a0ngày làm việc",
    "working_hours": "\u00a0giờ làm việc",
    "days": "\u00a0ngày",
    "vnd": "\u00a0đồng",
    "count": "",
}
_SEVERITIES = {"lagging": "chậm", "critical": "rất chậm"}


def number(value: float, decimals: int) -> str:
    """1234.5 as 1.234,5."""
    return f"{value:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


def amount(value: float | None, indicator: Indicator) -> str:
    """A figure with its unit; ratios as percent."""
    if value is None:
        return "–"
    shown = value * 100 if indicator.unit == "percent" else value
    return number(shown, indicator.decimals) + _UNITS.get(indicator.unit, "")


def moment(at_s: float) -> str:
    """An instant as dd/MM/yyyy HH:mm, Vietnamese time."""
    return datetime.fromtimestamp(at_s, ZONE).strftime("%d/%m/%Y %H:%M")


def write(
    profile: Profile,
    indicator: Indicator,
    episode: Episode,
    reading: Reading,
    worst: tuple[WorstUnit, ...],
    *,
    simulated: bool,
) -> Notice:
    """The message of a raise or of a resolve; a resolve tells the whole episode, so it can
    stand alone when the raise was never sent.
    """
    subject = profile.subjects[episode.subject].name_vi
    ended = episode.state == "resolved"
    # Without a value it was not the figure that ended, but the unit.
    over = "ĐÃ HẾT CHẬM" if reading.value is not None else "ĐƠN VỊ KHÔNG CÒN"
    verb = over if ended else _SEVERITIES[episode.severity].upper()
    words = indicator.wording(date_of(reading.at_s))
    title = f"{verb}: {words.title_vi} – {subject}"
    lines = _ended(indicator, episode, reading) if ended else _raised(indicator, episode, reading)
    if worst:
        lines += ["Đơn vị thấp nhất:" if indicator.better == "up" else "Đơn vị cao nhất:"]
        lines += [f"  {n}. {_unit(u, indicator)}" for n, u in enumerate(worst, 1)]
    if indicator.alert is not None and not ended:
        lines += [
            f"Đơn vị chủ trì: {indicator.alert.owner}",
            f"Việc cần làm: {indicator.alert.response_vi}",
        ]
    lines += [f"Căn cứ: {indicator.legal_source}"] if indicator.legal_source else []
    if simulated:
        title = f"[{SIMULATED}] {title}"
    return Notice(
        title, "\n".join([title, "", *lines]),
        "resolved" if ended else "raised",
        episode.indicator, episode.level, episode.subject, episode.severity,
        reading.value, reading.target, iso(episode.since_s), iso(reading.at_s), worst, simulated,
    )  # fmt: skip


def _unit(unit: WorstUnit, indicator: Indicator) -> str:
    return f"{unit.name_vi}: {amount(unit.value, indicator)}"


def _figures(indicator: Indicator, reading: Reading) -> str:
    value, target = amount(reading.value, indicator), amount(reading.target, indicator)
    told = f"Giá trị: {value}; mục tiêu: {target}"
    return told if reading.pace is None else f"{told}\n{_pace(indicator, reading.pace)}"


def _pace(indicator: Indicator, pace: Pace) -> str:
    """What is due by now, how late that is, and where it leads."""
    told = f"Tiến độ: đến nay cần {amount(pace.expected, indicator)}"
    days = int(pace.lag_days or 0)
    if days > 0:
        told += f"; chậm {number(days, 0)} ngày làm việc"
    if pace.forecast is not None and pace.until_s is not None:
        low, high = amount(pace.low, indicator), amount(pace.high, indicator)
        told += f"; dự báo đến {moment(pace.until_s)[:10]}: từ {low} đến {high}"
    if pace.odds is not None:
        told += f"; khả năng đạt {odds_vi(pace.odds)}"
    return told


def _raised(indicator: Indicator, episode: Episode, reading: Reading) -> list[str]:
    days = (reading.at_s - episode.since_s) / 86400
    return [
        _figures(indicator, reading),
        f"Chậm liên tục từ {moment(episode.since_s)} ({number(days, 1)} ngày),"
        f" cảnh báo lúc {moment(reading.at_s)}",
    ]


def _ended(indicator: Indicator, episode: Episode, reading: Reading) -> list[str]:
    raised = episode.since_s if episode.raised_s is None else episode.raised_s
    return [
        _figures(indicator, reading),
        f"Chậm từ {moment(episode.since_s)}, cảnh báo lúc {moment(raised)},"
        f" kết thúc lúc {moment(reading.at_s)}",
    ]
