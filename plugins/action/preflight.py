# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.landfall.django.plugins.module_utils import _front_limits
from ansible_collections.landfall.django.plugins.module_utils import _preflight as variables
from ansible_collections.landfall.django.plugins.module_utils import _preflight_front as front
from ansible_collections.landfall.django.plugins.module_utils import _preflight_host as host
from ansible_collections.landfall.django.plugins.module_utils import _preflight_spec as spec

ROLES = Path(__file__).resolve().parents[2] / "roles"
# Their values may refer to secrets that do not exist yet, so nothing but their names is looked at.
ENVIRONMENTS = ("stack_environment", "stack_secrets")


# What brings a source to the host: the role installs what is missing.
PROGRAMS = ("git", "rsync")


class ActionModule(ActionBase):
    """Collect every problem of a stack's variables and host, then fail once."""

    TRANSFERS_FILES = False
    _VALID_ARGS: frozenset[str] = frozenset()
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        raw = task_vars or {}
        values, problems = self._values(raw)
        problems += variables.problems_of(values, self._controller_path)
        problems += self._host(values, raw, result)
        result["changed"] = False
        result["stack"] = values.get("stack_name", "")
        if problems:
            result["failed"] = True
            count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
            result["msg"] = "\n".join([f"{count} found, nothing has been changed yet:", *(f"- {p}" for p in problems)])
        return result

    def _values(self, raw: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The values that can be told already, of the type their role wants, and what is wrong with the rest."""
        values: dict[str, Any] = {}
        options = self._options("stack")
        problems = list(spec.unknown_names(raw, options))
        for role in ("docker", "nginx", "letsencrypt"):
            options.update(self._options(role))
        for name in sorted(set(options) & set(raw)):
            if name in ENVIRONMENTS and isinstance(raw[name], dict):
                problems += variables.environment_names(name, raw[name])
                continue
            try:
                values[name] = self._templar.template(raw[name])
            except AnsibleError as error:
                if not spec.waits_for_the_role(raw[name], raw):
                    problems.append(f"{name}: its value cannot be worked out: {error.message}")
        for name in [name for name in ENVIRONMENTS if name in values]:
            problems += variables.environment_names(name, values.pop(name))
        good, wrong = spec.checked(options, values)
        return good, problems + wrong

    def _options(self, role: str) -> dict[str, Any]:
        file = ROLES / role / "meta" / "argument_specs.yml"
        if not file.exists():
            return {}
        return dict(self._loader.load_from_file(str(file))["argument_specs"]["main"]["options"])

    def _controller_path(self, path: str) -> Path:
        return Path(self._loader.path_dwim(str(Path(path).expanduser())))

    def _host(self, values: dict[str, Any], raw: dict[str, Any], result: dict[str, Any]) -> list[str]:
        """What is wrong with the host; the warnings go into the result."""
        ports = {}
        if variables.uses_front(values):
            names = {"nginx_http_port": 80, "nginx_https_port": 443}
            ports = {values.get(name, default): name for name, default in names.items()}
        root = values.get("stack_root") or "/srv"
        front_root, user = values.get("nginx_root") or "/srv/nginx", values.get("nginx_user") or "landfall-nginx"
        try:
            probe = self._execute_module(
                module_name="landfall.django.host_probe",
                module_args={
                    "ports": list(ports),
                    "paths": [root, "/var/lib/docker", front_root],
                    "programs": list(PROGRAMS),
                    "accounts": [user, str(front.ACCOUNT_ID)],
                },
                task_vars=raw,
            )
        except AnsibleConnectionFailure as error:
            return [f"The host cannot be reached: {error.message}"]
        if probe.get("failed"):
            return [f"The host cannot be examined: {probe.get('msg')}"]
        result["warnings"] = host.warnings_of(probe)
        result["programs"] = probe["programs"]
        minimum = values.get("stack_disk_free_minimum_mib", host.DISK_FREE_MINIMUM_MIB)
        front_place = probe["paths"].pop()
        problems = host.problems_of(probe, ports, minimum)
        if variables.uses_front(values):
            problems += host.profile_problems(probe, values.get("letsencrypt_profile", ""))
            problems += front.account_problems(user, probe["accounts"])
            problems += _front_limits.disk_problems(values.get("nginx_site_buffers"), front_place)
        return problems
