"""How `make test` runs its stages."""

from __future__ import annotations

import sys

import pytest

import stages
from stages import Stage

SAYS = "import sys; print(sys.argv[1]); print(sys.argv[1], file=sys.stderr); sys.exit(int(sys.argv[2]))"


def stage(name: str, code: int = 0, hosts: str = "") -> Stage:
    return Stage(name, ((sys.executable, "-u", "-c", SAYS, f"said by {name}", str(code)),), frozenset(hosts.split()))


def test_output_of_stages_that_run_together_does_not_mix(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["first", "second", "third"]
    outcomes = stages.run_side_by_side([stage(name) for name in names])
    assert [(outcome.stage.name, outcome.passed) for outcome in outcomes] == [(name, True) for name in names]
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("said by")]
    assert sorted(said[::2]) == sorted(f"said by {name}" for name in names)
    assert said[::2] == said[1::2]


def test_after_a_failure_no_other_begins() -> None:
    outcomes = stages.run_side_by_side([stage("bad", code=1), *(stage(f"later-{number}") for number in range(9))])
    assert not outcomes[0].passed
    assert len(outcomes) < 10


def test_a_failed_scenario_stops_no_other() -> None:
    outcomes = stages.run_side_by_side(
        [stage("bad", code=1, hosts="a"), stage("next", hosts="a"), stage("b", hosts="b")]
    )
    assert [(outcome.stage.name, outcome.passed) for outcome in outcomes] == [
        ("bad", False),
        ("next", True),
        ("b", True),
    ]


def test_nothing_runs_on_a_lab_that_did_not_start() -> None:
    outcomes = stages.run_side_by_side([stage(stages.LAB, code=1, hosts="a b"), stage("one", hosts="a")])
    assert [outcome.stage.name for outcome in outcomes] == [stages.LAB]


@pytest.mark.parametrize(
    ("output", "telling"),
    [
        (
            "x\nE   assert 1 == 2\nmore\nFAILED tests/test_a.py::test_b\nend",
            ["E   assert 1 == 2", "FAILED tests/test_a.py::test_b"],
        ),
        ("\x1b[31mfatal: [trixie]: UNREACHABLE! =>\x1b[0m\nPLAY RECAP", ["fatal: [trixie]: UNREACHABLE! =>"]),
        ("a.py:3: error: no such name\n\nFound 1\n", ["a.py:3: error: no such name"]),
        ("killed\n\n", ["killed"]),
    ],
)
def test_the_lines_that_tell_why(output: str, telling: list[str]) -> None:
    assert stages.Outcome(stage("one"), False, 1, output).telling() == telling


def test_the_end_of_the_summary_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = [stage("good"), stage("bad", code=1), stage("late")]
    bad = stages.Outcome(wanted[1], False, 1, "\n".join(f"E  {number}" for number in range(99)))
    stages.summarize(wanted, [stages.Outcome(wanted[0], True, 1, "E  not this"), bad], 2)
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.startswith("E  ")] == said[-stages.REPEATED - 1 : -1]
    assert said[-2:] == ["E  98", "1 passed, 1 failed"]


def test_two_stages_do_not_share_a_host() -> None:
    queue = stages.Queue([stage("one", hosts="a b"), stage("two", hosts="b"), stage("three", hosts="c")])
    assert [queue.take().name, queue.take().name] == ["one", "three"]
    assert [one.name for one in queue.waiting] == ["two"]


def test_stages_that_cannot_overlap_show_their_output_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    outcomes = stages.run_side_by_side(
        [stage("lab", hosts="a b"), stage("one", code=1, hosts="a"), stage("two", hosts="a")]
    )
    assert [(outcome.stage.name, outcome.passed) for outcome in outcomes] == [
        ("lab", True),
        ("one", False),
        ("two", True),
    ]
    # The processes print on their own, and their two streams are not merged.
    assert [captured.count("said by") for captured in capfd.readouterr()] == [3, 3]


def test_the_lab_comes_before_the_scenarios_and_beside_the_others() -> None:
    [beside, _] = stages.waves(stages.stages())
    queue = stages.Queue(beside)
    before = [queue.take() for _ in range(len(beside) - len(list(stages.scenarios())) + 1)]
    assert before[-1].name == stages.LAB
    assert not any(one.hosts for one in before[:-1])
    assert all(one.hosts & queue.busy for one in queue.waiting)


def test_nothing_runs_beside_tests_that_need_the_machine_for_themselves() -> None:
    [beside, alone] = stages.waves(stages.stages())
    assert [one.name for one in alone] == [stages.ALONE]
    [first, second] = stages.chosen([stages.PARTED])
    assert (first in beside, second) == (True, alone[0])
    assert first.hosts == second.hosts
    # The second part uses the site of the first, and together they run every test.
    assert [command[1] for command in first.commands[:2]] == ["destroy", "converge"]
    assert [command[:2] for command in (first.commands[-1], second.commands[0])] == [
        ("env", "PYTEST_ADDOPTS=-m 'not alone'"),
        ("env", "PYTEST_ADDOPTS=-m alone"),
    ]
    assert second.commands[-1][1] == "destroy"


def test_only_the_parted_scenario_has_tests_with_the_mark() -> None:
    tests = (stages.ROOT / "molecule").glob("*/tests/test_*.py")
    assert {path.parent.parent.name for path in tests if "mark.alone" in path.read_text()} == {stages.PARTED}


def test_every_scenario_names_its_hosts() -> None:
    found = list(stages.scenarios())
    assert found[0].name == "default"
    assert all(one.hosts for one in found)


def test_the_images_of_databases_are_tested_before_the_lab_starts() -> None:
    names = [one.name for one in stages.waves(stages.stages())[0]]
    assert names.index("images") < names.index(stages.LAB)


@pytest.mark.parametrize("code", [0, 1])
def test_the_last_line_counts(code: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    wanted = [stage("one"), stage("two", code=code), stage("on-the-lab", hosts="trixie")]
    monkeypatch.setattr(stages, "chosen", lambda _names: wanted)
    # With more, the last one may begin before the second has failed.
    monkeypatch.setattr(stages, "LANES", 1)
    assert stages.main() == code
    out = capfd.readouterr().out
    assert out.splitlines()[-1] == ("1 passed, 1 failed" if code else "3 passed, 0 failed")
    assert ("said by on-the-lab" in out) is (code == 0)


def test_both_cores_have_a_stage_for_sanity_and_the_unit_tests() -> None:
    assert [one.name for one in stages.chosen(["sanity", "unit"])] == [
        "sanity-oldest",
        "sanity-newest",
        "unit-oldest",
        "unit-newest",
    ]
