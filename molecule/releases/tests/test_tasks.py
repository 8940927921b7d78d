"""Tasks that outlast the time that a worker has to stop."""

from __future__ import annotations

import re
import time


def test_tasks_beyond_the_budget_are_queued_again_reported_and_run_to_their_end_once(
    page, play, project, until, ledger
):
    first = int(time.time()) % 100_000 * 10_000
    # The worker has two slots: both are taken, and a third task waits.
    held, waiting = [first, first + 1], first + 2

    def runs(kind: str) -> list[int]:
        return sorted(number for number in page("/runs/")[kind] if first <= number <= waiting)

    assert page(f"/hold/?first={first}")["queued"] == 2
    until(lambda: runs("began") == held, seconds=20)
    page(f"/queue/?first={waiting}&count=1&seconds=0")
    project.next_release()
    said = " ".join(play(stack_stop_timeout=2).split())

    reported = ledger()[-1]["requeued"]
    assert sorted(name.partition("[")[0] for name in reported) == ["meter.tasks.hold", "meter.tasks.hold_late"]
    assert re.search(r"queued again: meter\.tasks\.hold\w*\[", said)
    # From their beginning, in the new worker.
    until(lambda: runs("began").count(first) == runs("began").count(first + 1) == 2, seconds=30)
    assert not set(held) & set(runs("ended"))
    for number in held:
        page(f"/end/?number={number}")
    until(lambda: runs("ended") == [*held, waiting], seconds=30)
    assert runs("began") == [first, first, first + 1, first + 1, waiting]
