"""The lab's services: name server, registry, ACME authority and depot, each a container at an address of its own."""

from __future__ import annotations

import functools
import hashlib
import json
import socket
import ssl
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lab import authority, docker, images, network
from lab import ssh as lab_ssh
from lab.base import PEM
from lab.docker import LABEL
from lab.inventory import Host
from lab.shell import CACHE, LabError, run, stage, wait_for

SERVICE = f"{LABEL}.service"
SETTINGS = f"{LABEL}.settings"
REGISTRY_PORT = 5077  # on the controller's loopback, which every engine lets speak plain HTTP
# Of the user lab, whose password is only-in-the-lab.
PRIVATE_USERS = "lab:$2b$12$N.BpFhijtPPiUCWtgkHwWOkpclq.l1vZMd9iTNVniegYkqtruugEe\n"
HOUR = 3600
ONE_PROFILE = {"default": {"description": "90 days", "validityPeriod": 90 * 24 * HOUR}}
# As Let's Encrypt has them: https://letsencrypt.org/docs/profiles/
PROFILES = {
    "classic": {"description": "90 days", "validityPeriod": 90 * 24 * HOUR, "promoteCommonName": True},
    "tlsserver": {"description": "45 days, no common name", "validityPeriod": 45 * 24 * HOUR},
    "shortlived": {"description": "160 hours, no common name", "validityPeriod": 160 * HOUR},
}
SITE_CA = CACHE / "site-ca.pem"
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
REACH = "The lab needs to reach its containers by their addresses, as on Linux."


@dataclass(frozen=True)
class Service:
    """A container of the lab."""

    name: str
    address: str
    port: int
    options: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    volumes: tuple[tuple[str, str], ...] = ()  # (name, mount point)
    settings: str = ""  # what is mounted into it, so that a change of it recreates the container
    image: str = ""  # in lab/images, where it is not the one of the service's own name

    @property
    def container(self) -> str:
        return f"landfall-lab-{self.name}"


def all_services() -> tuple[Service, ...]:
    return (dns(), dynamic(), registry(), private(), acme(), profiles(), depot())


def dns() -> Service:
    return Service("dns", network.DNS, 53, ("--volume", f"{network.DNS_FOLDER}:/etc/dnsmasq.d:ro,z"))


def dynamic() -> Service:
    """A name server that takes updates, for proofs by DNS-01. The other one asks it."""
    return Service("dynamic", network.DYNAMIC, 53)


def registry() -> Service:
    publish = ("--publish", f"127.0.0.1:{REGISTRY_PORT}:5000")
    return Service("registry", network.REGISTRY, 5000, publish, volumes=(("registry", "/var/lib/registry"),))


def private() -> Service:
    """A registry that asks who one is."""
    folder = CACHE / "private"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "htpasswd").write_text(PRIVATE_USERS)
    settings = {"AUTH": "htpasswd", "AUTH_HTPASSWD_REALM": "lab", "AUTH_HTPASSWD_PATH": "/auth/htpasswd"}
    words = [word for key, value in settings.items() for word in ("--env", f"REGISTRY_{key}={value}")]
    mount = ("--volume", f"{folder}:/auth:ro,z")
    return Service("private", network.PRIVATE, 5000, (*words, *mount), settings=PRIVATE_USERS, image="registry")


def depot() -> Service:
    return Service("depot", network.DEPOT, 80, volumes=(("git", "/srv/git"),))


def acme() -> Service:
    return pebble("pebble", "acme", network.ACME, ONE_PROFILE)


def profiles() -> Service:
    """A second authority: where an order names no profile, Pebble takes any of those it has."""
    return pebble("profiles", "profiles", network.PROFILES, PROFILES)


def pebble(name: str, host: str, address: str, offered: dict[str, dict[str, object]]) -> Service:
    """No chance in it: no random waits, no refused nonces, no reused authorizations."""
    folder = CACHE / name
    settings = {
        "listenAddress": "0.0.0.0:14000",
        "managementListenAddress": "0.0.0.0:15000",
        "certificate": "/etc/pebble/cert.pem",
        "privateKey": "/etc/pebble/key.pem",
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
        "retryAfter": {"authz": 1, "order": 1},
        "keyAlgorithm": "ecdsa",
        "profiles": offered,
    }
    authority.server_certificate(f"{host}.{network.DOMAIN}", address, folder)
    config = json.dumps({"pebble": settings}, indent=2)
    (folder / "pebble-config.json").write_text(config)
    environment = {"VA_ALWAYS_VALID": 0, "VA_NOSLEEP": 1, "WFE_NONCEREJECT": 0, "AUTHZREUSE": 0}
    words = [word for key, value in environment.items() for word in ("--env", f"PEBBLE_{key}={value}")]
    return Service(
        name,
        address,
        14000,
        (*words, "--volume", f"{folder}:/etc/pebble:ro,z"),
        ("-config", "/etc/pebble/pebble-config.json", "-dnsserver", f"{network.DNS}:53"),
        settings=config + (folder / "cert.pem").read_text(),
        image="pebble",
    )


def image(service: Service) -> images.Image:
    return next(one for one in images.catalogue() if one.name == (service.image or service.name))


def ensure(hosts: Iterable[Host]) -> None:
    """Start the services as described here, with a name server that knows these hosts."""
    changed = network.write_zones(hosts)
    for service in all_services():
        fresh = _ensure(service)
        if service.name == "dns" and changed and not fresh:
            docker.docker("restart", "--time", "1", service.container)
    for service in all_services():
        wait_for(service.name, functools.partial(_listens, service), seconds=30, cure=REACH)
    keys = f"{lab_ssh.public(lab_ssh.DEPLOY_KEY)}\n"
    place = ["docker", "exec", "--interactive", depot().container, "sh", "-c", "cat >/srv/git/authorized_keys"]
    run(place, stdin=keys)
    save_site_authorities()


def _ensure(service: Service) -> bool:
    """Whether the container had to be made."""
    tag = image(service).tag
    image_id = docker.inspect("image", tag, "{{.Id}}")
    wanted = hashlib.sha256(repr((image_id, service)).encode()).hexdigest()[:16]
    form = f'{{{{.State.Status}}}} {{{{index .Config.Labels "{SETTINGS}"}}}}'
    if (found := docker.inspect("container", service.container, form)) is not None:
        state, _, has = found.partition(" ")
        if has == wanted and (state == "running" or _starts(service)):
            return False
        docker.docker("rm", "--force", service.container)
    with stage(f"starting {service.name} ({service.address})"):
        mounts = []
        for name, path in service.volumes:
            docker.docker("volume", "create", "--label", LABEL, f"landfall-lab-{name}")
            mounts += ["--volume", f"landfall-lab-{name}:{path}"]
        docker.docker(
            *("run", "--detach", "--name", service.container, "--restart", "unless-stopped", *mounts),
            *("--label", LABEL, "--label", f"{SERVICE}={service.name}", "--label", f"{SETTINGS}={wanted}"),
            *("--network", network.NETWORK, "--ip", service.address, *service.options, tag, *service.command),
        )
    return True


def _starts(service: Service) -> bool:
    try:
        docker.docker("start", service.container, timeout=60)
    except LabError:
        return False
    return True


def _listens(service: Service) -> bool:
    state = docker.inspect("container", service.container, "{{.State.Status}}")
    if state in ("exited", "restarting"):
        raise LabError(f"{service.name} ended: see `docker logs {service.container}`.")
    try:
        with socket.create_connection((service.address, service.port), timeout=2):
            return True
    except OSError:
        return False


def save_site_authorities() -> None:
    """Keep the roots that sites are signed with, beside the earlier ones: each start of Pebble makes a new one."""
    context = ssl.create_default_context(cafile=str(authority.CA_FILE))
    known = PEM.findall(SITE_CA.read_text()) if SITE_CA.is_file() else []
    for address in (network.PROFILES, network.ACME):
        with urllib.request.urlopen(f"https://{address}:15000/roots/0", timeout=10, context=context) as answer:
            root = answer.read().decode().strip() + "\n"
        if not any(one.split() == root.split() for one in known):
            known.insert(0, root)
            SITE_CA.write_text("".join(known))


def mirrored() -> list[images.Image]:
    """The images that hosts can pull by their official names."""
    return [one for one in images.catalogue() if one.official and one.name != "registry"]


def fill_registry(wanted: Iterable[images.Image]) -> None:
    """Push to the mirror what it lacks of these."""
    lacking = [
        one for one in mirrored() if one in wanted and docker.inspect("image", one.tag, "{{.Id}}") not in stored(one)
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_push, lacking))


def _push(one: images.Image) -> None:
    local = f"127.0.0.1:{REGISTRY_PORT}/{_mirrored_name(one)}"
    with stage(f"filling the registry with {one.official}"):
        docker.docker("tag", str(one.official), local)
        docker.docker("push", "--quiet", local)
        docker.docker("image", "rm", local)


def _mirrored_name(one: images.Image) -> str:
    """Docker Hub's full name: an official image has no owner."""
    return str(one.official) if "/" in str(one.official) else f"library/{one.official}"


def stored(one: images.Image) -> tuple[str, ...]:
    """The ids that an engine can know the registry's image by: its configuration's digest, or its manifest's."""
    repository, _, tag = _mirrored_name(one).rpartition(":")
    request = urllib.request.Request(
        f"http://127.0.0.1:{REGISTRY_PORT}/v2/{repository}/manifests/{tag}",
        headers={"Accept": ", ".join(MANIFESTS)},
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
            return answer.headers["Docker-Content-Digest"], json.load(answer).get("config", {}).get("digest", "")
    except OSError:
        return ()


def forget() -> None:
    """What is of no use once the services are gone."""
    for file in (SITE_CA, network.DNS_FOLDER / "lab.conf"):
        file.unlink(missing_ok=True)
