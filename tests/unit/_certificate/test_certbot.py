# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""certbot_certificate's decisions, on files and output recorded from certbot 2.1 (Debian 12) and 4.0 (Debian 13).

The CA was Pebble, except for the rate limit, which it does not have: there a proxy before it answered.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.landfall.django.plugins.module_utils._certificate import certbot, refusals, tls
from ansible_collections.landfall.django.plugins.module_utils._certificate.certbot import Lineage, Wanted
from ansible_collections.landfall.django.plugins.module_utils._certificate.refusals import Problem
from ansible_collections.landfall.django.plugins.modules import certbot_certificate

RECORDED = Path(__file__).parents[1] / "recorded" / "certbot"
LEAF = tls.parse((RECORDED / "openssl.txt").read_text())
PEBBLE = "https://localhost:14000/dir"
OLD, NEW = (2, 1, 0), (4, 0, 0)
NOW = datetime(2026, 12, 1, tzinfo=UTC)

WANTED = Wanted("shop", ("shop.test", "www.shop.test"), PEBBLE, webroot="/srv/nginx/acme")
HAVE = Lineage(
    server=PEBBLE,
    authenticator="webroot",
    webroots=frozenset({"/srv/nginx/acme"}),
    profile="",
    domains=frozenset(WANTED.domains),
    not_before=NOW - timedelta(days=8),
    not_after=NOW + timedelta(days=82),
)


def recorded(name: str) -> str:
    path = RECORDED / name
    return path.read_text() if path.exists() else ""


def problems(name: str) -> list[Problem]:
    return refusals.problems(recorded(name + ".txt"), recorded(name + ".log"))


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_reads_how_a_certificate_is_renewed(suite: str) -> None:
    have = certbot.lineage(recorded(suite + "-webroot.conf"), LEAF)
    assert have.server == PEBBLE
    assert have.authenticator == "webroot"
    assert have.webroots == {"/srv/other" if suite == "trixie" else "/srv/nginx/acme"}
    assert have.domains == {"shop.test", "www.shop.test"}
    assert have.not_after - have.not_before == timedelta(days=90) - timedelta(seconds=1)
    assert have.profile == ""


def test_reads_a_standalone_renewal() -> None:
    have = certbot.lineage(recorded("trixie-standalone.conf"), LEAF)
    assert (have.authenticator, have.webroots) == ("standalone", frozenset())


def test_the_map_decides_over_the_path_and_a_path_alone_counts() -> None:
    start = "[renewalparams]\nauthenticator = webroot\nwebroot_path = /srv/a/,\npreferred_profile = shortlived\n"
    assert certbot.lineage(start, LEAF).webroots == {"/srv/a"}
    assert certbot.lineage(start, LEAF).profile == "shortlived"
    mapped = start + "[[webroot_map]]\nshop.test = /srv/b\n"
    assert certbot.lineage(mapped, LEAF).webroots == {"/srv/b"}


def test_reads_a_day_of_one_digit() -> None:
    text = "notBefore=Nov  3 00:47:05 2026 GMT\nnotAfter=Feb  1 00:47:04 2027 GMT\n    DNS:Shop.test\n"
    leaf = tls.parse(text)
    assert leaf.names == {"shop.test"}
    assert leaf.not_before == datetime(2026, 11, 3, 0, 47, 5, tzinfo=UTC)


def test_reads_the_version() -> None:
    assert certbot.parse_version("certbot 2.1.0\n") == OLD
    assert certbot.parse_version("nothing") == ()


@pytest.mark.parametrize("days", [6, 45, 90, 200])
@pytest.mark.parametrize("version", [OLD, NEW])
def test_what_is_good_for_an_unknown_version_is_good_for_all(days: int, version: tuple[int, ...]) -> None:
    for left in range(days * 24):
        end = NOW + timedelta(hours=left)
        have = replace(HAVE, not_before=end - timedelta(days=days), not_after=end)
        if certbot.plan(WANTED, have, NOW, ()).action == "none":
            assert certbot.plan(WANTED, have, NOW, version).action == "none"


def test_certbot_is_not_started_where_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def run(argv: list[str]) -> tuple[int, str, str]:
        asked.append(argv)
        return 0, "certbot 4.0.0", ""

    names = ("profile", "email", "ca_bundle", "live_link", "deploy_hook", "failure_file")
    params = {**dict.fromkeys(names, ""), "name": "shop", "domains": WANTED.domains, "directory_url": PEBBLE}
    params |= {"webroot": WANTED.webroot, "https_port": 0, "dns": None}
    module = SimpleNamespace(params=params, check_mode=True, run_command=run, get_bin_path=lambda name: name)
    made = certbot_certificate.Certificate(module)
    now = datetime.now(UTC)
    good = replace(HAVE, not_before=now - timedelta(days=8), not_after=now + timedelta(days=82))
    monkeypatch.setattr(made, "_lineage", lambda: good)
    assert made.run()["action"] == "none"
    assert asked == []
    monkeypatch.setattr(made, "_lineage", lambda: replace(good, webroots=frozenset({"/elsewhere"})))
    assert made.run()["action"] == "reconfigure"
    assert asked == [["certbot", "--version"]]


@pytest.mark.parametrize("version", [OLD, NEW])
def test_leaves_a_fitting_certificate(version: tuple[int, ...]) -> None:
    assert certbot.plan(WANTED, HAVE, NOW, version).action == "none"


def test_gets_the_first_one() -> None:
    assert certbot.plan(WANTED, None, NOW, NEW).action == "issue"


@pytest.mark.parametrize(
    ("have", "says"),
    [
        (replace(HAVE, domains=frozenset({"shop.test"})), "not shop.test, www.shop.test"),
        (replace(HAVE, domains=HAVE.domains | {"more.test"}), "more.test"),
        (replace(HAVE, server="https://acme-staging.test/dir"), "acme-staging.test"),
        (replace(HAVE, not_after=NOW - timedelta(days=1)), "not renewed in time"),
        (replace(HAVE, not_before=NOW - timedelta(days=82), not_after=NOW + timedelta(days=8)), "2026-12-09 00:00 UTC"),
    ],
)
def test_gets_another_one(have: Lineage, says: str) -> None:
    plan = certbot.plan(WANTED, have, NOW, NEW)
    assert plan.action == "reissue"
    assert says in plan.reasons[0]


def test_leaves_what_the_timer_still_has_time_for() -> None:
    # A third is left: certbot's own time to renew, and the timer's work.
    have = replace(HAVE, not_before=NOW - timedelta(days=61), not_after=NOW + timedelta(days=29))
    assert certbot.plan(WANTED, have, NOW, NEW).action == "none"
    assert certbot.plan(WANTED, replace(have, not_after=NOW + timedelta(hours=30)), NOW, NEW).action == "reissue"


def test_the_case_of_a_name_does_not_matter() -> None:
    assert certbot.plan(replace(WANTED, domains=("Shop.TEST", "www.shop.test")), HAVE, NOW, NEW).action == "none"


@pytest.mark.parametrize("mine", ["", "shortlived", "tlsserver"])
@pytest.mark.parametrize("other", ["", "shortlived", "tlsserver"])
def test_another_profile_means_another_certificate(mine: str, other: str) -> None:
    plan = certbot.plan(replace(WANTED, profile=mine), replace(HAVE, profile=other), NOW, NEW)
    assert plan.action == ("none" if mine == other else "reissue")


def test_a_profile_is_preferred() -> None:
    argv = certbot.command(replace(WANTED, profile="shortlived"), "reissue")
    assert argv[argv.index("--preferred-profile") + 1] == "shortlived"
    assert "--preferred-profile" not in certbot.command(WANTED, "reissue")


DIRECTORY = {"newOrder": "https://x", "meta": {"profiles": {"tlsserver": "…", "classic": "…"}}}


@pytest.mark.parametrize(
    ("profile", "version", "directory", "says"),
    [
        ("", OLD, {}, ""),
        ("tlsserver", NEW, DIRECTORY, ""),
        ("tlsserver", OLD, DIRECTORY, r"certbot 4\.0.* 2\.1\.0"),
        ("shortlived", NEW, DIRECTORY, r": set it .*classic .*tlsserver .*nothing"),
        ("shortlived", NEW, {"newOrder": "https://x"}, r": set it to nothing"),
        ("shortlived", NEW, {"meta": {}}, "no profile 'shortlived'"),
    ],
)
def test_a_profile_that_cannot_be_had_is_refused(profile: str, version: tuple[int, ...], directory, says: str) -> None:
    said = certbot.refused_profile(replace(WANTED, profile=profile), version, directory)
    assert (said == "") == (says == "")
    assert re.search(says, said)
    assert said == "" or said.startswith("letsencrypt_profile: ")


DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.mark.parametrize("version", [OLD, NEW, ()])
@pytest.mark.parametrize("life", [160 * HOUR, 9 * DAY, 10 * DAY, 45 * DAY, 64 * DAY, 90 * DAY, 398 * DAY])
def test_the_alarm_is_after_every_healthy_renewal(version: tuple[int, ...], life: timedelta) -> None:
    """certbot's own rule, and a timer that came round as late as it may."""
    due = 30 * DAY if version == OLD else life / 2 if life < 10 * DAY else life / 3
    assert timedelta() < certbot.alarm(life, version) < min(due, life) - 24 * HOUR
    assert certbot.alarm(life, version) <= life / 3


def test_the_alarm_comes_while_there_is_time() -> None:
    assert certbot.alarm(90 * DAY, NEW) == 29 * DAY - HOUR
    assert certbot.alarm(45 * DAY, NEW) == 14 * DAY - HOUR
    # Renewed at 80 hours: both runs of a day have failed by then.
    assert 48 * HOUR < certbot.alarm(160 * HOUR, NEW) < 56 * HOUR


def test_a_run_renews_what_the_alarm_is_about() -> None:
    late = replace(HAVE, not_after=NOW + certbot.alarm(90 * DAY, NEW) - 2 * HOUR)
    late = replace(late, not_before=late.not_after - 90 * DAY)
    assert certbot.plan(WANTED, late, NOW, NEW).action == "reissue"


@pytest.mark.parametrize(("suite", "version"), [("bookworm", OLD), ("trixie", NEW)])
def test_reads_which_certbot_renews(suite: str, version: tuple[int, ...]) -> None:
    assert certbot.parse_maker(recorded(suite + "-webroot.conf")) == version
    assert certbot.parse_maker("nothing") == ()


def test_reads_a_required_profile_too() -> None:
    text = "[renewalparams]\nrequired_profile = tlsserver\n"
    assert certbot.lineage(text, LEAF).profile == "tlsserver"


@pytest.mark.parametrize(
    "have",
    [
        replace(HAVE, webroots=frozenset({"/srv/other"})),
        replace(HAVE, authenticator="standalone", webroots=frozenset()),
    ],
)
def test_another_way_to_renew_costs_no_certificate(have: Lineage) -> None:
    assert certbot.plan(WANTED, have, NOW, NEW).action == "reconfigure"
    assert certbot.plan(WANTED, have, NOW, OLD).action == "reissue"


def test_webroots_are_compared_without_a_last_slash() -> None:
    assert certbot.plan(replace(WANTED, webroot="/srv/nginx/acme/"), HAVE, NOW, NEW).action == "none"


def test_standalone_is_asked_for_where_there_is_no_webroot() -> None:
    assert "--standalone" in certbot.command(replace(WANTED, webroot=""), "issue")
    have = replace(HAVE, authenticator="standalone", webroots=frozenset())
    assert certbot.plan(replace(WANTED, webroot=""), have, NOW, NEW).action == "none"
    assert certbot.plan(replace(WANTED, webroot=""), HAVE, NOW, NEW).action == "reconfigure"


def test_the_arguments() -> None:
    common = ["--non-interactive", "--agree-tos", "--cert-name", "shop", "--webroot", "--webroot-path", WANTED.webroot]
    names = ["--domain", "shop.test", "--domain", "www.shop.test"]
    wanted = replace(WANTED, email="ops@example.test")
    assert certbot.command(wanted, "issue") == [
        *["certonly", *common, "--server", PEBBLE, "--email", "ops@example.test", *names]
    ]
    assert "--register-unsafely-without-email" in certbot.command(WANTED, "issue")
    again = certbot.command(wanted, "reissue")
    assert {"--force-renewal", "--renew-with-new-domains"} < set(again)
    assert certbot.command(wanted, "reconfigure") == ["reconfigure", *common]


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
@pytest.mark.parametrize(
    ("case", "kind", "detail", "variable"),
    [
        ("refused", "connection", "connect: connection refused", "letsencrypt_domains"),
        ("unauthorized", "unauthorized", "returned 404", "letsencrypt_domains"),
        ("rejected", "rejectedIdentifier", 'forbidden by policy: "www.blocked.test"', "letsencrypt_domains"),
        ("ratelimit", "rateLimited", "retry after 2026-11-24 01:02:03 UTC", "letsencrypt_directory_url"),
        ("unreachable", "", "Requesting localhost/dir: Connection refused", "letsencrypt_directory_url"),
        ("untrusted", "", "certificate verify failed", "letsencrypt_ca_bundle"),
        ("port80", "", "Could not bind TCP port 80", "letsencrypt_webroot"),
    ],
)
def test_says_what_the_ca_said(suite: str, case: str, kind: str, detail: str, variable: str) -> None:
    found = problems(f"{suite}-{case}")
    assert found[0].kind == kind
    assert detail in found[0].detail
    assert "can't set attribute" not in found[0].detail
    message = refusals.explain(found, WANTED, kept=True)
    assert detail in message
    assert f"Cure: {variable}" in message or f"in {variable}" in message
    assert "untouched" in message


def test_each_name_gets_its_problem() -> None:
    assert {problem.domain for problem in problems("trixie-refused")} == {"a.test", "www.a.test"}
    rejected = problems("bookworm-rejected")
    assert ("www.blocked.test", "www.blocked.test is a forbidden domain") in {(p.domain, p.detail) for p in rejected}


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_says_when_to_try_again(suite: str) -> None:
    found = problems(suite + "-ratelimit")
    assert found[0].retry_after == "86400"
    assert "retry after: 86400" in refusals.explain(found, WANTED, kept=False)


def test_a_refused_address_names_the_variable() -> None:
    assert "letsencrypt_email" in refusals.explain(problems("trixie-email"), WANTED, kept=False)


@pytest.mark.parametrize(
    ("kind", "says"),
    [("dns", "a.test must have an A or AAAA record"), ("caa", "CAA record of a.test"), ("invalidProfile", "_profile")],
)
def test_each_kind_of_refusal_has_its_cure(kind: str, says: str) -> None:
    assert says in refusals.cure(Problem(kind, "no", "a.test"), WANTED)


def test_a_nonce_that_certbot_tries_again_is_no_problem() -> None:
    log = recorded("trixie-ratelimit.log")
    bad_nonce = log.replace("rateLimited", "badNonce")
    assert [p.kind for p in refusals.problems("", bad_nonce + log)] == ["rateLimited"]


def test_an_unknown_end_shows_certbots_last_words() -> None:
    found = refusals.problems("Saving debug log to x\nsomething odd\nAsk for help or search", "")
    assert found == [Problem("", "something odd")]
    assert "letsencrypt.log" in refusals.explain(found, WANTED, kept=False)
