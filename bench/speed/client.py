"""A keep-alive HTTP/1.1 client over one socket: a tenth of a millisecond of its own, where http.client takes half of one.

`Connection.ask` gives an Answer. A connection that the server closed meanwhile (gunicorn does after two seconds of
silence) is opened anew before the clock starts.
"""

import socket
import time
from dataclasses import dataclass, field

IDLE_SECONDS = 1
LIMIT = 1 << 18


@dataclass
class Answer:
    status: int
    headers: dict  # names in lower case
    body: bytes
    first_byte: float  # ms until the first byte of the body (of the headers, if there is no body)
    total: float  # ms
    wire: int = field(default=0)  # bytes that came in, headers and chunks included

    @property
    def text(self):
        return self.body.decode()


class Connection:
    def __init__(self, port, headers=(), timeout=120):
        self.port = port
        self.headers = "".join(f"{name}: {value}\r\n" for name, value in headers)
        self.timeout = timeout
        self.socket = None
        self.used_at = 0

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None

    def connect(self):
        if self.socket and time.monotonic() - self.used_at > IDLE_SECONDS:
            self.close()
        if not self.socket:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, path, body=None, headers="", keep=True):
        """One request. `body` is an urlencoded form (POST); `keep=False` counts the body's bytes and drops them."""
        self.connect()
        method, extra = ("GET", "") if body is None else ("POST", form_headers(body))
        request = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{self.headers}{headers}{extra}\r\n"
            + (body or "")
        ).encode()
        began = time.perf_counter()
        self.socket.sendall(request)
        answer = Reading(self.socket, began, keep).answer()
        self.used_at = time.monotonic()
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer


def form_headers(body):
    return f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body.encode())}\r\n"


class Reading:
    """One answer, as it comes in."""

    def __init__(self, source, began, keep):
        self.source, self.began, self.keep = source, began, keep
        self.data, self.wire, self.first = b"", 0, None
        self.parts, self.size = [], 0

    def more(self):
        data = self.source.recv(LIMIT)
        if not data:
            raise ConnectionError("The server closed the connection within an answer.")
        self.wire += len(data)
        self.data += data

    def answer(self):
        while (end := self.data.find(b"\r\n\r\n")) < 0:
            self.more()
        head, self.data = self.data[:end].decode("latin-1"), self.data[end + 4 :]
        status, *lines = head.split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            self.chunks()
        else:
            self.take(int(headers.get("content-length", 0)))
        total = (time.perf_counter() - self.began) * 1000
        first = total if self.first is None else (self.first - self.began) * 1000
        return Answer(int(status.split(" ", 2)[1]), headers, b"".join(self.parts), first, total, self.wire)

    def take(self, length):
        left = length
        while left:
            if not self.data:
                self.more()
            if self.first is None:
                self.first = time.perf_counter()
            part, self.data = self.data[:left], self.data[left:]
            left -= len(part)
            if self.keep:
                self.parts.append(part)

    def line(self):
        while (end := self.data.find(b"\r\n")) < 0:
            self.more()
        line, self.data = self.data[:end], self.data[end + 2 :]
        return line

    def chunks(self):
        while length := int(self.line().partition(b";")[0], 16):
            self.take(length)
            self.line()
        self.line()
