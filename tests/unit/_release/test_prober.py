# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release import interrupt
from ansible_collections.landfall.django.plugins.module_utils._release.prober import Prober, percentile


def probed(*answers):
    """A prober that got exactly these answers, one after another; an exception is raised."""
    turn = iter(answers)
    over = threading.Event()

    def ask():
        if len(prober.seconds) == len(answers) - 1:  # the last one
            prober._stop.set()
            over.set()
        answer = next(turn)
        if isinstance(answer, Exception):
            raise answer
        return answer

    prober = Prober(ask)
    prober.start()
    assert over.wait(10)
    prober.stop()
    return prober


def test_failures_are_counted_and_the_first_are_told():
    report = probed(200, 502, ConnectionResetError("gone"), 404, 500, 503).report()
    assert (report["requests"], report["failures"]) == (6, 4)
    assert report["first_failures"] == ["status 502", "ConnectionResetError: gone", "status 500"]


@pytest.mark.parametrize(
    ("answers", "trouble"),
    [
        ([500, 500, 500, 500, 500, 200], ""),
        ([500, 200, 500, 500, 500, 500], ""),
        ([500, 500, 500, 500], ""),
        ([200, 500, 500, 500, 500, 502], "status 502"),
    ],
)
def test_only_failures_in_a_row_are_trouble(answers, trouble):
    assert probed(*answers).persistent_failure() == trouble


def test_a_percentile_is_a_value_that_was_seen():
    assert percentile([], 99) == 0
    assert percentile([0.001], 99) == 1.0
    assert percentile([number / 1000 for number in range(1, 101)], 99) == 99.0
    assert percentile([number / 1000 for number in range(1, 101)], 50) == 50.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_undoes_first(number):
    undone = []

    def work():
        with interrupt.as_exceptions():
            try:
                os.kill(os.getpid(), number)
                time.sleep(5)
            finally:
                undone.append("the first step")

    before = signal.getsignal(number)
    with pytest.raises(SystemExit, match=f"ended by signal {int(number)}"):
        work()
    assert undone == ["the first step"]
    assert signal.getsignal(number) == before


def test_what_undoes_is_not_interrupted():
    with interrupt.ignored():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)


def test_one_that_was_never_started_can_be_stopped():
    Prober(lambda: 200).stop()
