"""Quality alerts: what is wrong with the data itself, told like a lagging indicator is told.

They live in the same table and travel the same way as the alerts of indicators: the place of the
indicator is taken by the kind, the level is ``source`` and the subject ``source:<id>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.domain.source import SourceConfig

QualityKind = Literal["schema_drift", "source_silent"]
LEVEL, SEVERITY = "source", "quality"

TITLES_VI: dict[QualityKind, str] = {
    "schema_drift": "Dữ liệu sai mẫu",
    "source_silent": "Nguồn không có dữ liệu mới",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """Records of a source that wait in quarantine; ``since_s`` data time of the oldest."""

    source: str
    since_s: int
    count: int
    reason: str


def subject_of(source: str) -> str:
    return f"source:{source}"


def source_of(subject: str) -> str:
    return subject.removeprefix("source:")


def response_vi(kind: str, config: SourceConfig) -> str:
    """What the owner has to do, for the screen and the message."""
    if kind == "schema_drift":
        return (
            f"Đối chiếu mẫu dữ liệu với đơn vị vận hành, sửa bộ thu thập “{config.collector}”,"
            f" rồi chạy: ioc replay {config.id}"
        )
    return "Liên hệ đơn vị vận hành hệ thống nguồn; số liệu được giữ nguyên đến khi có lại"
