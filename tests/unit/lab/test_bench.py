"""What a benchmark reads out of what its runs say, and what it makes of the figures."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lab.bench import measure, report
from lab.shell import LabError

PLAY = """
PLAY RECAP *********************************************************************
bench-a                    : ok=70   changed=2    unreachable=0    failed=0    skipped=5    rescued=0    ignored=0

TASKS RECAP ********************************************************************
Monday 23 November 2026  01:50:47 +0000 (0:00:00.617)       0:07:04.251 *******
===============================================================================
landfall.django.stack : Build the image unless it exists -------------- 223.90s
landfall.django.nginx : Write Nginx's main file, and another --- 5.69s
"""


def test_the_counts_of_a_play() -> None:
    counts = measure.recap(PLAY)
    assert (counts["ok"], counts["changed"], counts["skipped"]) == (70, 2, 5)


def test_a_play_that_reached_no_host_is_an_error() -> None:
    with pytest.raises(LabError, match="0 hosts"):
        measure.recap("PLAY RECAP ****\n")


def test_the_seconds_of_tasks() -> None:
    assert measure.task_seconds(PLAY) == [
        ("landfall.django.stack : Build the image unless it exists", 223.9),
        (
            "landfall.django.nginx : Write Nginx's main file, and another",
            5.69,
        ),
    ]


def test_the_seconds_of_the_scripts_steps() -> None:
    said = "Reading package lists...\n== 1500 ms: files and packages\n#5 == 3 ms: no\n== 40 ms: image\n"
    assert measure.script_seconds(said) == [("files and packages", 1.5), ("image", 0.04)]


def test_a_failure_shows_what_is_wrong_and_not_the_times_after_it(tmp_path: Path) -> None:
    script = "echo 'fatal: no disk'; echo; echo 'TASKS RECAP ***'; seq 77000 77099; exit 3"
    with pytest.raises(LabError, match=r"failed \(3\)(.|\n)*fatal: no disk") as caught:
        measure.logged(["sh", "-c", script], {}, tmp_path / "run.log")
    assert "77099" not in str(caught.value)


def test_what_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "LIMIT", 1)
    child = "trap '' TERM; while :; do date >>$ALIVE; sleep 0.1; done"
    with pytest.raises(LabError, match="did not end within 1 s"):
        measure.logged(["sh", "-c", f"({child}) & wait"], {"ALIVE": str(tmp_path / "alive")}, tmp_path / "run.log")
    size = (tmp_path / "alive").stat().st_size
    time.sleep(0.5)
    assert (tmp_path / "alive").stat().st_size == size


def test_the_table_has_medians_and_their_ratio() -> None:
    figures = measure.Figures()
    figures.seconds = {("bare host", "collection"): [90.0, 110.0], ("bare host", "script"): [80.0]}
    figures.work = [0.2, 0.5]
    figures.memory = {("web", "collection"): 100.0, ("web", "script"): 80.0}
    figures.seconds["rollback", "collection"] = [11.0]
    figures.visits = {("rollback", "collection"): [(0, 120, 0.1), (1, 130, 0.4)]}
    lines = report.table(figures).splitlines()
    assert [line.split()[1:] for line in lines if line.startswith("rollback")] == [["11.0", "-"]]
    assert next(line for line in lines if line.startswith("  rollback")).split()[2:] == ["1", "of", "250", "0.40"]
    assert lines[1].split()[:6] == ["bare", "host", "100.0", "(90.0-110.0)", "80.0", "1.25"]
    assert next(line for line in lines if line.startswith("  web")).split() == ["web", "100.0", "80.0", "1.25"]
    assert "noisy" in lines[-1]
