# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.yaml import yaml_load
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, get_file_vault_secret
from ansible.plugins.action import ActionBase
from ansible_collections.landfall.django.plugins.module_utils._preflight import syntax
from ansible_collections.landfall.django.plugins.plugin_utils._init import files, values
from ansible_collections.landfall.django.plugins.plugin_utils._init.project import Project, look
from ansible_collections.landfall.django.plugins.plugin_utils._init.settings import NotFoundError
from ansible_collections.landfall.django.plugins.plugin_utils._init.tree import Tree

SPECS = Path(__file__).resolve().parents[2] / "roles" / "stack" / "meta" / "argument_specs.yml"
_OPTIONS = {
    "path": {"type": "path"},
    "environment": {"type": "str", "default": "production"},
    "name": {"type": "str", "default": ""},
    "host": {"type": "str", "default": ""},
    "user": {"type": "str", "default": ""},
    "domains": {"type": "list", "elements": "str", "default": []},
    "email": {"type": "str", "default": ""},
    "manage": {"type": "str", "default": ""},
}
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,19}")


class ActionModule(ActionBase):
    """Look at a Django project on the controller, and write the files that deploy it."""

    TRANSFERS_FILES = False
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec(_OPTIONS)
        root = os.path.realpath(given["path"] or os.getcwd())
        try:
            check(root, given)
            project = look(Tree(root), given["environment"], given["manage"])
        except NotFoundError as error:
            return {**result, "failed": True, "msg": str(error)}
        names = ("environment", "name", "host", "user", "domains", "email")
        plan = values.plan(project, values.Given(**{name: given[name] for name in names}), defaults())
        folder = Folder(os.path.join(root, files.FOLDER), self._loader, self._task.check_mode)
        for file in files.files(plan):
            folder.write(file)
        result["changed"] = bool(folder.written)
        result["diff"] = [] if self._task.no_log else folder.diff
        return {**result, "written": folder.written, "kept": folder.kept, "report": report(project, plan, folder)}


def check(root: str, given: dict[str, Any]) -> None:
    """Raise NotFoundError where an option cannot be used."""
    if not os.path.isdir(root):
        raise NotFoundError(f"init_project_dir: there is no folder {root}: correct the path.")
    if not _ENVIRONMENT.fullmatch(given["environment"]):
        raise NotFoundError(
            f"init_environment: {given['environment']!r} is not a usable name: use up to 20 lower-case letters, digits"
            " and hyphens, such as staging."
        )
    for domain in given["domains"]:
        if not syntax.is_host_name(domain):
            raise NotFoundError(f"init_domains: {domain!r} is not a host name: give names such as shop.example.com.")
    deploy = os.path.join(root, files.FOLDER)
    if os.path.lexists(deploy) and (os.path.islink(deploy) or not os.path.isdir(deploy)):
        raise NotFoundError(f"{deploy} is no folder of the project: rename it, or write the files by hand.")


def defaults() -> dict[str, Any]:
    """Return the defaults of the role stack's variables."""
    options = yaml_load(SPECS.read_text())["argument_specs"]["main"]["options"]
    return {name: option["default"] for name, option in options.items() if "default" in option}


def report(project: Project, plan: values.Plan, folder: Folder) -> list[str]:
    """What the user is to read, line by line. The next command comes last."""
    module = project.settings_module
    lines = [
        f"Found: {project.manage}, settings {module.value} ({module.where})" if module else f"Found: {project.manage}"
    ]
    would = "Would write" if folder.is_check else "Written"
    lines += [f"{would}: {files.FOLDER}/{path}" for path in folder.written]
    lines += [f"Already there, not changed: {files.FOLDER}/{path}" for path in folder.kept]
    lines += [f"Change in the project: {remark}" for remark in plan.remarks]
    lines += [f"Fill in: {missing}" for missing in files.unanswered(plan, folder.texts)]
    # From where ansible.cfg is.
    command = f"cd {files.FOLDER} && ansible-playbook landfall.django.site -i {plan.given.environment}"
    return [*lines, f"Next: {command}"]


class Folder:
    """The folder deploy/, in which nothing that exists is changed."""

    def __init__(self, root: str, loader: DataLoader, is_check: bool) -> None:
        self.root, self.is_check = root, is_check
        self.written: list[str] = []
        self.kept: list[str] = []
        self.diff: list[dict[str, str]] = []
        self.texts: dict[str, str] = {}
        self._loader = loader

    def write(self, file: files.File) -> None:
        path = os.path.join(self.root, file.path)
        if os.path.lexists(path):
            self.kept.append(file.path)
            self.texts[file.path] = Path(path).read_text("utf-8", "replace") if os.path.isfile(path) else ""
            return
        text = self._encrypted(file.text) if file.is_secret else file.text
        self.texts[file.path] = file.text
        self.diff.append({"before": "", "after": file.text, "after_header": f"{files.FOLDER}/{file.path}"})
        self._create(file.path, text.encode(), 0o644)

    def _create(self, name: str, content: bytes, mode: int) -> None:
        """Create a file; fail if something has its name by now."""
        self.written.append(name)
        if self.is_check:
            return
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not os.path.realpath(path).startswith(self.root + os.sep):
            raise AnsibleError(f"{path} leads out of the project: remove the link")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as stream:
            stream.write(content)

    def _encrypted(self, text: str) -> str:
        """Encrypt with the password of the folder, which is generated with the first vault."""
        path = os.path.join(self.root, files.PASSWORD)
        if not os.path.lexists(path):
            if others := sorted(Path(self.root).glob("*/group_vars/all/vault.yml")):
                raise AnsibleError(
                    f"{path} is missing, and {others[0]} is encrypted with it: get it from whoever deploys this project"
                )
            self._create(files.PASSWORD, f"{secrets.token_urlsafe(32)}\n".encode(), 0o600)
        if self.is_check:
            return ""
        secret = get_file_vault_secret(filename=path, loader=self._loader)
        secret.load()
        return str(VaultLib([("default", secret)]).encrypt(text, secret).decode())
