"""The floor: what the same pages cost with nothing but psycopg and strings. A process of its own.

    DATABASE_URL=… python bench/speed/floor.py DESCRIPTOR      # of a socket that listens

One connection, every statement prepared, keyset pages, the columns that are shown, HTML by f-strings with escaping,
HTTP/1.1 kept alive on loopback. No sign-in, no rights, no template, no filters, no sidebar: nobody could work with it.
An address is /<name of the handler>?<parameters>; the handlers are in floor_lists.py and floor_pages.py.
"""

import gc
import os
import socket
import sys
import traceback
from pathlib import Path
from urllib.parse import parse_qsl

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.speed.floor_lists import LISTS
from bench.speed.floor_pages import PAGES

HANDLERS = {**LISTS, **PAGES, "ready": lambda connection, params: "Ready."}
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: {}; charset=utf-8\r\nContent-Length: {}\r\n\r\n"
START = "<!doctype html><html lang=en><meta charset=utf-8><title>Floor</title><body>"


def connect():
    return psycopg.connect(
        os.environ["DATABASE_URL"],
        autocommit=True,
        prepare_threshold=0,
        options="-c search_path=backoffice,public -c jit=off",
    )


def serve(descriptor):
    database = connect()
    listener = socket.socket(fileno=descriptor)
    gc.collect()
    gc.freeze()
    while True:  # one client, one connection after the other
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            talk(client, database)
        except ConnectionError:
            pass
        finally:
            client.close()


def talk(client, database):
    """Answers the requests of one connection until its other end closes it."""
    while data := client.recv(65536):
        while b"\r\n\r\n" not in data:
            data += client.recv(65536)
        name, _, query = data.split(b" ", 2)[1].decode().lstrip("/").partition("?")
        try:
            answer = HANDLERS[name](database, dict(parse_qsl(query)))
        except Exception:  # told to whoever runs the benchmark, who asked for it
            client.sendall(failed(traceback.format_exc()))
            continue
        if isinstance(answer, str):
            body = (START + answer).encode()
            client.sendall(HEAD.format("text/html", len(body)).encode() + body)
        else:
            stream(client, answer)


def stream(client, parts):
    """A file in chunks, as they come out of the database."""
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n")
    for part in parts:
        client.sendall(b"%x\r\n%b\r\n" % (len(part), part))
    client.sendall(b"0\r\n\r\n")


def failed(text):
    body = text.encode()
    return b"HTTP/1.1 500 Failed\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
