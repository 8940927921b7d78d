"""What a real Nginx does with a site's options."""

from __future__ import annotations

import gzip

import pytest

WWW = "www.shop.example.com"
DOMAINS = {"nginx_site_domains": ["shop.example.com", WWW]}
CHALLENGE = "/.well-known/acme-challenge/token"


def check_what_stays_open(front, host="shop.example.com"):
    (front.root / "acme" / CHALLENGE[1:]).parent.mkdir(parents=True)
    (front.root / "acme" / CHALLENGE[1:]).write_text("proof")
    assert front.ask(CHALLENGE, host=host, scheme="http").body == "proof"
    assert front.ask("/health/?full=1", host=host).body.startswith(f"GET /health/?full=1 host={host}")


def test_a_request_reaches_the_project(front):
    front.start(**DOMAINS)
    for host in DOMAINS["nginx_site_domains"]:
        answer = front.ask("/page?a=1", host=host)
        assert (answer.status, answer.body.split()[:3]) == (200, ["GET", "/page?a=1", f"host={host}"])


@pytest.mark.parametrize(("port", "shown"), [(443, ""), (8443, ":8443")])
def test_other_names_are_redirected_to_the_canonical_one(front, port, shown):
    front.start(**DOMAINS, nginx_site_canonical_domain="shop.example.com", nginx_https_port=port)
    answer = front.ask("/a%20b/?next=/c&d=%2F", host=WWW)
    assert (answer.status, answer.one("location")) == (301, f"https://shop.example.com{shown}/a%20b/?next=/c&d=%2F")
    assert front.ask("/static/site.css", host=WWW).status == 301
    assert front.ask("/page").status == 200
    check_what_stays_open(front, WWW)


def test_a_site_with_a_password(front):
    password = "a'b\"c\\d $e `f` #g:ü"
    front.start(**DOMAINS, nginx_site_passwords={"ann": password, "bob": "bob's"})
    front.served("static/site.css")
    for path in ("/page", "/static/site.css", "/health/more"):
        assert front.ask(path).status == 401, path
        assert front.ask(path, "--user", f"ann:{password}").status == 200, path
    assert front.ask("/page", "--user", "ann:bob's").status == 401
    assert front.ask("/page", "--user", "bob:bob's").body.endswith("authorization=")
    assert front.ask("/page", "--user", "bob:bob's", "--data", "x" * 20000).body.startswith("POST /page")
    check_what_stays_open(front)


def test_a_site_for_some_addresses(front):
    front.start(**DOMAINS, nginx_site_allowed=["127.0.0.2", "127.1.0.0/16"])
    assert [front.ask("/page", by=address).status for address in ("127.0.0.2", "127.1.2.3")] == [200, 200]
    assert front.ask("/page", by="127.0.0.3").status == 403
    check_what_stays_open(front)


def test_directives_of_ones_own(front):
    front.start(
        **DOMAINS,
        nginx_site_http_snippet="map $arg_lang $lang { default en; de de; }",
        nginx_site_server_snippet="location = /robots.txt { return 200 $lang; }\nadd_header X-Frame-Options DENY;",
    )
    assert front.ask("/robots.txt?lang=de").body == "de"
    assert front.ask("/page").one("x-frame-options") == "DENY"


@pytest.mark.parametrize(
    ("name", "snippet", "said"),
    [
        ("server", "add_header X-A 1;\nnonsense;", 'unknown directive "nonsense"'),
        ("server", "location / { return 200; }", 'duplicate location "/"'),
        ("server", "}\nserver { listen 80 default_server;", 'unexpected "}"'),
        ("server", "location /a { return 200;", "unexpected end of file"),
        ("http", "map $uri $a {", "unexpected end of file"),
        ("http", "listen 80;", '"listen" directive is not allowed here'),
    ],
)
def test_wrong_directives_replace_nothing(front, name, snippet, said):
    front.start(**DOMAINS, nginx_site_server_snippet="location = /own { return 200 former; }")
    before = {path: path.read_text() for path in (front.root / "conf.d").iterdir()}
    result = front.replace(**DOMAINS, **{f"nginx_site_{name}_snippet": snippet})
    assert result["failed"]
    assert said in result["msg"]
    assert f"nginx_site_{name}_snippet:" in result["msg"]
    assert {path: path.read_text() for path in (front.root / "conf.d").iterdir()} == before
    front.reload()
    assert front.ask("/own").body == "former"


def test_directives_go_with_their_variable(front):
    front.start(**DOMAINS, nginx_site_server_snippet="location = /own { return 200 former; }")
    result = front.replace(**DOMAINS)
    assert not result.get("failed"), result
    kept = sorted(path.name for path in (front.root / "conf.d").iterdir())
    assert kept == ["shop.conf", "shop.media", "shop.server", "shop.static"]
    assert front.replace(**DOMAINS)["changed"] is False


@pytest.mark.parametrize(
    ("urls", "served", "passed"),
    [
        (
            {"static": "/s/a.b/", "media": "/s/"},
            {"/s/a.b/site.css": "style", "/s/a.txt": "upload"},
            ["/static/site.css", "/media/a.txt", "/s/", "/s/axb/site.css"],
        ),
        ({"static": "/static/", "media": ""}, {"/static/site.css": "style"}, ["/media/a.txt", "/"]),
        ({"static": "", "media": ""}, {}, ["/static/site.css", "/media/a.txt"]),
    ],
)
def test_files_are_served_at_the_urls_of_the_project(front, urls, served, passed):
    front.served("static/site.css", "style")
    front.served("media/a.txt", "upload")
    front.start(**DOMAINS, urls=urls, nginx_site_private_media=["invoices"])
    front.served("media/invoices/a.pdf", "invoice")
    for path, body in served.items():
        assert (path, front.ask(path).body) == (path, body)
    asked = {path: front.ask(path) for path in passed if path != "/s/"}
    assert {path: answer.body.split()[:2] for path, answer in asked.items() if not path.startswith("/s/")} == {
        path: ["GET", path] for path in asked if not path.startswith("/s/")
    }
    if urls["media"]:
        assert front.ask("/s/axb/site.css").status == 404
        assert front.ask("/s/invoices/a.pdf").status == 404
        assert front.ask("/accel/s/invoices/a.pdf").body == "invoice"
        assert front.ask("/accel/s/a.txt").body == "upload"


def test_how_long_a_static_file_is_cached(front):
    hashed = [
        "site.55e7cbb9ba48.css",
        "js/main.8f2a1b3c4d5e6f708192.min.js",
        "font.1a2b3c4d.woff2",
        "LICENSE.55e7cbb9ba48",
    ]
    others = ["site.css", "report.20240131.pdf", "a.facade.css", "deadbeef1.css", "d1.a2b3c4d5/site.css"]
    front.start(**DOMAINS)
    for name in (*hashed, *others):
        front.served(f"static/{name}")
        answer = front.ask(f"/static/{name}")
        lasts = "max-age=31536000, immutable" if name in hashed else "max-age=3600"
        assert (name, answer.one("cache-control")) == (name, lasts)
        assert answer.one("x-content-type-options") == "nosniff"
        assert answer.one("strict-transport-security")
    missing = front.ask("/static/none.55e7cbb9ba48.css")
    assert (missing.status, missing.all("cache-control")) == (404, [])


def test_a_static_file_is_sent_as_it_was_compressed(front):
    front.start(**DOMAINS)
    front.served("static/a.css", "plain" * 500)
    front.served("static/a.css.gz", gzip.compress(b"compressed before"))
    front.served("static/b.css", "plain" * 500)
    for name, length in (("a", len(gzip.compress(b"compressed before"))), ("b", None)):
        answer = front.ask(f"/static/{name}.css", "--header", "Accept-Encoding: gzip", "--head")
        assert (answer.one("content-encoding"), answer.one("vary")) == ("gzip", "Accept-Encoding")
        assert answer.one("content-type") == "text/css"
        assert answer.all("content-length") == ([str(length)] if length else [])
        assert front.ask(f"/static/{name}.css").body == "plain" * 500


def test_uploads_are_shown_and_run_nothing(front):
    front.start(**DOMAINS)
    for name, sandboxed in {
        "a.pdf": False,
        "a.png": True,
        "a.html": True,
        "a.svg": True,
        "a.xml": True,
        "a": True,
    }.items():
        front.served(f"media/{name}")
        answer = front.ask(f"/media/{name}")
        policies = answer.all("content-security-policy")
        assert (name, [policy.endswith("; sandbox") for policy in policies]) == (name, [True] if sandboxed else [])
        assert (answer.one("x-content-type-options"), answer.status) == ("nosniff", 200)


@pytest.mark.parametrize(
    ("folders", "public"), [(["invoices", "/users/letters/"], 200), (["/"], 404), (["/", "invoices"], 404)]
)
def test_private_uploads_are_sent_where_the_project_says_so(front, folders, public):
    front.start(**DOMAINS, nginx_site_private_media=folders)
    for name in ("invoices/a.pdf", "users/letters/a.html", "users/a.txt"):
        front.served(f"media/{name}", name)
    assert front.ask("/media/users/a.txt").status == public
    for path in (
        "/media/invoices/a.pdf",
        "/media//invoices/a.pdf",
        "/media/x/../invoices/a.pdf",
        "/media/%69nvoices/a.pdf",
    ):
        assert front.ask(path).status == 404, path
    pdf, html = front.ask("/accel/media/invoices/a.pdf"), front.ask("/accel/media/users/letters/a.html")
    assert (pdf.status, pdf.body, pdf.one("content-type")) == (200, "invoices/a.pdf", "application/pdf")
    assert html.one("content-security-policy").endswith("; sandbox")
    for name in ("x-content-type-options", "referrer-policy", "strict-transport-security"):
        assert [len(answer.all(name)) for answer in (pdf, html)] == [1, 1]


def test_long_names_and_paths(front):
    name = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 56, "test"])
    path = "/" + "l" * 399
    assert len(name) == 253
    front.start(nginx_site_domains=[name, f"www.{name[4:]}"], nginx_site_login_paths=[path, "/login/"])
    assert front.ask("/page", host=name).status == 200
    assert front.ask(path, "--data", "a=1", host=name).status == 200


UPGRADE = ("--header", "Connection: upgrade", "--header", "Upgrade: websocket")


@pytest.mark.parametrize(("page", "websocket", "statuses"), [(1, 10, (504, 401)), (10, 1, (401, 504))])
def test_how_long_the_project_may_take(front, page, websocket, statuses):
    front.start(**DOMAINS, nginx_site_timeout=page, nginx_site_websocket_timeout=websocket)
    assert (front.ask("/slow/").status, front.ask("/slow/", *UPGRADE).status) == statuses


FLOWER = "flower.example.com"
ROUTES = {
    "flower": {"process": "flower", "port": 5555, "domain": FLOWER},
    "ws": {"process": "daphne", "port": 9001, "path": "/ws/"},
}
URLS = {"static": "/static/", "media": "/media/"}


def guarded(**passwords):
    return {name: {**route, "passwords": passwords} for name, route in ROUTES.items()}


def test_a_route_is_asked_and_everything_else_reaches_the_project(front):
    domains = ["shop.example.com", WWW, FLOWER]
    front.start(nginx_site_domains=domains, urls=URLS, nginx_site_routes=ROUTES)
    front.served("static/site.css")
    assert front.ask("/ws/a%2Fb?c=1").body == "ws /ws/a%2Fb?c=1 host=shop.example.com authorization="
    assert front.ask("/ws/chat", *UPGRADE).body.startswith("ws /ws/chat")
    assert front.ask("/ws/", "--data", "x" * 20000).body.startswith("ws /ws/")
    assert front.ask("/ws/", "--header", "Authorization: Token 1").body.endswith("authorization=Token 1")
    assert front.ask("/page").body.startswith("GET /page")
    assert front.ask("/static/site.css").body == "content"
    # All of a host name, also at the URLs of the site's own files and health check.
    for path in ("/", "/static/site.css", "/media/a", "/ws/", "/health/"):
        assert front.ask(path, host=FLOWER).body.startswith(f"flower {path} host={FLOWER}")
    check_what_stays_open(front)
    assert front.ask(CHALLENGE, host=FLOWER, scheme="http").body == "proof"


def test_a_route_has_the_headers_and_limits_of_the_site(front):
    front.start(nginx_site_domains=["shop.example.com", FLOWER], nginx_site_routes=ROUTES)
    for host, path in (("shop.example.com", "/ws/"), (FLOWER, "/")):
        answer = front.ask(path, host=host)
        for name in ("strict-transport-security", "x-content-type-options", "referrer-policy"):
            assert answer.all(name) == front.ask("/page").all(name) != []
        assert front.ask(path, "--header", "Content-Length: 99999999", "--data", "x", host=host).status == 413


def test_the_host_name_of_a_route_is_not_redirected_to_the_canonical_one(front):
    domains = ["shop.example.com", WWW, FLOWER]
    front.start(nginx_site_domains=domains, nginx_site_canonical_domain="shop.example.com", nginx_site_routes=ROUTES)
    assert front.ask("/", host=FLOWER).body.startswith("flower /")
    assert front.ask("/", host=WWW).status == 301


def test_before_a_release_with_the_route_its_host_name_reaches_the_project(front):
    front.start(nginx_site_domains=["shop.example.com", FLOWER], nginx_site_routes=ROUTES, released=False)
    assert front.ask("/page", host=FLOWER).body.startswith("GET /page")
    assert front.ask("/ws/").body.startswith("GET /ws/")


@pytest.mark.parametrize("of_site", [{}, {"bob": "bob's"}])
def test_a_route_with_passwords_of_its_own(front, of_site):
    domains = ["shop.example.com", FLOWER]
    front.start(nginx_site_domains=domains, nginx_site_routes=guarded(ann="ann's"), nginx_site_passwords=of_site)
    for host, path in (("shop.example.com", "/ws/"), (FLOWER, "/")):
        assert front.ask(path, host=host).status == 401
        assert front.ask(path, "--user", "bob:bob's", host=host).status == 401
        assert front.ask(path, "--user", "ann:ann's", host=host).body.endswith("authorization=")
    assert front.ask("/page", "--user", "ann:ann's").status == (401 if of_site else 200)
    assert front.ask("/page", "--user", "bob:bob's").status == 200
    check_what_stays_open(front)


def test_a_route_without_passwords_asks_for_those_of_the_site(front):
    domains = ["shop.example.com", FLOWER]
    front.start(nginx_site_domains=domains, nginx_site_routes=ROUTES, nginx_site_passwords={"bob": "bob's"})
    for host, path in (("shop.example.com", "/ws/"), (FLOWER, "/")):
        assert front.ask(path, host=host).status == 401
        assert front.ask(path, "--user", "bob:bob's", host=host).body.endswith("authorization=")


def test_a_route_whose_passwords_are_gone_is_closed(front):
    front.start(**DOMAINS, nginx_site_routes=guarded(ann="ann's"))
    (front.root / "keys/shop.ws.users").unlink()
    assert front.ask("/ws/", "--user", "ann:ann's").status == 403
    assert front.ask("/page").status == 200
