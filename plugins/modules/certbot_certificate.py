#!/usr/bin/python
# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: certbot_certificate
short_description: Keep one certificate of an ACME certificate authority with certbot
version_added: 0.1.0
description:
  - Gets a certificate by HTTP-01, or by DNS-01 with O(dns), if there is none, and a new one only if the present one no
    longer fits, because its names, its certificate authority or its profile differ, or its renewal is overdue.
  - If only the settings of its renewal differ, they are changed without a new certificate (certbot 2.3 and newer).
  - After a certificate was issued, O(live_link) is switched first and then O(deploy_hook) is run. If the local server
    still shows another certificate, or the hook failed the last time, the hook is run again, so the next run repairs
    what a failed one left.
  - A refusal changes nothing. The message quotes the certificate authority and names the variable of the role
    P(landfall.django.letsencrypt#role) to correct, which is the option's name after C(letsencrypt_).
author:
  - landfall.django contributors (@landfall)
requirements:
  - certbot 2.1 or newer
  - openssl
options:
  name:
    description: Name of the certificate, as in C(/etc/letsencrypt/live/NAME).
    type: str
    required: true
  domains:
    description: Host names. The local server is asked for the first one. Wildcards only with O(dns).
    type: list
    elements: str
    required: true
  directory_url:
    description: ACME directory of the certificate authority.
    type: str
    default: https://acme-v02.api.letsencrypt.org/directory
  email:
    description: E-mail address of the account, used when it is created. Empty for an account without one.
    type: str
    default: ""
  webroot:
    description: Folder that the server on port 80 serves. If empty, certbot itself answers on port 80.
    type: path
    default: ""
  dns:
    description: How to prove the domains by DNS-01, also in renewals. O(webroot) is then not used.
    type: dict
    suboptions:
      plugin:
        description: Name of certbot's plugin without C(dns-). Its package must be installed.
        type: str
        required: true
      credentials:
        description: File on the host with the plugin's credentials, in the form that it reads.
        type: path
        required: true
      propagation_seconds:
        description: Seconds to wait for the name servers before the CA is told to look. By default the plugin's own.
        type: int
  profile:
    description:
      - The certificate authority's profile. Refused, before anything is changed, if certbot is older than 4.0 or the
        authority has no such profile. Renewals prefer it, and continue without it if the authority drops it.
    type: str
    default: ""
  ca_bundle:
    description: PEM file on the host with the authority that signed the directory's own TLS certificate.
    type: path
    default: ""
  live_link:
    description: Path that becomes a symbolic link to C(/etc/letsencrypt/live/NAME) once the certificate exists.
    type: path
    default: ""
  deploy_hook:
    description:
      - Program to run after a certificate was issued, with E(RENEWED_LINEAGE) and E(RENEWED_DOMAINS) as certbot sets
        them. For renewals, certbot itself runs the programs in its folder C(renewal-hooks/deploy).
    type: path
    default: ""
  failure_file:
    description: File that O(deploy_hook) leaves when it fails. While it exists, each run starts the hook again.
    type: path
    default: ""
  https_port:
    description:
      - Local port whose certificate is compared with the one on disk if O(deploy_hook) is given. If nothing answers,
        nothing is compared. V(0) for no comparison.
    type: int
    default: 443
  timeout:
    description: Seconds to wait for the local server to show the new certificate, and for another certbot to end.
    type: int
    default: 30
attributes:
  check_mode:
    description: Says what it would do.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
"""

EXAMPLES = r"""
- name: Get a certificate for the shop
  landfall.django.certbot_certificate:
    name: shop
    domains: [shop.example.com, www.shop.example.com]
    email: ops@example.com
    webroot: /srv/nginx/acme
    live_link: /srv/nginx/tls/shop
    deploy_hook: /etc/letsencrypt/renewal-hooks/deploy/shop
    failure_file: /var/lib/letsencrypt/shop.hook-failed

- name: Get one for all names of a domain
  landfall.django.certbot_certificate:
    name: shop
    domains: [shop.example.com, "*.shop.example.com"]
    dns:
      plugin: rfc2136
      credentials: /etc/letsencrypt/dns/shop

- name: Get one that is valid for 160 hours
  landfall.django.certbot_certificate:
    name: shop
    domains: [shop.example.com]
    webroot: /srv/nginx/acme
    profile: shortlived
"""

RETURN = r"""
action:
  description: What was done, V(none), V(issue), V(reissue) or V(reconfigure).
  type: str
  returned: always
reasons:
  description: Why.
  type: list
  elements: str
  returned: always
live:
  description: Folder of the certificate and its key.
  type: str
  returned: always
served:
  description: Whether the local server shows this certificate; null where none was asked.
  type: bool
  returned: when not in check mode
problems:
  description: What the certification authority said, with C(kind), C(detail), C(domain) and C(retry_after).
  type: list
  elements: dict
  returned: failure
"""

import json
import time
import typing as t
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.landfall.django.plugins.module_utils._certificate import certbot, refusals, tls
from ansible_collections.landfall.django.plugins.module_utils._certificate import dns as dns01
from ansible_collections.landfall.django.plugins.module_utils._files.replace import link

CONFIG = Path("/etc/letsencrypt")
LOG = Path("/var/log/letsencrypt/letsencrypt.log")
RESTART = 3
BUSY = "Another instance of Certbot is already running"


class Certificate:
    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: dict[str, t.Any] = module.params
        self.wanted = certbot.Wanted(
            name=self.params["name"],
            domains=tuple(self.params["domains"]),
            directory_url=self.params["directory_url"],
            webroot=self.params["webroot"],
            profile=self.params["profile"],
            email=self.params["email"],
            dns=dns01.Dns(**self.params["dns"]) if self.params["dns"] else None,
        )
        self.live = CONFIG / "live" / self.wanted.name
        self.certbot = module.get_bin_path("certbot") or ""
        self.version: tuple[int, ...] = ()
        self.environment = {"LC_ALL": "C.UTF-8"}
        if self.params["ca_bundle"]:
            self.environment["REQUESTS_CA_BUNDLE"] = self.params["ca_bundle"]
        if self.wanted.dns:
            self.environment.update(dns01.environment(self.wanted.dns))

    def run(self) -> dict[str, t.Any]:
        if not self.certbot:
            return self._without_certbot()
        have = self._lineage()
        plan = self._plan(have)
        if plan.action in ("issue", "reissue"):
            self._refuse_profile()
        link = self._link_differs()
        reasons = list(plan.reasons)
        if link:
            reasons.append(f"{self.params['live_link']} pointed elsewhere")
        result = {"action": plan.action, "reasons": reasons, "live": str(self.live)}
        if self.module.check_mode:
            return {**result, "changed": plan.action != "none" or link or self._hook_failed()}
        if plan.action != "none":
            self._certbot(plan.action, have is not None)
        issued = plan.action in ("issue", "reissue")
        if link:
            self._switch_link()
        if issued or link:
            self._hook()
        served = self._served(wait=issued or link)
        failed = self._hook_failed()
        repaired = not (issued or link) and (failed or served is False)
        if repaired:
            reasons.append("the hook had failed" if failed else "the local server showed another certificate")
            self._hook()
            served = self._served(wait=True)
        if served is False:
            self.module.fail_json(msg=self._other_certificate(), **result)
        return {**result, "served": served, "changed": plan.action != "none" or link or repaired}

    def _plan(self, have: certbot.Lineage | None) -> certbot.Plan:
        now = datetime.now(timezone.utc)
        # What is good for an unknown version is good for all, and certbot takes a second to tell which it is.
        plan = certbot.plan(self.wanted, have, now, ())
        if plan.action == "none":
            return plan
        self.version = certbot.parse_version("".join(self.module.run_command([self.certbot, "--version"])[1:]))
        return certbot.plan(self.wanted, have, now, self.version)

    def _without_certbot(self) -> dict[str, t.Any]:
        if not self.module.check_mode:
            self.module.fail_json(msg="There is no certbot on this host: install the package certbot.")
        return {
            "changed": True,
            "action": "issue",
            "reasons": ["there is no certificate of this name yet"],
            "live": str(self.live),
        }

    def _lineage(self) -> certbot.Lineage | None:
        renewal = CONFIG / "renewal" / (self.wanted.name + ".conf")
        leaf = self.live / "cert.pem"
        if not (renewal.exists() and leaf.exists()):
            return None
        self.module.get_bin_path("openssl", required=True)
        return certbot.lineage(renewal.read_text(), tls.described(tls.kept(leaf)))

    def _refuse_profile(self) -> None:
        directory: dict[str, t.Any] = {}
        if self.wanted.profile and self.version >= certbot.PROFILES_SINCE:
            # Here, because the host would compile it in every run.
            from ansible.module_utils.urls import open_url

            try:
                answer = open_url(self.wanted.directory_url, ca_path=self.params["ca_bundle"] or None, timeout=20)
                directory = json.load(answer)
            except (OSError, ValueError) as error:
                found = [refusals.Problem("", f"Requesting {self.wanted.directory_url}: {error}")]
                self.module.fail_json(msg=refusals.explain(found, self.wanted, self.live.exists()))
        refused = certbot.refused_profile(self.wanted, self.version, directory)
        if refused:
            self.module.fail_json(msg=refused)

    def _certbot(self, action: str, kept: bool) -> None:
        if self.wanted.authenticator == "webroot" and not Path(self.wanted.webroot).is_dir():
            self.module.fail_json(
                msg=f"letsencrypt_webroot: {self.wanted.webroot} is not a folder on the host. Set it to the one that "
                "the web server on port 80 serves, or leave it empty if no web server runs."
            )
        argv = [self.certbot, *certbot.command(self.wanted, action)]
        seen = LOG.stat().st_size if LOG.exists() else 0
        until = time.monotonic() + self.params["timeout"]
        while True:
            code, out, err = self.module.run_command(argv, environ_update=self.environment)
            if BUSY not in out + err or time.monotonic() > until:
                break
            time.sleep(2)
        if code:
            found = refusals.problems(out + "\n" + err, _added(LOG, seen))
            self.module.fail_json(
                msg=refusals.explain(found, self.wanted, kept), problems=[asdict(problem) for problem in found], rc=code
            )
        # certbot exits with 0 in some cases that are no success, as when it kept what it had.
        after = self._lineage()
        if after is None or after.domains != {name.lower() for name in self.wanted.domains}:
            self.module.fail_json(msg=f"certbot reported success, but {self.live} holds no such certificate:\n{out}")

    def _link_differs(self) -> bool:
        if not self.params["live_link"]:
            return False
        link = Path(self.params["live_link"])
        if link.is_dir() and not link.is_symlink():
            self.module.fail_json(msg=f"letsencrypt_live_link: {link} is a folder, and should be a link or not exist.")
        return not link.is_symlink() or link.readlink() != self.live

    def _switch_link(self) -> None:
        link(self.params["live_link"], str(self.live))

    def _hook_failed(self) -> bool:
        failure = self.params["failure_file"]
        return bool(self.params["deploy_hook"] and failure) and Path(failure).exists()

    def _hook(self) -> None:
        if not self.params["deploy_hook"]:
            return
        environment = {"RENEWED_LINEAGE": str(self.live), "RENEWED_DOMAINS": " ".join(self.wanted.domains)}
        code, out, err = self.module.run_command([self.params["deploy_hook"]], environ_update=environment)
        if code:
            self.module.fail_json(
                msg=f"The certificate is in {self.live}, but letsencrypt_deploy_hook failed with {code}, so the server "
                f"may still show the former one: {(out + err).strip()}",
                rc=code,
            )

    def _served(self, wait: bool) -> bool | None:
        """Whether the local server shows the certificate on disk; None if it was not asked or does not answer."""
        if not (self.params["https_port"] and self.params["deploy_hook"]):
            return None
        leaf = tls.kept(self.live / "cert.pem")
        start = time.monotonic()
        while True:
            shown = tls.shown(self.params["https_port"], self.wanted.domains[0])
            # A restarted server is away for a moment only; without a server, there is no use in waiting longer.
            patience = self.params["timeout"] if shown else RESTART
            if shown == leaf or not wait or time.monotonic() - start > patience:
                return None if shown is None else shown == leaf
            time.sleep(0.2)

    def _other_certificate(self) -> str:
        return (
            f"The certificate is in {self.live}, but the server on port {self.params['https_port']} still shows "
            f"another one for {self.wanted.domains[0]}, {self.params['timeout']} seconds after letsencrypt_deploy_hook "
            "was run. The hook must make the server read its files again, and the server must use "
            f"{self.params['live_link'] or self.live}; letsencrypt_https_port says where it listens (0: do not ask)."
        )


def _added(log: Path, seen: int) -> str:
    """What was added to the log; all of it if it was rotated in between."""
    if not log.exists():
        return ""
    with log.open(errors="replace") as stream:
        stream.seek(seen if log.stat().st_size >= seen else 0)
        return stream.read()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "domains": {"type": "list", "elements": "str", "required": True},
            "directory_url": {"type": "str", "default": "https://acme-v02.api.letsencrypt.org/directory"},
            "email": {"type": "str", "default": ""},
            "webroot": {"type": "path", "default": ""},
            "dns": {
                "type": "dict",
                "options": {
                    "plugin": {"type": "str", "required": True},
                    "credentials": {"type": "path", "required": True},
                    "propagation_seconds": {"type": "int"},
                },
            },
            "profile": {"type": "str", "default": ""},
            "ca_bundle": {"type": "path", "default": ""},
            "live_link": {"type": "path", "default": ""},
            "deploy_hook": {"type": "path", "default": ""},
            "failure_file": {"type": "path", "default": ""},
            "https_port": {"type": "int", "default": 443},
            "timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    module.exit_json(**Certificate(module).run())


if __name__ == "__main__":
    main()
