# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The generated Dockerfile and the database's service. The linters of the stage lint read the files, too."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES

from rendered import PROJECTS, ROOT, dockerfile, rendered, templar, trust_as_template, variable

INSTALLS = re.compile(r"pip install[^&|\n]*")
REQUIREMENTS = {"manage.py": "", "requirements.txt": "django>=5\n"}
LOCKED = [name for name in PROJECTS if name != "subfolder"]


@pytest.mark.parametrize("name", LOCKED)
def test_everything_is_installed_by_its_hash(name: str) -> None:
    installs = INSTALLS.findall(dockerfile(PROJECTS[name]))
    # uv checks a pylock.toml, which has a hash for each file, without being told.
    assert [one for one in installs if "--require-hashes" not in one and "pylock.toml" not in one] == []
    assert len(installs) >= 5


def test_what_is_not_locked_is_installed_all_the_same() -> None:
    _tools, project, *_additions = INSTALLS.findall(dockerfile(REQUIREMENTS))
    assert "--require-hashes" not in project
    assert project.endswith("--requirement requirements.txt")


def test_another_server_needs_no_gunicorn() -> None:
    assert "gunicorn" not in dockerfile(REQUIREMENTS, stack_web_command="uwsgi --module=shop.wsgi")


@pytest.mark.parametrize("name", PROJECTS)
def test_the_project_is_not_root(name: str) -> None:
    assert re.findall(r"^USER (.*)$", dockerfile(PROJECTS[name]), re.MULTILINE) == ["10001:10001"]


@pytest.mark.parametrize("name", ENGINES)
def test_the_driver_of_each_engine_is_built_and_run(name: str) -> None:
    text = dockerfile(REQUIREMENTS, stack_database=name)
    packages = ENGINES[name].packages
    assert all(re.search(rf"install .*\b{re.escape(one)}\b", text) for one in (*packages.build, *packages.run))


@pytest.mark.parametrize(("database", "driver"), [("mysql", "mysqlclient"), ("postgresql", "psycopg2"), ("none", "")])
def test_a_driver_is_installed_where_the_project_has_none(database: str, driver: str) -> None:
    found = re.findall(
        r"--requirement /run/secrets/(mysqlclient|psycopg2)", dockerfile(REQUIREMENTS, stack_database=database)
    )
    assert found == ([driver] if driver else [])


def test_debian_packages_are_in_both_stages() -> None:
    _head, *stages = dockerfile(REQUIREMENTS, stack_packages=["gdal-bin"]).split("\nFROM ")
    assert [stage.count(" gdal-bin") for stage in stages] == [1, 1]


def test_a_sub_folder_with_included_files_translations_and_a_front_end() -> None:
    text = dockerfile(PROJECTS["subfolder"])
    lines = text.splitlines()
    assert 'COPY ["backend/requirements.txt", "./backend/"]' in lines
    assert 'COPY ["backend/requirements/base.txt", "./backend/requirements/"]' in lines
    assert 'COPY ["backend/libs/tools", "./backend/libs/tools/"]' in lines
    assert [line for line in lines if line.startswith("WORKDIR")][-1] == "WORKDIR /app/backend"
    assert "npm ci" in text
    assert "npm run build && rm -rf node_modules" in text
    assert "COPY --from=node /app ." in lines
    assert 'COPY ["backend/locale", "./backend/locale/"]' in lines


@pytest.mark.parametrize(
    ("source", "mount"),
    [
        ({"context": "", "build": {"workdir": "src"}}, "/srv/shop/development:/app"),
        ({"context": "backend", "build": {}}, "/srv/shop/development/backend:/code"),
    ],
)
def test_in_development_the_build_context_is_mounted_where_it_was_copied_to(source: dict, mount: str) -> None:
    image = {"id": "sha256:1", "uid": 1, "gid": 1, "workdir": "/code"}
    given = {"stack_mode": "development", "__stack_source": source, "__stack_image_probe": image}
    assert variable("stack", "__stack_volumes", given)[0] == mount


def test_the_source_comes_after_all_that_is_installed() -> None:
    text = dockerfile(PROJECTS["uv.lock"])
    assert "install" not in text[text.index("COPY . .") :]


def test_build_secrets_are_mounted_and_never_written() -> None:
    secrets = {"UV_INDEX_CORP_PASSWORD": "hush-1", "netrc": "hush-2", "ssh_key": "hush-3", "other": "hush-4"}
    text = dockerfile(REQUIREMENTS, stack_build_secrets=secrets)
    (step,) = re.findall(r"^RUN (?:.*\\\n)*.*requirement requirements.txt", text, re.MULTILINE)
    assert "--mount=type=secret,id=UV_INDEX_CORP_PASSWORD" in step
    assert 'UV_INDEX_CORP_PASSWORD="$(cat /run/secrets/UV_INDEX_CORP_PASSWORD)"' in step
    assert "--mount=type=secret,id=netrc,target=/root/.netrc" in step
    assert "ssh -i /run/secrets/ssh_key" in step
    assert "hush" not in text
    assert "other" not in step


@pytest.mark.parametrize("name", ENGINES)
def test_each_engine_has_a_service(name: str) -> None:
    engine = ENGINES[name]
    text = rendered("stack", "templates/compose.yaml.j2", {"stack_database": name, "stack_name": "shop"})
    db = yaml.safe_load(text)["services"]["db"]
    assert (db["image"], db["user"], db["read_only"]) == (engine.image, "10002:10002", True)
    assert db["environment"]["DATABASE_NAME"] == "shop"
    mounts = [mount if isinstance(mount, str) else f"{mount['source']}:{mount['target']}" for mount in db["volumes"]]
    targets = {mount.split(":")[1] for mount in mounts}
    assert engine.free_space_command()[-1] in targets
    assert ("/docker-entrypoint-initdb.d" in targets) == bool(engine.init_script)
    # As the user that a rotation may change, over TCP, where the server of the first start does not listen.
    kind, health = db["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    assert all(word in health for word in ("/run/secrets/user", "/run/secrets/password", "--host=127.0.0.1"))
    assert "secrets/db:/run/secrets:ro" in text


def test_no_binary_log_fills_the_disk_or_forbids_triggers() -> None:
    """MySQL alone writes one unless it is told not to."""
    for name, off in (("mysql", True), ("mariadb", False)):
        command = yaml.safe_load(rendered("stack", "templates/compose.yaml.j2", {"stack_database": name}))
        options = command["services"]["db"]["command"]
        assert ("--disable-log-bin" in options) == off
        assert not any(option.startswith("--log-bin") for option in options)


def test_an_empty_volume_of_mariadb_lets_every_user_write() -> None:
    text = rendered("stack", "templates/compose.yaml.j2", {"stack_database": "mariadb"})
    volumes = yaml.safe_load(text)["services"]["db"]["volumes"]
    # The image's own folder would make it a folder of the image's own user.
    assert [mount["volume"]["nocopy"] for mount in volumes if isinstance(mount, dict)] == [True]
    assert "db-data:/var/tmp" in volumes


@pytest.mark.parametrize(
    ("variables", "target"),
    [
        ({"stack_database": "none"}, "/var/lib/django"),
        ({"stack_database": "external", "stack_database_ca_file": "/ca.pem"}, "/run/landfall/database-ca.pem:ro"),
        ({"stack_volumes": {"index": "/app/index"}}, "/app/index"),
    ],
)
def test_whatever_runs_the_project_has_its_data(variables, target):
    services = yaml.safe_load(rendered("stack", "templates/compose.yaml.j2", variables))["services"]
    for name in ("web", "celery", "migrate", "collectstatic"):
        assert any(volume.endswith(f":{target}") for volume in services[name]["volumes"]), name


def test_what_a_release_runs_once_goes_past_the_entrypoint_and_what_serves_does_not() -> None:
    services = yaml.safe_load(rendered("stack", "templates/compose.yaml.j2", {}))["services"]
    assert [name for name, one in services.items() if one.get("entrypoint") == []] == ["migrate", "collectstatic"]


def test_what_the_image_has_in_static_root_is_copied_only_where_it_has_something() -> None:
    def service(filled: bool, **variables) -> dict:
        profile = {**variable("stack", "__stack_unasked", {}), "static_filled": filled}
        text = rendered("stack", "templates/compose.yaml.j2", {"__stack_profile": profile, **variables})
        return yaml.safe_load(text)["services"].get("image-static")

    made = service(True)
    assert made["command"][-2:] == ["/app/staticfiles", made["volumes"][0].split(":")[1]]
    assert service(False) is None
    assert service(True, stack_static_path="/app/public") is None
    assert service(True, stack_collectstatic=False) is None


def test_storages_elsewhere_need_no_folders() -> None:
    unasked = variable("stack", "__stack_unasked", {})
    profile = {**unasked, "static_elsewhere": True, "media_elsewhere": True}
    text = rendered("stack", "templates/compose.yaml.j2", {"__stack_profile": profile})
    services = yaml.safe_load(text)["services"]
    for name in ("web", "collectstatic"):
        targets = [volume.split(":")[1] for volume in services[name]["volumes"]]
        assert not {"/app/media", "/app/staticfiles"} & set(targets)


@pytest.mark.parametrize(("kept", "told"), [({}, ["/app/index"]), ({"index": "/app/index"}, [])])
def test_a_volume_of_the_image_that_nobody_keeps_is_told(kept: dict[str, str], told: list[str]) -> None:
    tasks = yaml.safe_load((ROOT / "roles/stack/tasks/render.yml").read_text())
    [warning] = [task for task in tasks if "stack_volumes" in str(task.get("ansible.builtin.debug"))]
    image = {"volumes": ["/app/index", "/app/media/thumbs", "/tmp"], "uid": 1000, "gid": 1000}
    given = {"__stack_image_facts": image, "stack_volumes": kept}
    assert templar("stack", given).template(trust_as_template(warning["loop"])) == told


def test_commands_of_a_release_see_what_the_project_sees_and_write_static_files() -> None:
    services = yaml.safe_load(rendered("stack", "templates/compose.yaml.j2", {"stack_volumes": {"a": "/a"}}))[
        "services"
    ]
    web, collect = (services[name]["volumes"] for name in ("web", "collectstatic"))
    *others, static = collect
    # In the same order in every run, or Compose would find a change.
    assert [volume for volume in web if volume != f"{static}:ro"] == others
    assert len(web) == len(collect)


@pytest.mark.parametrize("name", ENGINES)
def test_the_sizes_fit_the_host(name: str) -> None:
    def services(memory: int, cores: int, **variables) -> dict:
        host = {"memory_mib": memory, "cores": cores, "stacks": 1}
        given = {"stack_database": name, "__stack_preflight": {"engine": "29.0.0", "sized_for": host}, **variables}
        return yaml.safe_load(rendered("stack", "templates/compose.yaml.j2", given))["services"]

    small, large = services(957, 1), services(64300, 8)
    assert "--workers=1 --threads=8" in small["web"]["command"]
    assert "--workers=8 --threads=4" in large["web"]["command"]
    assert "--concurrency=8" in large["celery"]["command"]
    assert small["db"]["command"] != large["db"]["command"]
    chosen = services(957, 1, stack_sizes={"redis_maxmemory_mib": 200, "redis_maxmemory_policy": "volatile-lru"})
    assert chosen["redis"]["command"][-3:] == ["200mb", "--maxmemory-policy", "volatile-lru"]
    for one in (small, large, chosen):
        # Not twice as much, which is Docker's default.
        limits = {service: (found["mem_limit"], found["memswap_limit"]) for service, found in one.items()}
        assert all(int(swap[:-1]) == int(memory[:-1]) * 3 // 2 for memory, swap in limits.values())


def test_an_external_database_has_a_limit_for_its_client() -> None:
    given = {"stack_database": "external", "stack_redis": False}
    services = yaml.safe_load(rendered("stack", "templates/compose.yaml.j2", given))["services"]
    assert {"mem_limit", "memswap_limit"} <= services["database-client"].keys()


def test_the_front_may_not_use_twice_its_memory() -> None:
    text = rendered(
        "nginx", "roles/nginx/templates/compose.yaml.j2", {"nginx_memory_limit": "1g", "__nginx_uid": 10004}
    )
    services = yaml.safe_load(text)["services"]
    assert {name: found["memswap_limit"] for name, found in services.items()} == {"edge": "48m", "nginx": "1536m"}


def test_the_settings_are_asked_again_if_the_folders_that_are_kept_change():
    source = {"build": {"workdir": ""}, "context": "", "profile": {}, "image": {}}
    keys = [
        variable("stack", "__stack_profile_key", {"__stack_source": source, "stack_volumes": volumes})
        for volumes in ({}, {"logs": "/app/logs"})
    ]
    assert keys[0] != keys[1]
