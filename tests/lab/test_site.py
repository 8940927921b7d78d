"""What a real Nginx does with a site's options."""

from __future__ import annotations

import pytest

WWW = "www.shop.example.com"
DOMAINS = {"nginx_site_domains": ["shop.example.com", WWW]}
CHALLENGE = "/.well-known/acme-challenge/token"


def test_a_request_reaches_the_project(front):
    front.start(**DOMAINS)
    for host in DOMAINS["nginx_site_domains"]:
        answer = front.ask("/page?a=1", host=host)
        assert (answer.status, answer.body.split()[:3]) == (200, ["GET", "/page?a=1", f"host={host}"])


@pytest.mark.parametrize(("port", "shown"), [(443, ""), (8443, ":8443")])
def test_other_names_are_redirected_to_the_canonical_one(front, port, shown):
    front.start(**DOMAINS, nginx_site_canonical_domain="shop.example.com", nginx_https_port=port)
    (front.root / "acme" / CHALLENGE[1:]).parent.mkdir(parents=True)
    (front.root / "acme" / CHALLENGE[1:]).write_text("proof")
    answer = front.ask("/a%20b/?next=/c&d=%2F", host=WWW)
    assert (answer.status, answer.one("location")) == (301, f"https://shop.example.com{shown}/a%20b/?next=/c&d=%2F")
    assert front.ask("/static/site.css", host=WWW).status == 301
    assert front.ask("/page").status == 200
    assert front.ask("/health/?full=1", host=WWW).body.startswith("GET /health/?full=1 host=www.")
    assert front.ask(CHALLENGE, host=WWW, scheme="http").body == "proof"
