"""Hourly totals and enterprises of the other upstream, by hand."""

from __future__ import annotations

Record = tuple[str, str]
DAY = "2022-10-14T"


def total(
    office: str,
    hour: str,
    kinds: str,
    notices: str,
    sent_acknowledged: str,
    sent: str,
    published: str = "",
) -> Record:
    """A running total; `kinds` as `200:messages/invoices/value`, `notices` as `2:messages`."""
    rows = ""
    for kind, _, counts in (k.partition(":") for k in kinds.split()):
        messages, *carried = counts.split("/")
        rows += f'<LTDiep MLTDiep="{kind}"><SLuong>{messages}</SLuong>'
        if carried:
            rows += f"<SLHDon>{carried[0]}</SLHDon><TgTTTBSo>{carried[1]}</TgTTTBSo>"
        rows += "</LTDiep>"
    answers = "".join(
        f'<LTBao Ma="{code}"><SLuong>{n}</SLuong></LTBao>'
        for code, n in (pair.split(":") for pair in notices.split())
    )
    told, _, acknowledged = sent_acknowledged.partition("/")
    published = published or sent
    return published, (
        f'<THop PHanh="{published}" TDGui="{sent}"><CQT>{office}</CQT><TGian>{hour}</TGian>'
        f"<DSLTDiep>{rows}</DSLTDiep><DSLTBao>{answers}</DSLTBao>"
        f"<DSoat><SLGui>{told}</SLGui><SLXNhan>{acknowledged}</SLXNhan></DSoat></THop>"
    )


def enterprise(
    code: str,
    office: str,
    status: str,
    since: str,
    accepted: str,
    first: str,
    sent: str,
    published: str = "",
) -> Record:
    """One version of an enterprise; days stand for their midnights."""
    dates = [f"{day}T00:00:00" if day else "" for day in (since, accepted, first)]
    sent = f"{sent}T08:00:00"
    published = f"{published}T08:00:00" if published else sent
    return published, (
        f'<DNghiep PHanh="{published}" TDGui="{sent}"><MST>{code}</MST><CQT>{office}</CQT>'
        f"<TTNNT>{status}</TTNNT><TTHLuc>{dates[0]}</TTHLuc><NCNhan103>{dates[1]}</NCNhan103>"
        f"<NHDDTien>{dates[2]}</NHDDTien></DNghiep>"
    )


_H1 = "200:10/10/1000000 203:2/5/500000 206:1/20/200000.0000 400:1/3/300000 202:10 204:4 300:1"

RECORDS: list[Record] = [
    total("1101,1102", DAY + "08:00:00", "200:3/3/300000 202:3", "2:3", "3/3", DAY + "08:31:00"),
    total("1102,1101", DAY + "08:00:00", _H1, "1:1 2:12 3:1", "15/14", DAY + "09:01:00"),
    total("1101,1102", DAY + "08:00:00", "200:4/4/400000 202:4", "2:4", "4/4", DAY + "08:32:00",
          DAY + "11:00:00"),
    total("1102,1101", DAY + "13:00:00", "200:4/4/400000 202:4", "2:4", "4/4", DAY + "14:01:00"),
    total("1101,1102", DAY + "14:00:00", "200:2/2/50000 202:2", "2:2", "0/2", DAY + "14:31:00"),
    total("1106", DAY + "08:00:00", "206:3/60/6000000 204:3", "7:1 2:2", "3/3", DAY + "09:01:00"),
    total("1106", DAY + "14:00:00", "206:1/5/123000", "", "1/0", DAY + "14:31:00"),
    total("1109,1104", DAY + "09:00:00", "203:1/2/20000 204:1", "9:1", "1/1", DAY + "10:01:00"),
    total("1100", DAY + "10:00:00", "400:1/100/90000000 204:1", "5:1", "5/1", DAY + "11:01:00"),
    total("1103", "2022-10-13T08:00:00", "200:7/7/70 202:7", "1:7", "9/7", "2022-10-13T09:01:00"),
    total("1107", DAY + "07:00:00", "200:9/9/90000 202:9", "2:9", "9/9", DAY + "08:01:00"),
    total("1107", DAY + "07:00:00", "200:8/8/80000 202:8", "2:8", "8/8", DAY + "12:00:00"),
    total("1107", DAY + "07:00:00", "200:9/9/90000 202:9", "1:9", "9/9", DAY + "09:30:00",
          DAY + "13:00:00"),
    total("1105", DAY + "12:00:00", "200:1/1/1 999:4", "", "1/1", DAY + "13:01:00"),
    total("1101,1102", "2022-10-13T23:00:00", "200:6/6/600 202:6", "2:6", "6/6", DAY + "00:01:00"),
    # Unreadable: half of a joint office.
    total("1101", DAY + "09:00:00", "200:1/1/1", "", "1/1", DAY + "10:01:00"),
    enterprise("5300000001", "1101", "00", "2022-01-01", "2022-03-01", "2022-04-01", "2022-04-02"),
    enterprise("5300000002", "1102", "00", "2022-01-01", "2022-03-01", "", "2022-04-02"),
    enterprise("5300000003-001", "1102", "00", "2022-01-01", "2022-03-01", "2022-04-01",
               "2022-04-02"),
    enterprise("5300000004", "1101", "00", "2022-01-01", "2022-03-01", "2022-04-01", "2022-04-02"),
    enterprise("5300000004", "1101", "03", "2022-09-01", "2022-03-01", "2022-04-01", "2022-09-02"),
    enterprise("5300000005", "1101", "00", "2022-01-01", "2022-03-01", "2022-04-01", "2022-04-02"),
    enterprise("5300000005", "1101", "01", "2022-11-01", "2022-03-01", "2022-04-01", "2022-10-02"),
    enterprise("5300000006", "1103", "00", "2022-01-01", "2022-03-01", "2022-04-01", "2022-04-02"),
    enterprise("5300000007", "1103", "06", "2022-01-01", "2022-03-01", "2022-04-01", "2022-04-02"),
    enterprise("5300000008", "1104", "00", "2022-01-01", "2022-03-01", "2022-04-01", "2022-04-02"),
    enterprise("5300000009", "1109", "00", "2022-01-01", "", "2022-04-01", "2022-04-02"),
    enterprise("5300000010", "1109", "00", "2022-01-01", "2022-03-01", "2022-04-01", "2022-04-02"),
    enterprise("5300000010", "1109", "00", "2022-01-01", "", "2022-04-01", "2022-05-02"),
    enterprise("5300000011", "1105", "00", "2022-01-01", "2022-03-01", "2022-04-01", "2022-04-02"),
    enterprise("5300000012", "1106", "00", "2022-01-01", "2022-03-01", "2022-04-01", "2022-04-02"),
    enterprise("5300000013", "1106", "00", "2022-01-01", "2022-03-01", "2022-10-15", "2022-10-02"),
    enterprise("5300000014", "1107", "00", "2022-01-01", "2022-03-01", "2022-04-01", "2022-04-02"),
    enterprise("5300000014", "1107", "03", "2022-01-01", "2022-03-01", "2022-04-01", "2022-04-03"),
    enterprise("5300000015", "1108", "00", "2022-11-01", "2022-03-01", "2022-04-01", "2022-04-02"),
    enterprise("5300000016", "1108", "00", "2022-06-01", "2022-03-01", "2022-04-01", "2022-06-02"),
    enterprise("5300000016", "1108", "06", "2022-05-01", "2022-03-01", "2022-04-01", "2022-05-02",
               "2022-06-05"),
    enterprise("5300000017", "1100", "00", "2022-01-01", "2022-03-01", "2022-04-01", "2022-04-02"),
    enterprise("5300000018", "1100", "00", "2022-01-01", "", "", "2022-04-02"),
    enterprise("5300000019", "1103", "00", "2022-01-01", "2022-03-01", "2022-04-01", "2022-10-05"),
    enterprise("5300000019", "1103", "00", "2022-01-01", "", "", "2022-10-01", "2022-10-08"),
    enterprise("5300000020", "1101", "00", "2022-01-01", "2022-03-01", "2022-04-01", "2022-04-02"),
    enterprise("5300000020", "1102", "00", "2022-01-01", "2022-03-01", "2022-04-01", "2022-08-02"),
]  # fmt: skip
