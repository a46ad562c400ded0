"""Judgement: why a figure stands where it stands, in the words of the screen."""

from __future__ import annotations

from app.domain.indicator import Indicator


def reason(value: float | None, target: float | None, indicator: Indicator) -> str:
    """Why, in Vietnamese, for the screen."""
    if value is None:
        return "Mẫu số bằng 0: không có giá trị"
    if target is None:
        return "Chỉ số thống kê, không có mục tiêu"
    short = target - value if indicator.better == "up" else value - target
    if short <= 1e-12:
        return "Đạt mục tiêu"
    amount = (
        _number(short * 100, 1) + " điểm %" if indicator.unit == "percent" else _number(short, 0)
    )
    return ("Thấp hơn mục tiêu " if indicator.better == "up" else "Vượt ngưỡng ") + amount


def _number(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".translate(str.maketrans(",.", ".,"))
