"""The rehearsal of a publication."""

from __future__ import annotations

import pytest

import publish


def test_every_text_of_the_fragments_is_looked_for_without_its_markup() -> None:
    changelog = r"* Playbook <code>landfall\.django\.site</code> \- takes a *bare* host\." + "\n"
    texts = ["Playbook ``landfall.django.site`` - takes a\n  bare host.", "Playbook ``landfall.django.deploy``."]
    assert publish.missing(iter(texts), changelog) == texts[1:]


@pytest.mark.parametrize(
    ("lines", "code", "count"),
    [
        (["Loading role stack", publish.IMPORTED], 0, 0),
        (["WARNING: no changelog found", publish.IMPORTED], 0, 1),
        (["ERROR: the artefact is too large"], 0, 2),
        ([publish.IMPORTED], 1, 1),
        ([], 0, 1),
    ],
)
def test_a_warning_of_the_importer_is_a_problem(lines: list[str], code: int, count: int) -> None:
    assert len(publish.complaints(lines, code)) == count
