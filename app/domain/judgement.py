"""Judgement: why a figure stands where it stands, in the words of the screen."""

from __future__ import annotations

from app.domain.indicator import Indicator
from app.domain.reading import Pace

_WAITS = {
    "lasting": "; chưa đủ số ngày liền để kết luận chậm",
    "leaving": "; chờ đủ số ngày liền mới hết chậm",
}

_UNITS = {
    "minutes": "phút", "working_days": "ngày làm việc", "working_hours": "giờ làm việc",
    "days": "ngày", "vnd": "đồng",
}  # fmt: skip


def reason(value: float | None, target: float | None, indicator: Indicator) -> str:
    """Why, in Vietnamese, for the screen."""
    if value is None:
        return "Mẫu số bằng 0: không có giá trị"
    if target is None:
        return "Chỉ số thống kê, không có mục tiêu"
    short = target - value if indicator.better == "up" else value - target
    if short <= 1e-12:
        return "Đạt mục tiêu"
    amount = _plain(short, indicator)
    if indicator.unit == "percent":  # a shortfall of less than a tenth is still said
        amount = _number(short * 100, 1 if short >= 5e-4 else 2) + " điểm %"
    return ("Thấp hơn mục tiêu " if indicator.better == "up" else "Vượt ngưỡng ") + amount


def pace_reason(value: float | None, target: float | None, indicator: Indicator, pace: Pace) -> str:
    """Why a figure on its way to a goal stands where it stands, in Vietnamese."""
    if value is None or target is None:
        return reason(value, target, indicator)
    if pace.way == "held":
        return reason(value, target, indicator) + _WAITS.get(pace.holds, "")
    due = f"đến nay cần đạt {_amount(pace.expected, indicator)}"
    if (target - value if indicator.better == "up" else value - target) <= 1e-12:
        return "Đạt mục tiêu cả năm"
    days = int(pace.lag_days or 0)
    if days > 0:
        told = f"Chậm {_number(days, 0)} ngày làm việc so với tiến độ: {due}"
    elif days < 0:
        told = f"Nhanh hơn tiến độ {_number(-days, 0)} ngày làm việc: {due}"
    else:
        told = f"Đúng tiến độ: {due}"
    if pace.odds is not None:
        told += f"; khả năng đạt mục tiêu {odds_vi(pace.odds)}"
    return told


def odds_vi(odds: float) -> str:
    """A chance in words that promise no more than a forecast can know."""
    if odds < 0.01:
        return "dưới 1\u00a0%"
    return "trên 99\u00a0%" if odds > 0.99 else f"{_number(odds * 100, 0)}\u00a0%"


def _amount(value: float, indicator: Indicator) -> str:
    if indicator.unit == "percent":
        return _number(value * 100, 1) + " %"
    return _plain(value, indicator)


def _plain(value: float, indicator: Indicator) -> str:
    """A number in the figure's own unit; money in đồng, without a part of one."""
    decimals = 0 if indicator.unit == "vnd" or float(value).is_integer() else indicator.decimals
    unit = _UNITS.get(indicator.unit)
    return _number(value, decimals) + (f" {unit}" if unit else "")


def _number(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".translate(str.maketrans(",.", ".,"))
