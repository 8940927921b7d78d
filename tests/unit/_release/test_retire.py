# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each old worker has the time to stop that its own container was started with."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from ansible_collections.landfall.django.plugins.module_utils._project.processes import REQUEUED
from ansible_collections.landfall.django.plugins.module_utils._release import retire
from ansible_collections.landfall.django.plugins.module_utils._release.plan import Change, Plan
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site


def test_the_tasks_of_each_worker_are_queued_again_after_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"slow-1": 7200, "quick-1": 30, "quick-2": 30}
    running, said, waits = set(limits), [], []

    def docker(*words: str, **_: object) -> str:
        said.append(" ".join(words))
        if words[:2] == ("kill", "--signal=USR2"):
            running.discard(words[2])
        if words[0] == "logs":
            return f"{REQUEUED} nap of {words[-1]}\n"
        return "\n".join(limits if "--all" in words else running) if words[0] == "ps" else ""

    def inspect(*names: str) -> list[dict[str, object]]:
        return [
            {"Name": f"/{name}", "Config": {"StopTimeout": limits[name]}, "State": {"ExitCode": 0}} for name in names
        ]

    monkeypatch.setattr(retire, "docker", docker)
    monkeypatch.setattr(retire, "inspect", inspect)
    monkeypatch.setattr(retire, "until", lambda done, seconds: waits.append(round(seconds)) or done())
    record = SimpleNamespace(requeued=[], warnings=[])
    journal = SimpleNamespace(record=record, step=lambda _: nullcontext())
    plan = Plan(
        web=Change("web"),
        processes=(Change("slow", stop=("slow-1",)), Change("quick", stop=("quick-1", "quick-2"))),
    )
    site = Site("/srv/shop", "shop", "shop:1", "id", workers=("slow", "quick"), stop_timeout=7200)
    retire.Retirement(site, None, plan, set(), journal).run()  # type: ignore[arg-type]
    assert record.warnings == []
    assert [wait for wait in waits if wait != retire._REQUEUE] == [30, 7200]
    assert record.requeued == ["nap of quick-1", "nap of quick-2", "nap of slow-1"]
    assert said[-1] == "rm --force slow-1 quick-1 quick-2"
