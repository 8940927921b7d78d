"""What the role nginx, used alone, does to the requests and the answers of a site: `echo` of converge.yml.

Behind it is a server that answers with the headers it was sent.
"""

from __future__ import annotations

import http.client
import socket
import ssl

import pytest
from echo_site import Answer

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
    "X-Client-IP": "192.0.2.66",
    "CF-Connecting-IP": "192.0.2.66",
    "True-Client-IP": "192.0.2.66",
    "X-Cluster-Client-IP": "192.0.2.66",
    "Front-End-Https": "off",
    "X-Original-URL": "/evil",
    "X-Rewrite-URL": "/evil",
    "Remote-User": "root",
    "X-Remote-User": "root",
    "X-Auth-Request-Email": "root@evil.example",
    "X-SSL-Client-S-DN": "CN=root",
    "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA",
    "X_Forwarded_For": "192.0.2.66",
    "X_Real_IP": "192.0.2.66",
    "Remote_User": "root",
}


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


def test_a_trusted_proxy_says_what_it_is_trusted_with(front, host):
    assert front.ask("/page", X_Forwarded_User="ann", Remote_User="ann").seen.get("x-forwarded-user") == "ann"
    assert "remote-user" not in front.ask("/page", Remote_User="ann").seen
    name = f"echo.{front.host}.test"
    url = f"--resolve {name}:8443:127.0.0.1 https://{name}:8443/page"
    said = host.check_output(f"curl --silent --insecure --header 'X-Forwarded-User: root' {url}")
    assert "x-forwarded-user" not in Answer(200, [], said.encode()).seen


@pytest.mark.parametrize(
    ("asked", "passed"),
    [
        ("websocket", "websocket"),
        ("WebSocket", "websocket"),
        ("h2c", None),
        ("websocket, h2c", None),
        ("tls/1.0", None),
    ],
)
def test_only_websocket_is_switched_to(front, asked, passed):
    seen = front.ask("/page", Upgrade=asked, Connection="Upgrade, HTTP2-Settings", HTTP2_Settings="AAMAAABk").seen
    assert (seen.get("upgrade"), seen.get("connection")) == (passed, passed and "upgrade")
    assert "http2-settings" not in seen


@pytest.mark.parametrize("path", ["/a%2Fb//c/../d?e=%2F", "/%7Ea"])
def test_a_path_reaches_the_project_as_it_was_asked_for(front, path):
    assert front.ask(path).path == path


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_whatever_is_asked_of_a_site_that_is_down_gets_the_page_for_that(front, method):
    answer = front.ask("/page", site="early", method=method, body=b"x" * 50000)
    assert (answer.status, answer.all("retry-after")) == (502, ["10"])
    assert b"Back in a moment" in answer.body


def test_a_visitor_by_ipv6_is_a_whole_network(front):
    def post(address: str) -> int:
        return front.ask("/login/", method="POST", body=b"name=x", X_Forwarded_For=address).status

    same = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2:a:b:c:d"]
    assert [post(address) for address in [*same, same[0]]] == [200] * LOGINS + [429]
    assert post("2001:db8:1:3::1") == 200
    mapped = ["::ffff:198.51.100.77", "198.51.100.77", "::ffff:c633:644d"]
    assert [post(address) for address in [*mapped, mapped[1]]] == [200] * LOGINS + [429]
    assert post("::ffff:198.51.100.78") == 200


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
