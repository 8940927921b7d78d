"""A visitor of a site in the lab: HTTP and HTTPS to the host's address, certificates verified against the lab's CA."""

from __future__ import annotations

import http.client
import re
import ssl
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

CA = Path(__file__).parent.parent / ".cache/lab/site-ca.pem"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


@dataclass
class Visitor:
    """Visits the site `name` on the host at `address`, and keeps its cookies."""

    address: str
    name: str
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, *, name: str = "", scheme: str = "https", headers: dict[str, str] | None = None) -> Answer:
        return self._request("GET", path, name=name, scheme=scheme, headers=headers)

    def eventually(self, path: str, good: Callable[[Answer], bool], *, seconds: float) -> Answer:
        """Ask until the answer is good, at most so long; return the last one."""
        end = time.monotonic() + seconds
        while True:
            try:
                answer = self.get(path)
            except OSError:
                if time.monotonic() > end:
                    raise
            else:
                if good(answer) or time.monotonic() > end:
                    return answer
            time.sleep(0.5)

    def upload(self, path: str, field_name: str, file_name: str, content: bytes) -> Answer:
        """Send a file as the form on the front page does, and follow the redirect."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get("/").text)
        assert token, "the page has no form"
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n'.encode(),
            f"{token[1]}\r\n".encode(),
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field_name}"; filename="{file_name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n".encode(),
            content,
            f"\r\n--{boundary}--\r\n".encode(),
        ]
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Referer": f"https://{self.name}/",
        }
        answer = self._request("POST", path, body=b"".join(parts), headers=headers)
        return self.get(answer.headers["location"]) if answer.status == 302 else answer

    def serial(self) -> int:
        """Return the serial number of the certificate that is served now."""
        connection = self._connect("https", self.name)
        try:
            certificate = connection.sock.getpeercert()
        finally:
            connection.close()
        return int(certificate["serialNumber"], 16)

    def _connect(self, scheme: str, name: str) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.address, 443 if scheme == "https" else 80, timeout=20)
        connection.connect()
        if scheme == "https":
            context = ssl.create_default_context(cafile=str(CA))
            connection.sock = context.wrap_socket(connection.sock, server_hostname=name)
        return connection

    def _request(
        self,
        method: str,
        path: str,
        *,
        name: str = "",
        scheme: str = "https",
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        name = name or self.name
        connection = self._connect(scheme, name)
        sent = {"Host": name, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            received = {key.lower(): value for key, value in response.getheaders()}
            for cookie in response.headers.get_all("Set-Cookie") or []:
                key, _, value = cookie.split(";")[0].partition("=")
                self.cookies[key] = value
            return Answer(response.status, received, response.read())
        finally:
            connection.close()
