# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleUndefinedVariable
from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.action import ActionBase
from ansible_collections.landfall.django.plugins.module_utils._front import limits
from ansible_collections.landfall.django.plugins.module_utils._preflight import (
    alarms,
    certificate,
    database,
    distributions,
    docker,
    front,
    host,
    jobs,
    roles,
    spec,
)
from ansible_collections.landfall.django.plugins.module_utils._preflight import stack as variables
from ansible_collections.landfall.django.plugins.module_utils._project.jobs import UNITS, unit_of
from ansible_collections.landfall.django.plugins.plugin_utils import _own_certificate, _program, _values

ROLES = Path(__file__).resolve().parents[2] / "roles"
# Each of their values is looked at by itself: one may refer to what does not exist yet.
ENVIRONMENTS = ("stack_environment", "stack_secrets", "stack_build_args", "stack_build_secrets", variables.FILES)
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
    "stack_cache_url",
    "docker_registry_logins",
    "nginx_site_passwords",
    "stack_routes",
    "nginx_site_routes",
    "letsencrypt_dns",
)
# No message repeats what Ansible says of these: it may be their value.
HIDDEN = (*LITERAL, "stack_compose_override", alarms.NAME, "backup_password", "backup_repository_environment")


# What brings a source to the host: the role installs what is missing.
PROGRAMS = ("git", "git-lfs", "rsync")
# What looks at the host. The same as the module host_probe, which takes longer to start.
PROBE = "_preflight.look"
# What a role's tasks need of what the host was asked.
ANSWERS = ("accounts", "distribution", "engine", "files", "ipv6", "packages", "stack_files", "units")
NO_PIPELINING = (
    "Ansible does not pipeline to this host (become_method, connection plugin, ANSIBLE_KEEP_REMOTE_FILES, or"
    " ansible_pipelining: false). If this run is killed, it may leave secrets in ~/.ansible/tmp on the host:"
    " see docs/secrets.md."
)


class ActionModule(ActionBase):
    """Collect every problem of a role's variables and of its host, then fail once."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"role", "packages", "units"})
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = {**super().run(tmp, task_vars), "changed": False}
        raw, role = task_vars or {}, self._task.args.get("role", "stack")
        if role == "stack":
            problems = self._stack(raw, result)
        elif role in roles.CHECKS:
            problems = self._role(role, raw, result)
        else:
            raise AnsibleError(f"role: {role!r} is not one of stack, {', '.join(roles.CHECKS)}")
        if problems:
            result = {name: value for name, value in result.items() if name not in ANSWERS}
            count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
            before = "nothing has been changed yet" if role == "stack" else f"the role {role} has changed nothing"
            result["failed"] = True
            result["msg"] = "\n".join([f"{count} found, {before}:", *(f"- {problem}" for problem in problems)])
        return result

    def _stack(self, raw: dict[str, Any], result: dict[str, Any]) -> list[str]:
        """What is wrong with all roles of a stack; what its tasks need, and the warnings, go into the result."""
        known = self._options("stack")
        values, problems = self._values(raw, ["stack", *roles.CHECKS, "hardening"])
        result["stack"] = values.get("stack_name", "")
        result["rsync_is_root"] = self._rsync_is_root()
        problems = [*spec.unknown_names(raw, known), *problems]
        if variables.uses_front(values):
            problems += _own_certificate.problems_of(values, self._controller_path, self._decrypted)
        return problems + variables.problems_of(values, self._controller_path) + self._host(values, raw, result)

    def _role(self, role: str, raw: dict[str, Any], result: dict[str, Any]) -> list[str]:
        """What is wrong with one role; what its tasks need goes into the result."""
        check = roles.CHECKS[role]
        values, problems = self._values(raw, [role])
        asked = check.asked(values)
        for name in ("packages", "units"):
            asked[name] = [*self._task.args.get(name, []), *asked.get(name, [])]
        probe = self._probe(asked, raw)
        problems += check.of_variables(values)
        if role == "nginx":
            problems += _own_certificate.problems_of(values, self._controller_path, self._decrypted)
        if probe.get("failed"):
            return [*problems, str(probe["msg"])]
        result.update({name: probe[name] for name in ANSWERS})
        found = distributions.find(probe["distribution"]) or distributions.Distribution()
        result["distribution"] = {**probe["distribution"], "docker_packages": list(found.docker_packages)}
        return [*problems, *check.of_host(values, probe)]

    def _values(self, raw: dict[str, Any], names: list[str]) -> tuple[dict[str, Any], list[str]]:
        """The roles' values that are known already, of the type their role wants, and what is wrong with the rest."""
        values: dict[str, Any] = {}
        options: dict[str, Any] = {}
        problems: list[str] = []
        for role in names:
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
        # Not by Ansible's loader, which takes ten times as long to note where each value is written.
        return dict(yaml_load(file.read_text())["argument_specs"]["main"]["options"])

    def _rsync_is_root(self) -> bool:
        """Whether rsync on the host becomes root as the tasks do: synchronize knows sudo only, and no password."""
        become = self._connection.become
        if become is None or self._connection.transport not in ("ssh", "paramiko"):
            return True
        method = become.name.rpartition(".")[2]
        return method == "sudo" and not become.get_option("become_pass", playcontext=self._play_context)

    def _controller_path(self, path: str) -> Path:
        return Path(self._loader.path_dwim(str(Path(path).expanduser())))

    def _decrypted(self, path: Path) -> bytes:
        return Path(self._loader.get_real_file(str(path))).read_bytes()

    def _host(self, values: dict[str, Any], raw: dict[str, Any], result: dict[str, Any]) -> list[str]:
        """What is wrong with the host; the warnings go into the result."""
        ports = {}
        if variables.uses_front(values):
            names = {"nginx_http_port": 80, "nginx_https_port": 443}
            ports = {values.get(name, default): name for name, default in names.items()}
        front_root = str(values.get("stack_nginx_root") or "") if variables.uses_front(values) else ""
        root, made = values.get("stack_root") or "/srv", values.get("nginx_root") or "/srv/nginx"
        asked = {
            **front.asked(values),
            "ports": list(ports),
            "paths": [root, "/var/lib/docker", made, str(values.get("stack_database_import") or root)],
            **docker.present(),
            "programs": [*PROGRAMS, *docker.present()["programs"], *alarms.programs(values)],
            "stack_root": root,
            "front_root": front_root,
            "files": [f"{UNITS}/{unit_of(values.get('stack_name'), '*')}"],
            "calendars": jobs.schedules(values),
        }
        probe = self._probe(asked, raw)
        if probe.get("failed"):
            return [str(probe["msg"])]
        result["warnings"] = host.warnings_of(probe)
        if not self._is_pipelining_enabled("new"):
            result["warnings"].append(NO_PIPELINING)
        result.update({name: probe[name] for name in ("engine", "programs", "sized_for", "stack_files", "files")})
        minimum = values.get("stack_disk_free_minimum_mib", host.DISK_FREE_MINIMUM_MIB)
        dump_place, front_place = probe["paths"].pop(), probe["paths"].pop()
        name = str(values.get("stack_name") or "")
        site = values.get("nginx_site_name") or name
        domains = {*(values.get("stack_domains") or []), *(values.get("nginx_site_domains") or [])}
        problems = host.problems_of(probe, ports, minimum)
        problems += host.neighbour_problems(probe, name, root, site, domains if front_root else [])
        problems += database.missing_import(values, dump_place, probe["stack_files"])
        checks = [docker.host_problems, jobs.host_problems, alarms.host_problems]
        if front_root:
            checks += [front.host_problems, certificate.host_problems]
            body = values.get("nginx_site_client_max_body_size", limits.BODY)
            problems += limits.disk_problems(values.get("nginx_site_buffers"), front_place, body)
        problems += [problem for check in checks for problem in check(values, probe)]
        # An unsupported distribution is a problem of more than one role.
        return list(dict.fromkeys(problems))

    def _probe(self, asked: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
        """What the module host_probe tells; where the host does not answer, `failed` and a problem as `msg`."""
        try:
            probe = _program.call(self, PROBE, "look", asked, raw)
        except AnsibleConnectionFailure as error:
            return {"failed": True, "msg": f"The host cannot be reached: {error.message}"}
        if probe.get("failed"):
            probe["msg"] = f"The host cannot be examined: {probe.get('msg')}"
        return probe
