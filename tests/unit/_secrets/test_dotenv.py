# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._secrets.dotenv import dump, load
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True)


@given(st.dictionaries(NAMES, VALUES))
def test_whatever_is_written_is_read_back(variables):
    assert load(dump(variables)) == variables


@given(VALUES)
def test_a_value_takes_one_line(value):
    assert len(dump({"A": value}).split("\n")) == 1


def test_the_form_is_the_one_that_compose_reads_byte_for_byte():
    assert dump({"A": 'a$b "c" d\\ #\n'}) == r'A="a$$b \"c\" d\\ #\n"'


def test_values_that_are_not_strings_are_written_as_python_prints_them():
    assert dump({"DEBUG": False, "PORT": 8000, "NOTHING": None}) == 'DEBUG="False"\nPORT="8000"\nNOTHING=""'


def test_comments_and_foreign_lines_are_passed_over():
    assert load('# A="1"\nB=2\nC="3"\n') == {"C": "3"}


@pytest.mark.parametrize("name", ["1A", "A B", "A-B", "", "A\n"])
def test_a_bad_name_is_refused(name):
    with pytest.raises(ValueError, match="variable name"):
        dump({name: "x"})


def test_a_nul_is_refused_by_the_variables_name():
    with pytest.raises(ValueError, match=r"^A: .*NUL"):
        dump({"A": "x\0"})
