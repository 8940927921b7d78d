# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import itertools
import os
import signal
import time

import pytest
from ansible_collections.landfall.django.plugins.module_utils import _interrupt
from ansible_collections.landfall.django.plugins.module_utils._prober import Prober, percentile


def ask_in_turn(*answers):
    """Give these answers one after another, and the last one for ever; an exception is raised."""
    turn = itertools.chain(answers, itertools.repeat(answers[-1]))

    def ask():
        answer = next(turn)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


def probed(*answers, requests):
    with Prober(ask_in_turn(*answers)) as prober:
        while len(prober.seconds) < requests:
            time.sleep(0.01)
    return prober


def test_failures_are_counted_and_the_first_are_told():
    report = probed(200, 502, ConnectionResetError("gone"), 404, requests=6).report()
    assert report["requests"] >= 6
    assert report["failures"] == 2
    assert report["first_failures"] == ["status 502", "ConnectionResetError: gone"]


def test_a_failure_by_accident_is_no_trouble():
    assert probed(500, 200, requests=8).trouble() == ""
    assert probed(200, 500, requests=8).trouble() == "status 500"


def test_a_percentile_is_a_value_that_was_seen():
    assert percentile([], 99) == 0
    assert percentile([0.001], 99) == 1.0
    assert percentile([number / 1000 for number in range(1, 101)], 99) == 99.0
    assert percentile([number / 1000 for number in range(1, 101)], 50) == 50.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_undoes_first(number):
    undone = []

    def work():
        with _interrupt.as_exceptions():
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
