"""What the role nginx, used alone, does to the requests and the answers of a site: `echo` of converge.yml.

Behind it is a server that answers with the headers it was sent.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ECHO = Path(__file__).parents[1] / "echo.py"
UPSTREAM = "upstream echo { server unix:/srv/nginx/sites/echo/echo.sock; }\n"
LOGINS = 3  # a minute, as converge.yml has it
OWN = ("strict-transport-security", "x-content-type-options", "referrer-policy")
SPOOFED = {
    "X-Forwarded-For": "192.0.2.66",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Server": "evil.example",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Protocol": "http",
    "X-Forwarded-Ssl": "off",
    "X-Real-IP": "192.0.2.66",
    "Forwarded": "for=192.0.2.66;host=evil.example;proto=http",
    "Proxy": "http://evil.example",
}


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

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


@pytest.fixture(scope="module")
def front(host, variables) -> Iterator[Front]:
    """With the echo behind it, a file of the project's, and one that a visitor has uploaded."""
    files = {
        "/root/echo.py": ECHO.read_text(),
        "/srv/nginx/upstreams/echo.conf": UPSTREAM,
        "/srv/nginx/sites/echo/static/site.css": "a { color: red }\n" * 500,
        "/srv/nginx/sites/echo/media/page.html": "<script>alert(1)</script>\n" * 500,
    }
    with host.sudo():
        host.check_output("mkdir -p /srv/nginx/sites/echo/media")
        before = host.file("/srv/nginx/upstreams/echo.conf").content_string
        for path, text in files.items():
            host.check_output("printf %%s %s >%s", text, path)
        host.check_output("systemd-run --unit=echo python3 /root/echo.py /srv/nginx/sites/echo/echo.sock")
        host.check_output("/srv/nginx/reload")
    try:
        yield Front(variables["ansible_host"], variables["inventory_hostname"])
    finally:
        with host.sudo():
            host.check_output("systemctl stop echo && rm /srv/nginx/sites/echo/echo.sock")
            host.check_output("printf %%s %s >/srv/nginx/upstreams/echo.conf", before)
            host.check_output("/srv/nginx/reload")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_request_for_an_unknown_name_gets_no_answer(front, scheme):
    with pytest.raises(http.client.RemoteDisconnected):
        front.ask("/", scheme=scheme, host="unknown.example")


@pytest.mark.parametrize("server_name", ["unknown.example", None])
def test_a_handshake_for_an_unknown_name_shows_no_certificate(front, server_name):
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        front.connect(server_name)


def test_the_modern_profile_is_tls_1_3_alone(front):
    name = f"echo.{front.host}.test"
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        front.connect(name, maximum_version=ssl.TLSVersion.TLSv1_2)
    with front.connect(name) as connection:
        assert connection.version() == "TLSv1.3"


def test_a_browser_gets_http_2(front):
    with front.connect(f"echo.{front.host}.test", http2=True) as connection:
        assert connection.selected_alpn_protocol() == "h2"


@pytest.mark.parametrize(
    ("site", "path", "status"),
    [
        ("echo", "/page", 200),
        ("echo", "/static/site.css", 200),
        ("echo", "/static/none.css", 404),
        ("echo", "/media/page.html", 200),
        ("early", "/page", 502),
    ],
)
def test_an_answer_has_every_security_header_once(front, site, path, status):
    answer = front.ask(path, site=site)
    assert answer.status == status
    year = "max-age=31536000; includeSubDomains"
    hsts = year if site == "echo" else "max-age=86400"
    assert [answer.all(name) for name in OWN] == [[hsts], ["nosniff"], ["same-origin"]]
    assert answer.all("server") == ["nginx"]


def test_what_the_project_says_itself_is_all_that_is_said(front):
    own = {"strict-transport-security": "max-age=60", "x-content-type-options": "sniff", "referrer-policy": "origin"}
    answer = front.ask("/page?" + "&".join(f"{name}={value}" for name, value in own.items()))
    assert {name: answer.all(name) for name in OWN} == {name: [value] for name, value in own.items()}


def test_a_redirect_to_https_says_nothing_of_strict_transport(front):
    answer = front.ask("/page", scheme="http")
    assert (answer.status, answer.all("location")) == (301, [f"https://echo.{front.host}.test:8443/page"])
    assert [answer.all(name) for name in OWN] == [[], ["nosniff"], ["same-origin"]]


def test_an_uploaded_page_runs_no_script(front):
    assert "sandbox" in front.ask("/media/page.html").all("content-security-policy")[0]


def test_only_files_of_the_project_are_compressed(front):
    encodings = {
        path: front.ask(path, Accept_Encoding="gzip").all("content-encoding")
        for path in ("/page", "/static/site.css", "/media/page.html")
    }
    assert encodings == {"/page": [], "/static/site.css": ["gzip"], "/media/page.html": []}


def test_what_a_stranger_says_of_himself_is_overwritten(front, host):
    """From the host itself, which is none of the trusted proxies."""
    name = f"echo.{front.host}.test"
    headers = " ".join(f"--header '{key}: {value}'" for key, value in SPOOFED.items())
    url = f"--resolve {name}:8443:127.0.0.1 https://{name}:8443/page"
    seen = Answer(200, [], host.check_output(f"curl --silent --insecure {headers} {url}").encode()).seen
    address = seen["x-real-ip"]
    assert socket.inet_aton(address)
    assert address not in ("192.0.2.66", "")
    told = {key: value for key, value in seen.items() if key in {name.lower() for name in SPOOFED}}
    assert told == {
        "x-forwarded-for": address,
        "x-forwarded-proto": "https",
        "x-forwarded-host": f"{name}:8443",
        "x-forwarded-port": "8443",
        "x-real-ip": address,
    }


def test_a_trusted_proxy_says_who_the_visitor_is(front):
    """The last address that is not a proxy's: what stands before it, the visitor wrote himself."""
    seen = front.ask("/page", X_Forwarded_For="192.0.2.66, 198.51.100.7, 203.0.113.1").seen
    assert (seen["x-real-ip"], seen["x-forwarded-for"]) == ("198.51.100.7", "198.51.100.7")
    assert seen["x-forwarded-host"] == f"echo.{front.host}.test:8443"


def test_one_address_sends_so_many_login_forms(front):
    def post(address: str, path: str = "/login/") -> int:
        return front.ask(path, method="POST", body=b"name=x", X_Forwarded_For=address).status

    assert [post("198.51.100.1") for _ in range(LOGINS)] == [200] * LOGINS
    assert post("198.51.100.1") == 429
    assert post("198.51.100.1", "/./login//") == 429
    assert post("198.51.100.1", "/search/") == 200
    assert front.ask("/login/", X_Forwarded_For="198.51.100.1").status == 200
    assert post("198.51.100.2") == 200


@pytest.mark.parametrize(
    ("length", "status"), [(1024 * 1024, 200), (1024 * 1024 + 1, 413)], ids=["as large as allowed", "larger"]
)
def test_a_body_has_a_limit(front, length, status):
    assert front.ask("/page", method="POST", body=b"x" * length).status == status


@pytest.mark.parametrize(("length", "status"), [(8000, 200), (8200, 400)], ids=["as long as allowed", "longer"])
def test_a_header_line_has_a_limit(front, length, status):
    assert front.ask("/page", X_Long="x" * (length - len("X-Long: "))).status == status


def test_who_never_ends_a_request_is_left_and_keeps_nobody_out(front):
    name = f"echo.{front.host}.test"
    slow = [front.connect(name) for _ in range(50)]
    try:
        for connection in slow:
            connection.sendall(f"GET /page HTTP/1.1\r\nHost: {name}\r\nX-Slow: ".encode())
        assert front.ask("/page").status == 200
        for connection in slow:
            # Until Nginx ends it, which is well before this socket gives up.
            assert connection.recv(1) == b""
    finally:
        for connection in slow:
            connection.close()
