# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleUndefinedVariable
from ansible.plugins.action import ActionBase
from ansible_collections.landfall.django.plugins.module_utils._front import limits
from ansible_collections.landfall.django.plugins.module_utils._preflight import front as front_variables
from ansible_collections.landfall.django.plugins.module_utils._preflight import host, spec
from ansible_collections.landfall.django.plugins.module_utils._preflight import stack as variables
from ansible_collections.landfall.django.plugins.plugin_utils import _values

ROLES = Path(__file__).resolve().parents[2] / "roles"
# Each of their values is looked at by itself: one may refer to what does not exist yet.
ENVIRONMENTS = ("stack_environment", "stack_secrets", "stack_build_args")
# What has to arrive as it is written.
LITERAL = (
    *ENVIRONMENTS,
    "stack_git_repository",
    "stack_secret_key",
    "stack_secret_key_fallbacks",
    "stack_database_password",
    "stack_database_root_password",
    "stack_database_url",
    "stack_redis_password",
    "stack_redis_url",
    "docker_registry_logins",
)
# No message repeats what Ansible says of these: it may be their value.
HIDDEN = (*LITERAL, "stack_compose_override")


# What brings a source to the host: the role installs what is missing.
PROGRAMS = ("git", "rsync")
NO_PIPELINING = (
    "Ansible does not pipeline to this host (become_method, connection plugin, ANSIBLE_KEEP_REMOTE_FILES, or"
    " ansible_pipelining: false). If this run is killed, it may leave secrets in ~/.ansible/tmp on the host:"
    " see docs/secrets.md."
)


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
        for role in ("docker", "hardening", "nginx", "letsencrypt"):
            options.update(self._options(role))
        for name in sorted(set(options) & set(raw)):
            wrong = list(self._wrong(name, raw))
            problems += wrong
            if name in ENVIRONMENTS:
                problems += variables.environment_problems(name, self._settled(raw[name]))
            elif not wrong:
                # Without those that wait for what the role finds out.
                with contextlib.suppress(AnsibleError):
                    values[name] = self._templar.template(raw[name])
        good, wrong = spec.checked(options, values)
        return good, problems + wrong

    def _wrong(self, name: str, raw: dict[str, Any]) -> Iterator[str]:
        """What of a variable would not arrive as it is written, and what cannot be evaluated."""
        for path, leaf in _values.leaves(raw[name]):
            place = f"{name}: {'.'.join(path)}" if path else name
            fault = _values.fault_of(leaf, raw) if name in LITERAL else None
            if fault and fault.place:
                yield f"{place}: it refers to {fault.place}, and {fault.reason} there."
            elif fault:
                yield f"{place}: {fault.reason}."
            elif said := self._unknown(name, leaf, raw):
                yield f"{place}: its value could not be evaluated: {said}: define it, or correct the reference."

    def _unknown(self, name: str, value: Any, raw: dict[str, Any]) -> str:
        """Why a value cannot be evaluated, now or later."""
        try:
            self._templar.template(value)
        except AnsibleError as error:
            if not spec.waits_for_the_role(value, raw):
                return self._reason(name, error)
            missing = _values.undefined_in(value, raw)
            return f"{' and '.join(missing)} is undefined" if missing else ""
        return ""

    def _reason(self, name: str, error: AnsibleError) -> str:
        """What Ansible says, unless that may repeat a secret."""
        if isinstance(error, AnsibleUndefinedVariable) or name not in HIDDEN:
            return str(error.message).rstrip(".")
        return "its expression fails"

    def _settled(self, value: Any) -> Any:
        """A dictionary with those of its values that can be told already; in place of the others, nothing."""
        if isinstance(value, dict):
            return {key: self._or_nothing(item) for key, item in value.items()}
        found = self._or_nothing(value)
        return {} if found is None else found

    def _or_nothing(self, value: Any) -> Any:
        try:
            return self._templar.template(value)
        except AnsibleError:
            return None

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
        front = str(values.get("stack_nginx_root") or "") if variables.uses_front(values) else ""
        front_root, user = values.get("nginx_root") or "/srv/nginx", values.get("nginx_user") or "landfall-nginx"
        arguments = {
            "ports": list(ports),
            "paths": [root, "/var/lib/docker", front_root],
            "programs": list(PROGRAMS),
            "accounts": [user, str(front_variables.ACCOUNT_ID)],
            "stack_root": root,
            "front_root": front,
        }
        try:
            probe = self._execute_module(
                module_name="landfall.django.host_probe",
                module_args=arguments,
                task_vars=raw,
            )
        except AnsibleConnectionFailure as error:
            return [f"The host cannot be reached: {error.message}"]
        if probe.get("failed"):
            return [f"The host cannot be examined: {probe.get('msg')}"]
        result["warnings"] = host.warnings_of(probe)
        if not self._connection.is_pipelining_enabled():
            result["warnings"].append(NO_PIPELINING)
        result["programs"] = probe["programs"]
        minimum = values.get("stack_disk_free_minimum_mib", host.DISK_FREE_MINIMUM_MIB)
        front_place = probe["paths"].pop()
        name = str(values.get("stack_name") or "")
        site, domains = values.get("nginx_site_name") or name, values.get("stack_domains") or []
        problems = host.problems_of(probe, ports, minimum)
        problems += host.neighbour_problems(probe, name, root, site, domains if front else [])
        if front:
            problems += host.profile_problems(probe, values.get("letsencrypt_profile", ""))
            problems += front_variables.account_problems(user, probe["accounts"])
            problems += limits.disk_problems(values.get("nginx_site_buffers"), front_place)
        return problems
