"""SMTP: sends the notice as one plain-text mail; its Message-ID comes from the idempotency key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, parseaddr

import aiosmtplib

from app.domain.alerting import Notice
from app.domain.clock import real_s
from app.notify.channel import Refused, RetryLater

_TLS = ("none", "starttls", "tls")


@dataclass(frozen=True, slots=True)
class Config:
    """``tls`` is ``none``, ``starttls`` or ``tls``; ``timeout_s`` in real seconds per command."""

    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    username: str = ""
    password: str = field(default="", repr=False)
    tls: str = "none"
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.tls not in _TLS:
            raise ValueError(f"tls {self.tls!r}: expected one of {', '.join(_TLS)}")
        if not self.to:
            raise ValueError("to: expected at least one address")


async def send(config: Config, notice: Notice, key: str) -> None:
    try:
        await aiosmtplib.send(
            message(config, notice, key),
            hostname=config.host,
            port=config.port,
            username=config.username or None,
            password=config.password or None,
            use_tls=config.tls == "tls",
            start_tls=config.tls == "starttls",
            timeout=config.timeout_s,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [r.code for r in error.recipients]
        raise _meaning(f"recipients refused {codes}", min(codes, default=550)) from error
    except aiosmtplib.SMTPResponseException as error:
        raise _meaning(f"SMTP {error.code} {error.message}", error.code) from error
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise RetryLater(f"SMTP: {error!r}") from error


def message(config: Config, notice: Notice, key: str) -> EmailMessage:
    """The mail; one thread per alert. Mail programs show one mail per Message-ID."""
    domain = parseaddr(config.sender)[1].partition("@")[2] or "ioc.invalid"
    mail = EmailMessage()
    mail["From"] = config.sender
    mail["To"] = ", ".join(config.to)
    mail["Subject"] = " ".join(notice.title.split())
    mail["Date"] = formatdate(real_s())
    mail["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"
    mail["References"] = f"<alert-{_thread(key, notice)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-IOC-Key"] = key
    mail.set_content(notice.text)
    return mail


def _thread(key: str, notice: Notice) -> str:
    """The part of the key that all messages of an alert share: database epoch and alert."""
    return f"{key.partition('-')[0]}-{notice.alert_id}"


def _meaning(reason: str, code: int) -> RetryLater | Refused:
    """5xx is final, anything else may pass."""
    return Refused(reason) if 500 <= code < 600 else RetryLater(reason)
