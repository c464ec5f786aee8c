"""A keep-alive HTTP/1.1 client over one socket, which takes less of its own than http.client does: the client of all
measurements.

`Connection.ask` gives an Answer. A connection that the server closed meanwhile (gunicorn does after two seconds of
silence) is opened anew before the clock starts.
"""

import gzip
import socket
import time
from dataclasses import dataclass, field

IDLE_SECONDS = 1
LIMIT = 1 << 18


@dataclass
class Answer:
    status: int
    headers: dict  # names in lower case
    body: bytes  # b"" if it was not to be kept
    first_byte: float  # ms until the first byte of the body (of the headers, if there is no body)
    total: float  # ms
    wire: int = field(default=0)  # bytes that came in, headers and chunks included

    @property
    def text(self):
        return self.body.decode()


class Connection:
    """Asks one server, always with these headers. Without `keeps`, bodies are read and thrown away, as they come."""

    def __init__(self, port, headers=(), timeout=120, keeps=True):
        self.port, self.keeps = port, keeps
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

    def ask(self, path, body=None, headers=""):
        """One request. `body` is an urlencoded form, which is posted."""
        self.connect()
        method, extra = ("GET", "") if body is None else ("POST", form_headers(body))
        request = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{self.headers}{headers}{extra}\r\n"
            + (body or "")
        ).encode()
        began = time.perf_counter()
        self.socket.sendall(request)
        answer = Reading(self.socket, began, self.keeps).answer()
        self.used_at = time.monotonic()
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer


def form_headers(body):
    return f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body.encode())}\r\n"


class Reading:
    """One answer, as it comes in: `data` from `at` on is not taken yet."""

    def __init__(self, source, began, keeps):
        self.source, self.began, self.keeps = source, began, keeps
        self.data, self.at, self.wire, self.first = b"", 0, 0, None
        self.parts = []

    def more(self):
        data = self.source.recv(LIMIT)
        if not data:
            raise ConnectionError("The server closed the connection within an answer.")
        self.wire += len(data)
        self.data, self.at = self.data[self.at :] + data, 0

    def answer(self):
        status, *lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            while length := int(self.until(b"\r\n").partition(b";")[0], 16):
                self.take(length)
                self.until(b"\r\n")
            self.until(b"\r\n")
        else:
            self.take(int(headers.get("content-length", 0)))
        total = (time.perf_counter() - self.began) * 1000
        first = total if self.first is None else (self.first - self.began) * 1000
        body = b"".join(self.parts)
        if body and headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        return Answer(int(status.split(" ", 2)[1]), headers, body, first, total, self.wire)

    def until(self, mark):
        """What stands before the mark."""
        while (end := self.data.find(mark, self.at)) < 0:
            self.more()
        found, self.at = self.data[self.at : end], end + len(mark)
        return found

    def take(self, left):
        while left:
            if self.at == len(self.data):
                self.more()
            if self.first is None:
                self.first = time.perf_counter()
            part = self.data[self.at : self.at + left]
            self.at += len(part)
            left -= len(part)
            if self.keeps:
                self.parts.append(part)
