"""What the server's own configuration does (backoffice/gunicorn_conf.py)."""

import gc
import socket
from types import SimpleNamespace

import pytest

from backoffice import gunicorn_conf


@pytest.fixture
def collector():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def ready(listener):
    gunicorn_conf.when_ready(
        SimpleNamespace(LISTENERS=[SimpleNamespace(sock=listener)], log=SimpleNamespace())
    )


def test_no_part_of_an_answer_waits_for_an_acknowledgement(collector):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ready(listener)
        with socket.create_connection(listener.getsockname()) as client:
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                assert not client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_it_serves_a_unix_socket_too(collector):
    with socket.socket(socket.AF_UNIX) as listener:
        ready(listener)
