"""Channels: what is said to an operator who configures one wrong, and what a mail looks like."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.alerts.notice import moment, number
from app.domain.alerting import Notice
from app.notify.channel import channel_names, open_receivers
from app.notify.channels import smtp, webhook
from app.notify.outbox import delay_s

NOTICE = Notice(
    "CHẬM: Hồ sơ giải quyết đúng hạn – Tỉnh Lào Cai", "Giá trị: 91,3 %", "raised", "ps.on_time",
    "province", "area:10", "lagging", 0.913, 0.95, "", "", (), True, 7,
)  # fmt: skip
MAIL = smtp.Config("mail.example", 25, "IOC <ioc@laocai.example>", ("a@x.example", "b@x.example"))


def test_channels_are_found_by_their_folder():
    assert channel_names() == ["smtp", "webhook"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"channel": "pigeon"}, "expected one of smtp, webhook"),
        ({"url": "http://x"}, "receiver 'duty' states channel None"),
        ({"channel": "webhook"}, "missing required field `url`"),
        ({"channel": "webhook", "url": "file:///etc"}, "expected http:// or https://"),
        ({"channel": "webhook", "url": "http://x", "urls": 1}, "urls unknown to channel"),
        (
            {"channel": "smtp", "host": "h", "port": 25, "sender": "a@b", "to": []},
            "expected at least one address",
        ),
    ],
)
def test_a_wrong_receiver_is_named(table, said):
    with pytest.raises((LookupError, ValueError), match=said) as error:
        open_receivers({"duty": table})
    assert "duty" in str(error.value)


def test_secrets_do_not_show():
    assert "hunter2" not in repr(webhook.Config("http://x", secret="hunter2"))
    assert "hunter2" not in repr(replace(MAIL, password="hunter2"))


def test_the_message_id_is_the_keys():
    one, again = (smtp.message(MAIL, NOTICE, "e1-7-raised-mail") for _ in range(2))
    other = smtp.message(MAIL, NOTICE, "e1-7-resolved-mail")
    assert one["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert one["References"] == other["References"] == "<alert-e1-7@laocai.example>"
    assert one["To"] == "a@x.example, b@x.example"


def test_a_title_cannot_add_a_header():
    mail = smtp.message(MAIL, replace(NOTICE, title="x\r\nBcc: y@z"), "k")
    assert mail["Subject"] == "x Bcc: y@z" and mail["Bcc"] is None


@pytest.mark.parametrize(
    ("attempts", "asked", "chance", "expected"),
    [
        (1, None, 0.0, 1.0),
        (1, None, 1.0, 2.0),
        (4, None, 0.5, 8.5),
        (30, None, 1.0, 300.0),
        (1, 90.0, 0.0, 90.0),
        (1, 1e9, 0.0, 86400.0),
    ],
)
def test_delays(attempts, asked, chance, expected):
    assert delay_s(attempts, asked, chance) == expected


def test_numbers_and_moments_are_vietnamese():
    assert number(1234.5, 1) == "1.234,5"
    assert number(-1234567.0, 0) == "-1.234.567"
    assert moment(1664757000) == "03/10/2022 07:30"
