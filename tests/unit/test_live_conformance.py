"""RFC 6455 on the live channel's own connections: what a hostile or clumsy peer may send."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


class Peer:
    """Speaks frames by hand."""

    def __init__(self, port: int, more: bytes = b"") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._socket.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%b\r\n"
            % more
        )
        self._kept = b""
        while b"\r\n\r\n" not in self._kept:
            self._kept += self._socket.recv(4096)
        head, _, self._kept = self._kept.partition(b"\r\n\r\n")
        assert b" 101 " in head
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head, "the key is answered as RFC 6455 says"

    def say(self, opcode: int, data: bytes = b"", *, fin: bool = True, first: int = 0) -> None:
        """One masked frame; ``first``: reserved bits to set."""
        mask, size = b"\x37\xfa\x21\x3d", len(data)
        head = bytes([(0x80 if fin else 0) | first | opcode])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65536:
            head += struct.pack("!BH", 0x80 | 126, size)
        else:
            head += struct.pack("!BQ", 0x80 | 127, size)
        body = bytes(b ^ mask[n % 4] for n, b in enumerate(data))
        self._socket.sendall(head + mask + body)

    def leave(self) -> None:
        self._socket.close()

    def raw(self, data: bytes) -> None:
        self._socket.sendall(data)

    def _take(self, size: int) -> bytes:
        while len(self._kept) < size:
            got = self._socket.recv(65536)
            if not got:
                raise EOFError
            self._kept += got
        found, self._kept = self._kept[:size], self._kept[size:]
        return found

    def hear(self) -> tuple[int, bytes]:
        first, size = self._take(2)
        assert first & 0x80, "the server sends whole messages"
        assert not size & 0x80, "a server masks nothing"
        if size == 126:
            size = struct.unpack("!H", self._take(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self._take(8))[0]
        return first & 15, self._take(size)

    def closed(self) -> int:
        """The close code, after which the connection ends."""
        while True:
            opcode, data = self.hear()
            if opcode == CLOSE:
                break
        with pytest.raises((EOFError, ConnectionResetError)):
            self._take(1)
        return struct.unpack("!H", data[:2])[0] if data else 1005


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = free.getsockname()[1]
    echo = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.live.echo", str(found)], cwd=Path(__file__).parents[2]
    )
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", found), timeout=1).close()
            break
        except OSError:
            assert time.monotonic() < until
            assert echo.poll() is None
            time.sleep(0.05)
    yield found
    echo.terminate()
    echo.wait(10)


@pytest.fixture
def peer(port: int) -> Iterator[Peer]:
    found = Peer(port)
    yield found
    found.leave()


@pytest.mark.parametrize("size", [0, 125, 126, 127, 65535, 65536, 300_000])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_every_length_comes_back(peer: Peer, opcode, size):
    peer.say(opcode, b"*" * size)
    assert peer.hear() == (opcode, b"*" * size)


def test_pieces_with_a_ping_between_them_are_one_message(peer: Peer):
    peer.say(TEXT, "Lào ".encode(), fin=False)
    peer.say(PING, b"are you there")
    peer.say(CONT, b"C", fin=False)
    peer.say(CONT, b"ai")
    assert peer.hear() == (PONG, b"are you there")
    assert peer.hear() == (TEXT, "Lào Cai".encode())


def test_a_letter_cut_by_a_frame_is_whole_again(peer: Peer):
    text = "Trung tâm điều hành".encode()
    for number, byte in enumerate(text):
        last = number == len(text) - 1
        peer.say(TEXT if number == 0 else CONT, bytes([byte]), fin=last)
    assert peer.hear() == (TEXT, text)


def test_pongs_nobody_asked_for_are_no_message(peer: Peer):
    peer.say(PONG, b"unasked")
    peer.say(TEXT, b"after")
    assert peer.hear() == (TEXT, b"after")


@pytest.mark.parametrize("first", [0x10, 0x20, 0x40, 0x70])
def test_reserved_bits_are_a_protocol_error(peer: Peer, first):
    peer.say(TEXT, b"x", first=first)
    assert peer.closed() == 1002


@pytest.mark.parametrize("opcode", [3, 7, 11, 15])
def test_reserved_opcodes_are_a_protocol_error(peer: Peer, opcode):
    peer.say(opcode, b"x")
    assert peer.closed() == 1002


def test_a_frame_without_a_mask_is_a_protocol_error(peer: Peer):
    peer.raw(b"\x81\x01x")
    assert peer.closed() == 1002


def test_a_continuation_of_nothing_is_a_protocol_error(peer: Peer):
    peer.say(CONT, b"x")
    assert peer.closed() == 1002


def test_a_new_message_inside_another_is_a_protocol_error(peer: Peer):
    peer.say(TEXT, b"x", fin=False)
    peer.say(TEXT, b"y")
    assert peer.closed() == 1002


def test_a_long_or_cut_ping_is_a_protocol_error(port: int):
    for opcode, data, fin in ((PING, b"x" * 126, True), (PING, b"x", False)):
        peer = Peer(port)
        peer.say(opcode, data, fin=fin)
        assert peer.closed() == 1002
        peer.leave()


@pytest.mark.parametrize("wrong", [b"\xff", b"\xce\xba\xed\xa0\x80", b"\xf4\x90\x80\x80"])
def test_text_that_is_no_utf_8_is_refused(peer: Peer, wrong):
    peer.say(TEXT, wrong)
    assert peer.closed() == 1007


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 3000, 4999])
def test_a_close_is_answered_with_its_code(peer: Peer, code):
    peer.say(CLOSE, struct.pack("!H", code) + b"bye")
    assert peer.closed() == code


def test_a_close_without_a_code_is_answered(peer: Peer):
    peer.say(CLOSE)
    assert peer.closed() in (1000, 1005)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1016, 2999, 5000])
def test_a_close_with_a_code_nobody_may_send_is_a_protocol_error(peer: Peer, code):
    peer.say(CLOSE, struct.pack("!H", code))
    assert peer.closed() == 1002


def test_a_close_with_half_a_code_is_a_protocol_error(peer: Peer):
    peer.say(CLOSE, b"\x03")
    assert peer.closed() == 1002


def test_a_close_whose_reason_is_no_utf_8_is_refused(peer: Peer):
    peer.say(CLOSE, struct.pack("!H", 1000) + b"\xce\xba\xff")
    assert peer.closed() in (1002, 1007)


def test_a_close_in_the_middle_of_a_message_ends_it(peer: Peer):
    peer.say(TEXT, b"half", fin=False)
    peer.say(CLOSE, struct.pack("!H", 1000))
    assert peer.closed() == 1000


def test_nothing_is_answered_after_the_close(peer: Peer):
    peer.say(CLOSE, struct.pack("!H", 1000))
    peer.say(PING, b"still?")
    assert peer.closed() == 1000


VALID = (
    "κόσμε", "\u0000", "\u0080", "\u0800", "\U00010000", "\u007f", "\u07ff", "\uffff", "\ud7ff",
    "\ue000", "\ufffd", "\U0010ffff", "\U0001fffe", "Hello-µ@ßöäüàá-UTF-8!!",
)  # fmt: skip
INVALID = (
    b"\x80", b"\xbf", b"\x80\xbf\x80", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\xaf", b"\xf0\x8f\xbf\xbf", b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80",
    b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80", b"\xf4\x90\x80\x80", b"\xfe",
    b"\xff", b"\xc3", b"\xe1\x80", b"\xf0\x9f\x98", b"\xc3(", b"ok\xce\xba\xe1\xbd\xb9\xcf\x83\xce",
)  # fmt: skip


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_every_kind_of_letter_comes_back_however_it_is_cut(peer: Peer, cut):
    for text in VALID:
        data = text.encode()
        if cut:
            peer.say(TEXT, data[:cut], fin=False)
            peer.say(CONT, data[cut:])
        else:
            peer.say(TEXT, data)
        assert peer.hear() == (TEXT, data)


@pytest.mark.parametrize("cut", [0, 1])
def test_every_kind_of_broken_letter_is_refused_however_it_is_cut(port: int, cut):
    for data in INVALID:
        peer = Peer(port)
        if cut:
            peer.say(TEXT, data[:cut], fin=False)
            peer.say(CONT, data[cut:])
        else:
            peer.say(TEXT, data)
        assert peer.closed() == 1007, data
        peer.leave()


def test_bytes_that_come_one_by_one_are_the_same_message(peer: Peer):
    mask, data = b"\x01\x02\x03\x04", "Lào Cai".encode()
    body = bytes(b ^ mask[n % 4] for n, b in enumerate(data))
    for one in bytes([0x81, 0x80 | len(data)]) + mask + body:
        peer.raw(bytes([one]))
    assert peer.hear() == (TEXT, data)


def test_many_frames_in_one_packet_are_answered_in_their_order(peer: Peer):
    frames = b"".join(bytes([0x82, 0x81, 0, 0, 0, 0, n]) for n in range(100))
    peer.raw(frames)
    assert [peer.hear() for _ in range(100)] == [(BINARY, bytes([n])) for n in range(100)]


def test_ten_pings_are_answered_each(peer: Peer):
    for n in range(10):
        peer.say(PING, b"%d" % n)
    assert [peer.hear() for _ in range(10)] == [(PONG, b"%d" % n) for n in range(10)]


def test_a_message_of_a_thousand_pieces_is_one(peer: Peer):
    for n in range(1000):
        peer.say(BINARY if n == 0 else CONT, b"ab", fin=n == 999)
    assert peer.hear() == (BINARY, b"ab" * 1000)


DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


def packed(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


@pytest.mark.parametrize("size", [0, 1, 125, 65536, 300_000])
def test_what_is_packed_is_understood_whole_or_in_pieces(port: int, size):
    data = (b"Lao Cai %d " % size * (size // 8 + 1))[:size]
    peer, told = Peer(port, DEFLATE), packed(data)
    peer.say(TEXT, told, first=0x40)
    assert zlib.decompressobj(-15).decompress(peer.hear()[1] + b"\0\0\xff\xff") == data
    peer.say(TEXT, told[:5], first=0x40, fin=False)
    peer.say(CONT, told[5:])
    assert zlib.decompressobj(-15).decompress(peer.hear()[1] + b"\0\0\xff\xff") == data
    peer.leave()


def test_what_is_packed_wrongly_is_refused(port: int):
    for say in (
        lambda p: p.say(TEXT, b"\xff\xff\xff\xff", first=0x40),
        lambda p: (p.say(TEXT, packed(b"a"), first=0x40, fin=False),
                   p.say(CONT, b"x", first=0x40)),
        lambda p: p.say(PING, b"x", first=0x40),
    ):  # fmt: skip
        peer = Peer(port, DEFLATE)
        say(peer)
        assert peer.closed() in (1002, 1007)
        peer.leave()
