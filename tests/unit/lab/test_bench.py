"""What a benchmark reads out of what its runs say, and what it makes of the figures."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ansible_collections.landfall.django.plugins.module_utils._database.engines import ENGINES

from lab.bench import databases, measure, report
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


def test_what_is_to_fail_must_fail(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    assert "not healthy" in measure.logged(["sh", "-c", "echo not healthy; exit 2"], {}, log, fails=True)
    with pytest.raises(LabError, match="did not fail"):
        measure.logged(["true"], {}, log, fails=True)


def test_the_time_that_docker_tells() -> None:
    assert measure.moment("2026-11-25 08:44:01.123456789 +0000 UTC\n") == pytest.approx(1795596241.123456)
    assert measure.moment("2026-11-25 10:44:01 +0200 CEST") == 1795596241
    with pytest.raises(LabError, match="0001-01"):
        measure.moment("0001-01-01T00:00:00Z")


def test_both_releases_are_split_into_the_same_phases() -> None:
    tasks = [
        ("landfall.django.stack : Copy the project", 1.0),
        ("landfall.django.stack : Build the image", 4.0),
        ("landfall.django.stack : Roll out the release", 9.0),
        ("landfall.django.stack : Read or generate the secrets", 0.3),
    ]
    steps = [
        ("check and collect static files", 2.0),
        ("start the new web until it is healthy", 1.5),
        ("switch Nginx", 0.5),
        ("drain and stop the old web", 3.0),
        ("let the old celery end their tasks", 0.5),
    ]
    ours = measure.split_of_collection(16.0, tasks, steps)
    assert [seconds for _, seconds in ours] == [5.0, 2.0, 2.0, 3.5, 3.5]
    theirs = measure.split_of_script(
        11.0, [("image", 4.0), ("migrate and collectstatic", 3.0), ("web and Celery", 3.5)]
    )
    assert [seconds for _, seconds in theirs] == [4.0, 3.0, 3.5, 0, 0.5]
    assert [phase for phase, _ in ours] == [phase for phase, _ in theirs]


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
    assert next(line for line in lines if line.startswith("rollback")).split()[1:4] == ["11.0", "-", "1"]
    assert next(line for line in lines if line.startswith("  rollback")).split()[2:] == ["1", "of", "250", "0.40"]
    assert lines[1].split()[:6] == ["bare", "host", "100.0", "(90.0-110.0)", "80.0", "1.25"]
    assert next(line for line in lines if line.startswith("  web")).split() == ["web", "100.0", "80.0", "1.25"]
    assert "noisy" in lines[-1]


def test_the_table_has_what_visitors_wait_for_beside_the_aims() -> None:
    figures = measure.Figures()
    figures.work = [0.2]
    for seconds in (4.0, 6.0):
        figures.add_moment(report.ANSWERS, "collection", seconds)
    figures.add_steps(report.SPLIT, "collection", [("source and image", 5.0), ("old containers leave", 3.0)])
    figures.add_steps(report.SPLIT, "script", [("source and image", 4.0)])
    lines = [line.split("  ") for line in report.table(figures).splitlines()]
    cells = {words[0]: words[1:] for line in lines if len(words := [word.strip() for word in line if word.strip()]) > 1}
    assert cells[report.ANSWERS] == ["5.0 (4.0-6.0)", "-", "aim: at most 3 s"]
    assert cells[report.BACK] == ["-", "-", "aim: at most 3 s"]
    assert cells["source and image"] == ["5.0", "4.0"]
    assert cells["old containers leave"] == ["3.0", "-"]


def test_the_table_of_growth_has_a_line_for_each_size() -> None:
    figures = measure.Figures()
    figures.work = [0.2, 0.21]
    for who, factor in ((report.size(1, 1), 1), (report.size(4, 1), 2)):
        for what in (*report.UNCHANGED.values(), report.RELEASE):
            figures.seconds[what, who] = [factor * 7.0]
        figures.memory["all", who] = factor * 300.0
    figures.seconds[report.ONE_MORE, report.size(4, 1)] = [30.0, 31.0, 35.0]
    lines = report.growth(figures).splitlines()
    assert lines[1].split() == ["1", "stack,", "1", "web", "7.0", "7.0", "7.0", "300"]
    assert lines[2].split() == ["4", "stacks,", "1", "web", "14.0", "14.0", "14.0", "600"]
    assert "one more stack by site.yml: 31.0 (30.0-35.0) s" in lines
    assert "quiet" in lines[-1]


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_is_measured_with_the_settings_of_a_stack(name: str, tmp_path: Path) -> None:
    service = databases.service(ENGINES[name], tmp_path)
    assert service["mem_limit"] == "640m"
    assert any("128M" in option for option in service["command"])
    assert any(str(tmp_path / "secrets" / "db") in str(mount) for mount in service["volumes"])


def test_the_rows_of_a_measurement_have_their_number_and_size() -> None:
    text = b"".join(databases.statements(1200))
    assert text.count(b"INSERT INTO note") == 3
    assert text.count(b"),(") + 3 == 1200
    assert 1200 * databases.ROW < len(text) < 1200 * (databases.ROW + 50)
