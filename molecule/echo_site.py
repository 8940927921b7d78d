"""The sites of the scenario reuse, as one meets them from outside: Nginx, and behind it a server that echoes."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def path(self) -> str:
        """The path, with its query, that the server behind Nginx was asked for."""
        return json.loads(self.body)["path"]

    @property
    def seen(self) -> dict[str, str]:
        """What the server behind Nginx was sent."""
        return {name.lower(): value for name, value in json.loads(self.body)["headers"]}


@dataclass
class Front:
    """Nginx on the host, as one meets it from outside."""

    address: str
    host: str

    def connect(self, server_name: str | None, **limits: ssl.TLSVersion) -> ssl.SSLSocket:
        context = ssl.create_default_context()
        # There is only the temporary certificate, which nobody trusts.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2", "http/1.1"] if limits.pop("http2", False) else ["http/1.1"])
        for limit, version in limits.items():
            setattr(context, limit, version)
        plain = socket.create_connection((self.address, 8443), timeout=20)
        try:
            return context.wrap_socket(plain, server_hostname=server_name)
        except BaseException:
            plain.close()
            raise

    def ask(
        self,
        path: str,
        *,
        site: str = "echo",
        host: str = "",
        scheme: str = "https",
        method: str = "GET",
        body: bytes | None = None,
        **headers: str,
    ) -> Answer:
        name = f"{site}.{self.host}.test"
        connection = http.client.HTTPConnection(self.address, 8080, timeout=20)
        if scheme == "https":
            connection.sock = self.connect(name)
        sent = {"Host": host or name, **{key.replace("_", "-"): value for key, value in headers.items()}}
        try:
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()
