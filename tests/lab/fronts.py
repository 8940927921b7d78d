"""A real Nginx with the configuration that the role nginx writes for a site, and a project behind it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import uuid
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import docker
from lab.shell import run, wait_for
from rendered import variable
from tests.unit.module_arguments import patch_module_args

IMAGE = "nginx:1.30"
SITE = "shop"
# Of an entry; who may read a file is tested elsewhere.
ENTRY = ("path", "content", "target", "state", "keep", "secret")
# Answers with what it was asked, and hands /accel/PATH to Nginx as the file PATH.
PROJECT = """upstream shop { server unix:/run/project.sock; }
server {
    listen unix:/run/project.sock;
    location / { return 200 "$request_method $request_uri host=$http_host authorization=$http_authorization"; }
    location ~ ^/accel(?<file>/.+) {
        default_type '';
        add_header X-Accel-Redirect $file;
        add_header X-Content-Type-Options nosniff;
        return 200 "";
    }
    # After three seconds.
    location /slow/ { auth_basic any; auth_basic_user_file /dev/null; auth_delay 3s; }
}
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value


@dataclass
class Front:
    root: Path
    name: str = field(default_factory=lambda: f"landfall-lab-front-{uuid.uuid4().hex[:8]}")

    def write(self, urls: dict[str, str] | None = None, *, released: bool = True, **variables: Any) -> None:
        """Write what the role writes below its root, and the project's place; with `urls`, as after a release.

        Routes are those of a release that has taken place, unless it is not `released`.
        """
        entries = "__nginx_front_entries + __nginx_site_entries + __nginx_route_entries"
        for entry in self._of_role(entries, variables):
            path = self.root / entry["path"]
            if Path(entry["path"]).is_absolute():  # of the host
                continue
            if entry.get("state") == "absent":
                path.unlink(missing_ok=True)
            elif "content" in entry:
                path.write_text(entry["content"])
            elif "target" not in entry:
                path.mkdir(parents=True, exist_ok=True)
        given = variables.get("nginx_site_routes") if released else None
        (self.root / "upstreams" / f"{SITE}.conf").write_text(PROJECT)
        if given:
            self._write_routes(given)
        if urls is not None or given:
            from ansible_collections.landfall.django.plugins.module_utils._front.locations import locations
            from ansible_collections.landfall.django.plugins.module_utils._front.routes import routes

            text = locations(str(self.root), SITE, urls or {}, routes(given or {}))
            (self.root / "upstreams" / f"{SITE}.locations").write_text(text)
        self._write_certificate()

    def replace(self, **variables: Any) -> dict[str, Any]:
        """Replace the files as the role does, and return what its module says."""
        from ansible_collections.landfall.django.plugins.modules import tree

        arguments = {
            "root": str(self.root),
            "entries": [
                {**{name: entry[name] for name in ENTRY if name in entry}, "owner": os.getuid(), "group": os.getgid()}
                for entry in self._of_role("__nginx_site_entries", variables)
            ],
            "validate": self._of_role("__nginx_validate", variables),
            "beside": ["conf", "conf.d", "upstreams"],
        }
        said = io.StringIO()
        with patch_module_args(arguments), redirect_stdout(said), suppress(SystemExit):
            tree.main()
        return dict(json.loads(said.getvalue()))

    def reload(self) -> None:
        docker.docker("exec", self.name, "nginx", "-c", f"{self.root}/conf/nginx.conf", "-s", "reload")

    def start(self, **variables: Any) -> Front:
        self.write(**variables)
        docker.docker(
            *("run", "--detach", "--name", self.name, "--network=none", "--user=10004:10004", "--read-only"),
            *("--tmpfs=/run:uid=10004", "--tmpfs=/var/cache/nginx:uid=10004"),
            *("--sysctl=net.ipv4.ip_unprivileged_port_start=0", f"--volume={self.root}:{self.root}:ro,z"),
            *("--entrypoint=nginx", IMAGE, "-c", f"{self.root}/conf/nginx.conf", "-g", "daemon off;"),
        )
        wait_for("Nginx", lambda: self._curl("--silent", "http://127.0.0.1/").returncode == 52, seconds=30)
        return self

    def ask(
        self, path: str, *options: str, host: str = "shop.example.com", scheme: str = "https", by: str = "127.0.0.1"
    ) -> Answer:
        """Ask as a visitor with the address `by`; `options` are curl's."""
        port = 443 if scheme == "https" else 80
        done = self._curl(
            *("--silent", "--insecure", "--include", "--http1.1", "--path-as-is", "--globoff", "--max-time", "20"),
            *("--interface", by, "--resolve", f"{host}:{port}:127.0.0.1", *options, f"{scheme}://{host}{path}"),
        )
        assert done.returncode == 0, (done, docker.docker("logs", self.name))
        head, _, body = done.stdout.partition("\n\n")
        status, *lines = head.splitlines()
        pairs = (line.partition(":") for line in lines)
        return Answer(int(status.split()[1]), tuple((key.lower(), value.strip()) for key, _, value in pairs), body)

    def served(self, path: str, content: str | bytes = "content") -> None:
        """Put a file below the site's folder, such as `static/site.css`."""
        file = self.root / "sites" / SITE / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def remove(self) -> None:
        docker.docker("rm", "--force", "--volumes", self.name)

    def _of_role(self, name: str, variables: dict[str, Any]) -> Any:
        return variable("nginx", name, {"nginx_root": str(self.root), "nginx_image": IMAGE, **variables})

    def _write_routes(self, given: dict[str, Any]) -> None:
        """Write what a release writes of routes, each with a process that says its name."""
        from ansible_collections.landfall.django.plugins.module_utils._front.routes import routes, server

        text = "".join(
            f"upstream {SITE}.{route.name} {{ server unix:/run/{route.name}.sock; }}\n"
            f"server {{ listen unix:/run/{route.name}.sock; location / {{ return 200 "
            f'"{route.name} $request_uri host=$http_host authorization=$http_authorization"; }} }}\n'
            + server(str(self.root), SITE, route)
            for route in routes(given)
        )
        with (self.root / "upstreams" / f"{SITE}.conf").open("a") as file:
            file.write(text)

    def _write_certificate(self) -> None:
        file = self.root / "keys" / f"{SITE}.pem"
        if not file.exists():
            # A template's loader has to know the collection before it is imported.
            from ansible_collections.landfall.django.plugins.module_utils._front import certificate

            file.write_text(run(certificate.request(SITE, ["shop.example.com"])))
            file.chmod(0o644)

    def _curl(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = ["docker", "exec", self.name, "curl", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
