"""What the hosts are given: an inventory, a copy of the project, and for the script what the collection rendered."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from lab import ssh
from lab.shell import ROOT, LabError, run

LAB = ROOT / "inventories" / "lab"
FOLDER = ROOT / ".cache" / "bench"
INVENTORY = FOLDER / "inventory"
PROJECT = FOLDER / "project"
BUNDLE = FOLDER / "files.tar"
GROWTH_INVENTORY = FOLDER / "growth"
GROWTH_PROJECT = FOLDER / "small"
EDITED = Path("catalogue/templates/catalogue/front.html")
HOSTS = {"collection": ("bench-a", "172.30.77.31"), "script": ("bench-b", "172.30.77.32")}
# What the roles write from templates; not what comes about on the host.
RENDERED = (
    "etc/docker/daemon.json",
    "etc/apt/sources.list.d/docker.sources",
    "etc/letsencrypt/acme-directory-ca.pem",
    "etc/letsencrypt/renewal-hooks/deploy",
    "etc/systemd/system/certbot.service.d",
    "srv/nginx",
    "srv/shop/.env",
    "srv/shop/compose.yaml",
    "srv/shop/compose.override.yaml",
    "srv/shop/secrets",
    "srv/shop/build",
    "srv/shop/celery_heartbeat.py",
)
MADE = ("srv/nginx/tls", "srv/nginx/keys", "srv/nginx/acme", "srv/nginx/sites")


def write_inventory() -> None:
    """inventories/lab, for two hosts."""
    variables = yaml.safe_load((LAB / "host_vars" / "demo.yml").read_text())
    variables["stack_domains"] = domains("{{ inventory_hostname }}")
    variables["stack_project_dir"] = str(PROJECT)
    _write_inventory(INVENTORY, HOSTS, variables)


def _write_inventory(folder: Path, listed: Mapping[str, tuple[str, str]], variables: Mapping[str, object]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shared = folder / "group_vars" / "all"
    shared.mkdir(parents=True)
    shutil.copy(LAB / "group_vars" / "all" / "lab.yml", shared)
    (shared / "project.yml").write_text(yaml.safe_dump(dict(variables)))
    hosts = {name: {"ansible_host": address, "lab_suite": "trixie"} for name, address in listed.values()}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))


def domains(host: str) -> list[str]:
    """The site's names on a host."""
    return [f"shop.{host}.test", f"www.shop.{host}.test"]


def settings() -> dict[str, str]:
    """The inventory's variables, of which the script needs some as well."""
    found: dict[str, str] = {}
    for file in (INVENTORY / "group_vars" / "all").glob("*.yml"):
        found |= yaml.safe_load(file.read_text())
    return found


def write_project() -> None:
    """A copy of examples/shop, as it is."""
    shutil.rmtree(PROJECT, ignore_errors=True)
    shutil.copytree(ROOT / "examples" / "shop", PROJECT, ignore=shutil.ignore_patterns("__pycache__"))


def edit_project(edition: int) -> str:
    """Change one line of it; return what the page must then show."""
    text = (ROOT / "examples" / "shop" / EDITED).read_text()
    mark = f"<!-- edition {edition} -->"
    if text.count("</body>") != 1:
        raise LabError(f"examples/shop/{EDITED} must have one </body>: there the benchmark changes a line.")
    (PROJECT / EDITED).write_text(text.replace("</body>", f"{mark}</body>"))
    return mark


def write_growth() -> None:
    """A copy of a small project, and an inventory of one host for many stacks of it."""
    shutil.rmtree(GROWTH_PROJECT, ignore_errors=True)
    small = ROOT / "tests" / "projects" / "pamphlet"
    shutil.copytree(small, GROWTH_PROJECT, ignore=shutil.ignore_patterns("__pycache__"))
    variables = {
        "stack_project_dir": str(GROWTH_PROJECT),
        "stack_wsgi_application": "wsgi:application",
        "stack_redis": False,
        "stack_media_path": "",
    }
    _write_inventory(GROWTH_INVENTORY, {"collection": HOSTS["collection"]}, variables)


def edit_growth(edition: int) -> None:
    """Change one line of it."""
    text = (ROOT / "tests" / "projects" / "pamphlet" / "wsgi.py").read_text()
    (GROWTH_PROJECT / "wsgi.py").write_text(f"{text}\n# edition {edition}\n")


def bundle() -> None:
    """Take what the collection rendered on its host, and make it fit the script's host and image."""
    source, target = HOSTS["collection"][0], HOSTS["script"][0]
    without = [f"--exclude={path}" for path in MADE]
    packed = subprocess.run(
        ["ssh", "-F", ssh.CONFIG, source, "sudo", "tar", "-C", "/", "-c", *without, *RENDERED],
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        raise LabError(f"{source} has not all that the roles render: {packed.stderr.decode().strip()}")
    ask = "sudo docker compose --project-directory /srv/shop config --format json"
    web = json.loads(run(["ssh", "-F", ssh.CONFIG, source, ask]))["services"]["web"]
    # The build mounts it as a secret, where the collection hands it over by the environment.
    environment = json.dumps({name: value for name, value in web["environment"].items() if value})
    image = re.fullmatch(r"shop:(\w+)", web["image"])
    if not image:
        raise LabError(f"{source} runs {web['image']}, not an image of its own named shop.")

    def fitted(content: bytes) -> bytes:
        return content.replace(source.encode(), target.encode()).replace(image[1].encode(), b"plain")

    BUNDLE.touch(mode=0o600)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as old, tarfile.open(BUNDLE, "w") as new:
        for member in old:
            content = old.extractfile(member)
            _add(new, member, fitted(content.read()) if content else None)
        secret = tarfile.TarInfo("srv/shop/build/environment.json")
        secret.mode = 0o600
        _add(new, secret, fitted(environment.encode()))


def _add(archive: tarfile.TarFile, member: tarfile.TarInfo, content: bytes | None) -> None:
    member.size = len(content or b"")
    archive.addfile(member, io.BytesIO(content) if content is not None else None)
