# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a command starts is told by its arguments and never by words that merely occur in it."""

from __future__ import annotations

import contextlib

import pytest
import yaml
from ansible_collections.landfall.django.plugins.module_utils._project.processes import (
    HEARTBEAT,
    SCHEDULE,
    app_of,
    kind_of,
    processes,
)
from hypothesis import given
from hypothesis import strategies as st

from rendered import rendered, variable


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("celery --app=shop worker --loglevel=INFO --concurrency=2", "worker"),
        ("celery -A shop beat -l info --schedule /tmp/worker", "beat"),
        ("celery -A worker beat", "beat"),
        ("celery --app beat worker", "worker"),
        ("celery -Abeat worker", "worker"),
        ("celery worker -A shop -l info", "worker"),
        ("celery -C -q --workdir /app/beat -b redis://beat worker", "worker"),
        ("celery -A shop worker --queues beats", "worker"),
        ("celery -A shop worker --queues=beat", "worker"),
        ("celery -A shop worker -Q beat -n beat@%h", "worker"),
        ("celery -A shop worker -QB -lB", "worker"),
        ("celery -A shop worker -n -B", "worker"),
        ("celery -A shop worker --without-heartbeat --heartbeat-interval 5", "worker"),
        ("celery -A shop worker -n beat@%h -Q beats,bulk -P solo", "worker"),
        ("celery -A config.beat worker -l info", "worker"),
        ("celery -A shop --workdir=/srv/beat worker", "worker"),
        ("celery -A shop worker --hostname --beat", "worker"),
        ("celery -A shop worker -B", "both"),
        ("celery -A shop worker --beat -l info", "both"),
        ("celery -A shop worker -l info -Q a,b -EB", "both"),
        ("celery -A shop worker -Bc 2", "both"),
        ("python3 -m celery -A shop worker", "worker"),
        ("/opt/venv/bin/python3.13 -u -X dev -m celery -A shop beat", "beat"),
        ("python -mcelery -A shop worker -B", "both"),
        ("/opt/venv/bin/celery -A shop beat", "beat"),
        ("env QUEUE=beat celery -A shop worker", "worker"),
        ("poetry run celery -A shop beat", "beat"),
        ("/app/.venv/bin/celery -A shop.celery worker --loglevel=info", "worker"),
        ("/app/.venv/bin/python -m celery -A shop worker --beat", "both"),
        ("uv run python -m celery -A shop worker", "worker"),
        ("pipenv run celery -A shop worker -B", "both"),
        ("ddtrace-run celery -A shop worker -B", "both"),
        ("newrelic-admin run-program celery -A 'my beat' worker", "worker"),
        ("sh -c 'exec celery -A shop worker -Q beat'", "worker"),
        ("bash -ec 'sleep 1 && celery -A shop beat'", "beat"),
        ("sh -c 'celery -A shop worker & celery -A shop beat'", "both"),
        ("sh -c 'celery -A shop worker -B; true'", "both"),
        ('sh -c "celery -A shop worker\nwait"', "worker"),
        ('sh -c "celery -A shop beat; echo it\'s over"', "beat"),
        ('sh -c "echo it\'s"', "other"),
        ("sh -c", "other"),
        ("env", "other"),
        ("sh /app/start-celery.sh beat", "other"),
        ("celery -A shop flower --port=5555", "other"),
        ("celery -A shop events --camera beat", "other"),
        ("celery -A shop multi start worker beat", "other"),
        ("celery -A shop inspect ping -d worker", "other"),
        ("celery", "other"),
        ("celery --help", "other"),
        ("python3 manage.py heartbeat --interval 1", "other"),
        ("python3 manage.py celery_beat worker", "other"),
        ("./celeryd worker", "other"),
        ("dramatiq shop.tasks --queues celery worker", "other"),
        ("python3 run.py celery worker", "other"),
        ("python3 -m shop.celery worker", "other"),
        ("python3 -c 'import celery' worker", "other"),
        ("python3 /usr/bin/celery worker", "worker"),
        ("gosu celery celery -A shop beat", "beat"),
        ("tini -g -- nice -n 5 python3 -m celery -A shop worker -B", "both"),
        ("uv run --frozen celery -A shop worker", "worker"),
        ("timeout 60 sh -c 'celery -A shop worker'", "worker"),
        ("echo celery worker", "other"),
        ("", "other"),
    ],
)
def test_kinds(command: str, kind: str) -> None:
    assert kind_of(command) == kind


@pytest.mark.parametrize(
    ("command", "watched"),
    [
        ("celery -A 'my shop' worker", ["python3", HEARTBEAT, "-A", "my shop", "worker"]),
        ("env A=1 B=2 celery worker", ["env", "A=1", "B=2", "python3", HEARTBEAT, "worker"]),
        ("python3.12 -u -m celery beat", ["python3.12", "-u", HEARTBEAT, "beat", f"--schedule={SCHEDULE}"]),
        ("/v/bin/python -X dev -mcelery beat -s /x", ["/v/bin/python", "-X", "dev", HEARTBEAT, "beat", "-s", "/x"]),
        ("celery beat --schedule /x", ["python3", HEARTBEAT, "beat", "--schedule", "/x"]),
        ("celery beat -S x", ["python3", HEARTBEAT, "beat", "-S", "x", f"--schedule={SCHEDULE}"]),
        # Which Python that one has, and what another program does with its words, is not known.
        ("/opt/venv/bin/celery worker", None),
        ("env -i celery worker", None),
        ("poetry run celery worker", None),
        ("python3 /usr/bin/celery worker", None),
        ("sh -c 'celery worker'", None),
        ("celery -A shop flower", None),
        ("celery worker -B", None),
    ],
)
def test_what_the_heartbeat_watches(command: str, watched: list[str] | None) -> None:
    (process,) = processes({"it": command})
    assert (process.watched, process.command) == (watched is not None, watched or command)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert kind_of(f"celery {text}") in ("worker", "beat", "both", "other")
        assert kind_of(f"sh -c {text}") in ("worker", "beat", "both", "other")


def test_beat_comes_last_and_all_else_as_given() -> None:
    given = {"clock": "celery beat", "b": "celery worker --queues beats", "a": "celery worker", "loop": "python3 x.py"}
    assert [process.name for process in processes(given)] == ["b", "a", "loop", "clock"]


def test_a_command_with_an_open_quote_is_no_command() -> None:
    with pytest.raises(ValueError, match="quotation"):
        kind_of("celery worker -n 'a")


def test_the_role_and_the_compose_file_go_by_the_kind() -> None:
    given = {
        "stack_processes": {
            "beats": "celery --app=shop worker --queues beats",
            "clock": "python3 -m celery -A shop beat -S $x",
            "flower": "celery --app=shop flower",
            "on": "sh -c 'exec celery -A shop worker'",
        }
    }
    assert variable("stack", "__stack_process_order", given) == ["beats", "flower", "on", "clock"]
    assert variable("stack", "__stack_workers", given) == ["beats"]
    services = yaml.safe_load(rendered("stack", "templates/compose.yaml.j2", given))["services"]
    assert services["beats"]["command"] == ["python3", HEARTBEAT, "--app=shop", "worker", "--queues", "beats"]
    assert services["clock"]["command"][-2:] == ["$$x", f"--schedule={SCHEDULE}"]
    assert services["flower"]["command"] == "celery --app=shop flower"
    assert [name for name in given["stack_processes"] if "healthcheck" in services[name]] == ["beats", "clock"]
    assert [name for name in given["stack_processes"] if services[name]["stop_grace_period"] == "10s"] == ["clock"]
    assert services["clock"]["mem_limit"] == "160m"


@pytest.mark.parametrize(
    ("command", "app"),
    [
        ("celery -A shop beat", "shop"),
        ("celery -Ashop.celery:app beat", "shop.celery:app"),
        ("sh -c 'celery --app=shop beat'", "shop"),
        ("celery --app shop beat", "shop"),
        ("celery beat --max-interval 5", ""),
    ],
)
def test_the_app(command: str, app: str) -> None:
    assert app_of(command) == app


def test_a_process_may_have_limits_of_its_own() -> None:
    given = {
        "stack_stop_timeout": 300,
        "stack_processes": {
            "bulk": {"command": "celery -A shop worker", "memory": "2g", "replicas": 3, "stop_timeout": 7200},
            "quick": {"command": "celery -A shop worker -Q quick", "stop_timeout": 0},
            "clock": {"command": "celery -A shop beat", "memory": "200m"},
            "loop": "python3 loop.py",
        },
    }
    services = yaml.safe_load(rendered("stack", "templates/compose.yaml.j2", given))["services"]
    limits = {
        name: (services[name]["mem_limit"], services[name]["stop_grace_period"]) for name in given["stack_processes"]
    }
    assert limits["bulk"] == ("2g", "7200s")
    usual = f"{variable('stack', '__stack_sizes', given)['process_memory_mib']}m"
    assert limits["quick"] == (usual, "0s")
    assert limits["clock"] == ("200m", "10s")
    assert limits["loop"] == (usual, "300s")
    assert [name for name in services if services[name].get("scale")] == ["bulk"]
    assert services["bulk"]["scale"] == 3
    assert services["bulk"]["command"][:2] == ["python3", HEARTBEAT]
    assert variable("stack", "__stack_process_order", given) == ["bulk", "bulk", "bulk", "quick", "loop", "clock"]
    assert variable("stack", "__stack_workers", given) == ["bulk", "quick"]
    # ansible-core 2.18 returns a text.
    assert int(variable("stack", "__stack_longest_stop", given)) == 7200
