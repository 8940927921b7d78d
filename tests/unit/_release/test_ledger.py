# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import stat

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release import ledger
from ansible_collections.landfall.django.plugins.module_utils._release.record import (
    FAILED,
    FORMAT,
    SERVING,
    UNREADABLE,
    Record,
)
from ansible_collections.landfall.django.plugins.module_utils._release.site import Site

OPTIONS = {"project_src": "/srv/shop", "project_name": "shop", "image": "shop:a", "image_id": "sha256:a"}


@pytest.fixture
def book(tmp_path):
    return ledger.Ledger(str(tmp_path))


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "next"
    folder.mkdir()
    for name in ("compose.yaml", "compose.override.yaml", ".env"):
        (folder / name).write_text(name)
    return folder


def records(*rollbacks):
    """Releases from 1 on; a number says to which one that release went back, 0 that it was a new one, None that it
    failed."""
    return [
        Record(number, state=FAILED if to is None else SERVING, rollback_to=to or 0)
        for number, to in enumerate(rollbacks, 1)
    ]


def numbers(found):
    return sorted(record.release for record in found)


def test_an_attempt_has_a_folder_for_root_only_from_its_first_second(book, files):
    journal = book.begin(files, "ann", OPTIONS)
    assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((journal.folder / ".env").stat().st_mode) == 0o600
    assert [record.state for record in book.read()] == ["begun"]


def test_no_number_comes_twice(book, files):
    for number in (1, 2, 3):
        assert book.begin(files, "ann", OPTIONS).record.release == number
    book.prune([], [])
    assert book.begin(files, "ann", OPTIONS).record.release == 4


def test_a_state_is_on_the_disk_before_its_act(book, files):
    journal = book.begin(files, "ann", OPTIONS)
    journal.enter("migrating")
    assert book.read()[0].state == "migrating"
    journal.fail("it broke\nhere is why")
    assert (book.read()[0].state, book.read()[0].reached, book.read()[0].error) == (FAILED, "migrating", "it broke")
    assert "here is why" in (journal.folder / "log").read_text()


def test_a_record_of_an_older_version_lacks_facts_and_is_read(book, files):
    journal = book.begin(files, "ann", OPTIONS)
    journal.enter(SERVING)
    file = journal.folder / "record.json"
    old = json.loads(file.read_text())
    for name in ("applied", "proof", "warnings", "steps"):
        del old[name]
    old["what_is_gone"] = 1
    file.write_text(json.dumps(old))
    record = book.read()[0]
    assert record.applied is None
    # What a release was not told then has its default.
    assert book.site(record).stop_timeout == Site(**OPTIONS).stop_timeout


def test_a_record_of_a_newer_version_is_refused(book, files):
    file = book.begin(files, "ann", OPTIONS).folder / "record.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": FORMAT + 1}))
    with pytest.raises(ValueError, match="newer version"):
        book.read()


def test_one_that_cannot_be_read_is_named_when_it_is_wanted(book, files):
    journal = book.begin(files, "ann", OPTIONS)
    (journal.folder / "record.json").write_text("")
    record = book.read()[0]
    assert record.state == UNREADABLE
    with pytest.raises(LookupError, match=r"record\.json"):
        ledger.by_number([record], 1)


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, "begun"),
        ({"release": 7}, "begun"),
        ({"state": "serving"}, UNREADABLE),
        ({"state": "serving", "site": {"project_src": "/srv/shop"}}, UNREADABLE),
        ({"state": "serving", "site": None}, UNREADABLE),
        ({"state": "sleeping"}, UNREADABLE),
        ({"state": "serving", "site": OPTIONS, "migrations": None, "steps": 5}, SERVING),
    ],
)
def test_a_record_that_lacks_what_matters_is_read_for_what_it_says(book, files, values, state):
    folder = book.begin(files, "ann", OPTIONS).folder
    (folder / "record.json").write_text(json.dumps({"format": FORMAT, **values}))
    record = book.read()[0]
    assert (record.release, record.state, record.migrations, record.steps) == (1, state, [], [])


def test_the_dump_of_an_attempt_whose_record_is_lost_stays_while_a_way_back_may_need_it(book, files):
    for _ in range(3):
        book.begin(files, "ann", OPTIONS).enter(SERVING)
    (book.folder(2) / "dump.sql.gz").write_text("dump")
    (book.folder(2) / "record.json").write_text("")
    kept = ledger.kept(book.read(), 2)
    book.prune(numbers(kept), ledger.with_dumps(book.read(), kept))
    assert (book.folder(2) / "dump.sql.gz").exists()


def test_what_is_forgotten_cannot_be_rolled_out(book, files):
    for _ in range(2):
        book.begin(files, "ann", OPTIONS).enter(SERVING)
    book.prune([2], [])
    first, second = book.read()
    assert book.site(second).image == "shop:a"
    with pytest.raises(LookupError, match=r"release 1 .*\.env"):
        book.site(first)


def test_a_dump_lives_as_long_as_a_way_back_needs_it(book, files):
    for _ in range(3):
        journal = book.begin(files, "ann", OPTIONS)
        for name in ledger.DUMP_FILES:
            (journal.folder / name).write_text("dump")
        journal.record.dump = str(journal.folder / "dump.sql.gz")
        journal.enter(SERVING)
    kept = [record for record in book.read() if record.release == 2]
    book.prune([2], ledger.with_dumps(book.read(), kept))
    # To go back to 2, what 3 has migrated must be undone; what 2 has migrated need not.
    assert [(book.folder(number) / "dump.sql.gz").exists() for number in (1, 2, 3)] == [False, False, True]


def test_the_previous_release_is_the_one_before_the_code_that_serves():
    assert ledger.previous(records(0, 0, 0)).release == 2
    # 4 went back to 2, so the one before is 1, not 3.
    assert ledger.previous(records(0, 0, 0, 2)).release == 1
    # 5 went back to 4, which is 2.
    assert ledger.previous(records(0, 0, 0, 2, 4)).release == 1
    assert ledger.previous(records(0, 0, 2, 0)).release == 2
    # One that failed never served.
    assert ledger.previous(records(0, None, 0, None)).release == 1


@pytest.mark.parametrize("history", [[], [0], [0, 0, 1], [None], [None, 0]])
def test_there_may_be_no_previous_release(history):
    with pytest.raises(LookupError):
        ledger.previous(records(*history))


def test_what_serves_is_always_kept():
    assert numbers(ledger.kept(records(0, 0, 0, 0), 2)) == [3, 4]
    assert numbers(ledger.kept(records(0, 0, 0, 0, 1), 2)) == [1, 3, 4, 5]
    assert numbers(ledger.kept(records(0, None, 0, None, None), 2)) == [1, 3]
    assert ledger.kept([], 2) == []
    assert ledger.kept(records(None), 2) == []


def test_an_unknown_release_is_told_with_those_that_served():
    with pytest.raises(LookupError, match=r"release 7 .*: 1, 3"):
        ledger.by_number(records(0, None, 0), 7)
    with pytest.raises(LookupError, match="release 2 never served"):
        ledger.by_number(records(0, None, 0), 2)


def test_migrations_of_later_attempts_are_those_that_a_rollback_meets():
    history = records(0, None, 0)
    history[0].migrations, history[1].migrations, history[2].migrations = ["a.0001"], ["a.0002"], ["b.0001"]
    assert ledger.migrated_since(history, 1) == ["a.0002", "b.0001"]
    assert ledger.migrated_since(history, 3) == []
