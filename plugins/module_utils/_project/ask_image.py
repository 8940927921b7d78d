# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask an image for its user and its home, its working directory, its Python modules and its volumes.

Behind the module `image_probe` and its action. Private to this collection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.landfall.django.plugins.module_utils._docker import users
from ansible_collections.landfall.django.plugins.module_utils._docker.cli import DockerError, docker
from ansible_collections.landfall.django.plugins.module_utils._project import image_cache, module_path

SPEC: dict[str, dict[str, Any]] = {
    "image": {"type": "str", "required": True},
    "modules": {"type": "dict", "default": {}},
    "python_path": {"type": "str", "default": ""},
    "commands": {"type": "list", "elements": "str", "default": []},
    "user": {"type": "str", "default": ""},
    "cache": {"type": "str", "default": ""},
}
# find_spec imports the parents of a dotted name, so it gets only the first part; the others are searched as files.
_PROBE = """
import importlib.util, json, os, pwd, sys
sys.path[:0] = [os.getcwd(), *(os.path.join(os.getcwd(), folder) for folder in json.loads(sys.argv[1]))]
def exists(name):
    first, *rest = name.split(".")
    spec = importlib.util.find_spec(first)
    folders = list(spec.submodule_search_locations or []) if spec else None
    for part in rest:
        paths = [os.path.join(folder, part) for folder in folders or []]
        if not any(os.path.isdir(path) or os.path.isfile(path + ".py") for path in paths):
            return False
        folders = [path for path in paths if os.path.isdir(path)]
    return spec is not None
missing = [name for name in sys.argv[2:] if not exists(name)]
homes = {str(user.pw_uid): user.pw_dir for user in pwd.getpwall()}
homes[str(os.getuid())] = os.environ.get("HOME", "")
homes = {uid: home for uid, home in homes.items() if home != "/" and os.path.isdir(home)}
print(json.dumps({"uid": os.getuid(), "gid": os.getgid(), "workdir": os.getcwd(), "homes": homes, "missing": missing}))
"""


def result(given: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the result of the task with the options of SPEC."""
    image, modules, cache = given["image"], given["modules"], given["cache"]
    try:
        facts = image_cache.facts(image)
        if not facts:
            return {"changed": False}
        identity, names = str(facts["Id"]), sorted(set(modules.values()))
        answer = image_cache.answer(cache, identity, names)
        if not answer:
            seen = module_path.folders(given["python_path"], given["commands"])
            answer = {**_answer_of(image, names, seen), "volumes": _volumes(facts)}
    except (DockerError, ValueError) as error:
        return {"failed": True, "msg": f"The image {image} cannot run python3: {error}"}
    problems = _problems_of(answer, modules, given["user"])
    if problems:
        return {"failed": True, "msg": "; ".join(problems)}
    # Only an answer that can have no problem is kept: nobody looks for one in it again.
    if cache and not check_mode and not users.service_of(answer["uid"]):
        image_cache.keep(cache, image, identity, names, answer)
    return {"changed": False, "id": identity, **answer}


def _volumes(facts: Mapping[str, Any]) -> list[str]:
    return sorted((facts.get("Config") or {}).get("Volumes") or ())


def _answer_of(image: str, names: list[str], seen: list[str]) -> dict[str, Any]:
    """What a container of the image says of itself, and which of the modules it does not find."""
    run = ("run", "--rm", "--network=none", "--entrypoint=python3", image, "-c", _PROBE, json.dumps(seen), *names)
    return dict(json.loads(docker(*run, timeout=120)))


def _problems_of(answer: dict[str, Any], modules: dict[str, str], user: str) -> list[str]:
    """What of the image does not fit the stack, by the variable that cures it."""
    missing = answer.pop("missing", [])
    problems = [
        f"{variable}: the image has no module {name} (searched from {answer['workdir']}): set it to one that exists"
        for variable, name in modules.items()
        if name in missing
    ]
    if not user and (service := users.service_of(answer["uid"])):
        problems.append(
            f"stack_user: the image runs as {answer['uid']}, which is the user of {service}: set another one, such as"
            " 10001:10001"
        )
    return problems
