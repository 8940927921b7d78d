"""Answers every request with the headers it came with, as JSON, and with those that its query names.

/size/NUMBER is answered with NUMBER bytes.

Usage: echo.py SOCKET
"""

from __future__ import annotations

import json
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # Long enough to be worth compressing.
        body = json.dumps({"path": self.path, "headers": self.headers.items(), "padding": "x" * 5000}).encode()
        if self.path.startswith("/size/"):
            body = b"x" * int(self.path.rpartition("/")[2])
        self.send_response(200)
        for name, value in parse_qsl(urlsplit(self.path).query):
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def address_string(self) -> str:
        return "nginx"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


if __name__ == "__main__":
    with Server(sys.argv[1], Echo) as server:
        Path(sys.argv[1]).chmod(0o666)
        server.serve_forever()
