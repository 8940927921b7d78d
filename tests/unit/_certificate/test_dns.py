# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DNS-01: certbot's arguments, and what it keeps of them, on files recorded from the plugin rfc2136 and Pebble."""

from __future__ import annotations

import configparser
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.module_utils._certificate import certbot, dns, refusals, tls
from ansible_collections.landfall.django.plugins.module_utils._certificate.certbot import Lineage, Wanted
from ansible_collections.landfall.django.plugins.module_utils._certificate.dns import Dns

from rendered import variable

RECORDED = Path(__file__).parents[1] / "recorded" / "certbot"
NOW = datetime(2026, 12, 1, tzinfo=UTC)
OLD, NEW = (2, 1, 0), (4, 0, 0)
SERVER = "https://172.31.199.4:14000/dir"
RFC2136 = Dns("rfc2136", "/cred.ini", 1)
WANTED = Wanted("w", ("shop.test", "*.shop.test"), SERVER, webroot="/srv/nginx/acme", dns=RFC2136)
GIVEN: dict[str, Any] = {
    "letsencrypt_name": "shop",
    "letsencrypt_dns": {
        "plugin": "rfc2136",
        "credentials": {"server": "192.0.2.1", "name": "k", "secret": "in-a-vault"},
    },
}


def have(suite: str) -> Lineage:
    leaf = tls.Leaf(frozenset(WANTED.domains), NOW - timedelta(days=8), NOW + timedelta(days=82))
    return certbot.lineage((RECORDED / f"{suite}-dns.conf").read_text(), leaf)


def entry(path: str, given: dict[str, Any]) -> dict[str, Any]:
    (found,) = [one for one in variable("letsencrypt", "__letsencrypt_entries", given) if one["path"] == path]
    return found


@pytest.mark.parametrize(("suite", "version"), [("bookworm", OLD), ("trixie", NEW)])
def test_leaves_a_certificate_that_is_renewed_as_wanted(suite: str, version: tuple[int, ...]) -> None:
    assert certbot.plan(WANTED, have(suite), NOW, version).action == "none"


@pytest.mark.parametrize(
    ("other", "action"),
    [
        (Dns("rfc2136", "/cred.ini"), "none"),
        (Dns("rfc2136", "/elsewhere", 1), "reconfigure"),
        (Dns("rfc2136", "/cred.ini", 60), "reconfigure"),
        (Dns("cloudflare", "/cred.ini", 1), "reconfigure"),
        (None, "reconfigure"),
    ],
)
def test_another_way_to_tell_the_name_server_costs_no_certificate(other: Dns | None, action: str) -> None:
    wanted = replace(WANTED, dns=other)
    assert certbot.plan(wanted, have("trixie"), NOW, NEW).action == action
    assert certbot.plan(wanted, have("bookworm"), NOW, OLD).action == ("none" if action == "none" else "reissue")


def test_the_arguments_name_the_file_and_no_credential() -> None:
    argv = certbot.command(WANTED, "issue")
    authenticator = [
        *("--authenticator", "dns-rfc2136", "--dns-rfc2136-credentials", "/cred.ini"),
        *("--dns-rfc2136-propagation-seconds", "1"),
    ]
    assert " ".join(authenticator) in " ".join(argv)
    assert {"--webroot", "--standalone"}.isdisjoint(argv)
    assert argv[-4:] == ["--domain", "shop.test", "--domain", "*.shop.test"]


def test_route53_is_told_its_credentials_by_the_environment() -> None:
    aws = Dns("route53", "/etc/letsencrypt/dns/shop")
    assert dns.arguments(aws) == ["--authenticator", "dns-route53"]
    assert dns.environment(aws) == {"AWS_SHARED_CREDENTIALS_FILE": "/etc/letsencrypt/dns/shop"}
    assert dns.environment(RFC2136) == {}
    assert dns.difference(aws, {}) == ""


@pytest.mark.parametrize(
    ("value", "line"),
    [("a,b#c", '"a,b#c"'), ('say "no"', "'say \"no\"'"), ("it's", '"it\'s"'), (53, '"53"')],
)
def test_certbot_reads_what_was_given(value: Any, line: str) -> None:
    assert dns.is_writable("rfc2136", value)
    text = dns.credentials_file("rfc2136", {"secret": value, "name": "k"}, "# managed\n")
    assert text == f'# managed\ndns_rfc2136_name = "k"\ndns_rfc2136_secret = {line}\n'


@pytest.mark.parametrize("value", ["a\nb", 'it\'s "no"', "%(name)s", None, ["a"], {"a": "b"}])
def test_what_the_file_cannot_hold_is_found(value: Any) -> None:
    assert not dns.is_writable("rfc2136", value)


def test_other_forms_than_certbots_own() -> None:
    account = {"type": "service_account", "private_key": "-----BEGIN\nKEY"}
    assert json.loads(dns.credentials_file("google", account, "# managed\n")) == account
    assert dns.is_writable("google", account["private_key"])
    parser = configparser.RawConfigParser()
    parser.read_string(dns.credentials_file("route53", {"aws_secret_access_key": "a/b+c="}, "# managed\n"))
    assert parser["default"]["aws_secret_access_key"] == "a/b+c="


def test_only_root_reads_the_credentials_and_no_diff_shows_them() -> None:
    file = entry("/etc/letsencrypt/dns/shop", GIVEN)
    assert (file["mode"], file["secret"], file["state"]) == ("0600", True, "present")
    assert 'dns_rfc2136_secret = "in-a-vault"' in file["content"]
    assert entry("/etc/letsencrypt/dns/shop", {"letsencrypt_name": "shop"})["state"] == "absent"


@pytest.mark.parametrize(("plugin", "state"), [("rfc2136", "absent"), ("route53", "present")])
def test_the_timer_gets_the_credentials_of_route53(plugin: str, state: str) -> None:
    given = {**GIVEN, "letsencrypt_dns": {"plugin": plugin, "credentials": {}}}
    drop_in = entry("/etc/systemd/system/certbot.service.d/aws-credentials-shop.conf", given)
    assert drop_in["state"] == state
    assert "AWS_SHARED_CREDENTIALS_FILE=/etc/letsencrypt/dns/shop\n" in f"{drop_in['content']}\n"


def test_the_plugin_is_installed_where_it_is_used() -> None:
    assert "python3-certbot-dns-rfc2136" in variable("letsencrypt", "__letsencrypt_packages", GIVEN)
    assert variable("letsencrypt", "__letsencrypt_packages", {}) == ["certbot", "openssl"]


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
@pytest.mark.parametrize("case", ["key", "lacks", "server"])
def test_what_a_plugin_says_is_about_its_credentials(suite: str, case: str) -> None:
    found = refusals.problems((RECORDED / f"{suite}-dns-{case}.txt").read_text(), "")
    assert "Cure: letsencrypt_dns: correct its plugin" in refusals.explain(found, WANTED, kept=False)


@pytest.mark.parametrize(
    "said",
    [
        "The configured target DNS server (ns.example.com) is not a valid IPv4 or IPv6 address.",
        "Unable to determine base domain for shop.test using names: ['shop.test', 'test'].",
        "Error determining zone_id: 9109 Invalid access token.",
    ],
)
def test_other_words_of_plugins_are_about_them_too(said: str) -> None:
    assert refusals.cure(refusals.Problem("", said), WANTED).startswith("letsencrypt_dns: ")


@pytest.mark.parametrize("kind", ["dns", "unauthorized"])
def test_a_record_that_the_ca_does_not_see_is_about_the_dns(kind: str) -> None:
    problem = refusals.Problem(kind, "No TXT record found", "shop.test")
    assert "propagation_seconds" in refusals.cure(problem, WANTED)
    assert "letsencrypt_domains" in refusals.cure(problem, replace(WANTED, dns=None))
