"""A pooler in transaction mode, as small as it can be: enough of the protocol to share server connections."""

import contextlib
import shutil
import socket
import struct
import tempfile
import threading
from pathlib import Path

from backoffice.embedded import SOCKET_NAME

SYNC, QUERY, TERMINATE, READY = b"S", b"Q", b"X", b"Z"


def read_exactly(link, size):
    data = b""
    while len(data) < size:
        part = link.recv(size - len(data))
        if not part:
            raise ConnectionError
        data += part
    return data


def read_message(link, *, typed=True):
    """(type, whole message); the first message of a client has no type."""
    kind = read_exactly(link, 1) if typed else b""
    length = read_exactly(link, 4)
    return kind, kind + length + read_exactly(link, struct.unpack("!I", length)[0] - 4)


def read_answer(link):
    """All messages of the server up to ReadyForQuery, and whether a transaction is open now."""
    answer = b""
    while True:
        kind, message = read_message(link)
        answer += message
        if kind == READY:
            return answer, message[-1:] != b"I"


class TransactionPooler:
    """Listens in `folder`. A server connection goes back after each transaction: to the next one who asks, or last."""

    def __init__(self, server_dir, *, reuse_last):
        self.server_socket = str(Path(server_dir) / SOCKET_NAME)
        self.idle = []
        self.take = -1 if reuse_last else 0
        self.folder = tempfile.mkdtemp(dir="/tmp")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(Path(self.folder) / SOCKET_NAME))
        self.listener.listen()
        self.lock = threading.Lock()

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *exc_info):
        self.listener.close()
        for link, _ in self.idle:
            link.close()
        shutil.rmtree(self.folder)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=[client], daemon=True).start()

    def connect(self, startup):
        link = socket.socket(socket.AF_UNIX)
        link.connect(self.server_socket)
        link.sendall(startup)
        return link, read_answer(link)[0]

    def serve(self, client):
        with client, contextlib.suppress(OSError):
            _, startup = read_message(client, typed=False)
            with self.lock:
                while len(self.idle) < 3:
                    self.idle.append(self.connect(startup))
            client.sendall(self.idle[0][1])
            held, request = None, b""
            while True:
                kind, message = read_message(client)
                if kind == TERMINATE:
                    return
                request += message
                if kind not in (SYNC, QUERY):
                    continue
                if held is None:
                    with self.lock:
                        held = self.idle.pop(self.take)
                held[0].sendall(request)
                answer, in_transaction = read_answer(held[0])
                if not in_transaction:
                    self.idle.append(held)
                    held = None
                request = b""
                client.sendall(answer)
