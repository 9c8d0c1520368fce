"""A small WSGI server on a socket that was opened before the fork: a few threads, each accepts.

Each thread keeps its connection to the database, as the threads of the real server do.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler

from flask import Flask


class Handler(WSGIRequestHandler):
    """Reads one request and lets the app answer it."""

    def handle(self):
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        handler = ServerHandler(
            self.rfile, self.wfile, self.get_stderr(), self.get_environ(), multithread=True
        )
        handler.request_handler = self
        handler.run(self.server.app)

    def address_string(self):
        return self.client_address[0]

    def log_message(self, *_about):
        """Say nothing: who asked and what came of it is the driver's to count."""


class Server:
    """What the handler needs to know of its server."""

    def __init__(self, app: Flask, listener: socket.socket) -> None:
        self.app = app
        self.listener = listener
        self.base_environ = {
            "SERVER_NAME": "127.0.0.1",
            "GATEWAY_INTERFACE": "CGI/1.1",
            "SERVER_PORT": str(listener.getsockname()[1]),
            "REMOTE_HOST": "",
            "CONTENT_LENGTH": "",
            "SCRIPT_NAME": "",
        }

    def start(self, threads: int) -> None:
        """Begin to answer, in threads that end with the process."""
        for _ in range(threads):
            threading.Thread(target=self.answer, daemon=True).start()

    def answer(self) -> None:
        """Answer for ever."""
        while True:
            connection, address = self.listener.accept()
            with suppress(OSError):  # a caller that went away is no news
                Handler(connection, address, self)
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
