"""Quality alerts: what is wrong with the data itself, told like a lagging indicator is told.

They live in the same table and travel the same way as the alerts of indicators: the place of the
indicator is taken by the kind, the level is ``source`` and the subject ``source:<id>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.domain.source import SourceConfig

QualityKind = Literal["schema_drift", "source_silent", "profile_broken"]
LEVEL, SEVERITY = "source", "quality"

TITLES_VI: dict[QualityKind, str] = {
    "schema_drift": "Dữ liệu sai mẫu",
    "source_silent": "Nguồn không có dữ liệu mới",
    "profile_broken": "Tệp cấu hình sai",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """Records of a source that wait in quarantine; ``since_s`` data time of the oldest."""

    source: str
    since_s: int
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """What is wrong with the profile as it lies in its folder; what runs is not touched by it."""

    file: str
    line: int
    found: str
    expected: str
    remedy: str

    @property
    def subject(self) -> str:
        return f"profile:{self.file}:{self.line}"


def broken_vi(subject: str) -> str:
    """What has to be done about a broken file, from the alert's subject."""
    file, _, line = subject.removeprefix("profile:").rpartition(":")
    return (
        f"Sửa tệp {file}, dòng {line} (xem: ioc check);"
        " định nghĩa cũ vẫn được dùng cho đến khi tệp đúng"
    )


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
