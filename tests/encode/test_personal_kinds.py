"""Personal data that is made: of the right form, of nobody, unique, the same for the same row."""

from __future__ import annotations

import re
import time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from synthlake.encode.personal.check_digits import holds, with_check
from synthlake.encode.personal.faker_words import load_grammar
from synthlake.encode.personal.grammar import Grammar
from synthlake.encode.personal.kinds import account_of, symbols_of
from synthlake.relational.keys import KeyFrame
from synthlake.relational.personal import Personal, PersonalColumn
from synthlake.schema import validators
from synthlake.schema.kinds import KINDS, LOCALES
from synthlake.schema.name_words import first_names, last_names
from synthlake.seed import Seed

ROWS = 3_000
SHARED = {"first_name", "last_name", "city", "postcode", "date_of_birth"}  # may stand twice


def frame(rows: int, seed: int = 1) -> KeyFrame:
    return KeyFrame(Seed(seed, "scope"), "people", rows, rows)


def maker(locale: str, *, unique: bool = True, dtype: pa.DataType | None = None) -> Personal:
    """All kinds of a locale."""
    people = tuple(
        PersonalColumn(k, dtype or pa.string(), k, locale, (), unique, 0.0, account_of(locale))
        for k in KINDS
    )
    symbols = dict.fromkeys(s for k in KINDS for s in symbols_of(k, locale))
    return Personal(people, {locale: load_grammar(locale, symbols)})


def made(locale: str, rows: int = ROWS, **more: Any) -> dict[str, list[str]]:
    columns = maker(locale, **more).make(np.arange(rows), frame(rows))
    return {name: array.to_pylist() for name, array in columns.items()}


FICTION = {  # telephone numbers that no one has
    "en_US": r"\(?\d{3}\)?[ -]555-01\d\d",
    "en_GB": r"(07700 900|01632 960|020 7946 0|0113 496 0|0161 496 0)\d{3}",
    "de_DE": r"(030 23125|069 90009|040 66969|0221 4710|089 99998)\d{3}",
    "fr_FR": r"(01 99 00|02 61 91|03 53 01|04 65 71|05 36 49|06 39 98)( \d\d){2}",
    "es_ES": r"(\+34 )?5\d\d \d{3} \d{3}",
    "it_IT": r"(\+39 )?2\d\d \d{7}",
    "nl_NL": r"(060-?|\+31 60)\d{7}",
    "pl_PL": r"(\+48 )?10\d \d{3} \d{3}",
}
POSTCODES = {
    "en_GB": r"[A-Z]{1,2}\d[\dA-Z]? \d[A-Z]{2}", "nl_NL": r"[1-9]\d{3} [A-Z]{2}",
    "pl_PL": r"\d\d-\d{3}",
}  # fmt: skip


@pytest.mark.parametrize("locale", LOCALES)
def test_values_are_of_the_form_of_their_country(locale: str) -> None:
    found = made(locale)
    assert all(map(validators.NATIONAL_IDS[locale], _issued(locale, found["national_id"])))
    assert all(map(validators.is_iban, found["iban"]))
    assert all(map(validators.is_credit_card, found["credit_card"]))
    assert all(re.fullmatch(r"(424242|555555)\d{10}", v) for v in found["credit_card"])
    phone = re.compile(rf"{FICTION[locale]}( x\d+)?")
    assert all(phone.fullmatch(v) for v in found["phone"])
    postcode = re.compile(POSTCODES.get(locale, r"\d{5}"))
    assert all(postcode.fullmatch(v) for v in found["postcode"])
    assert all(re.fullmatch(r"[a-z.]+\d+@example\.(com|org|net)", v) for v in found["email"])
    assert all(re.match(r"https://www\.example\.(com|org|net)/", v) for v in found["url"])
    assert all(map(validators.is_ip_address, found["ip_address"]))
    assert all(validators.is_street(v) for v in found["street_address"])


def _issued(locale: str, values: list[str]) -> list[str]:
    """French identifiers begin with a sex that nobody has, which the validator does not take."""
    if locale != "fr_FR":
        return values
    assert all(v[0] == "9" and 97 - int(v[:13]) % 97 == int(v[13:]) for v in values)
    return []


def test_numbers_are_never_issued() -> None:
    assert all(v[0] == "9" and v[4] in "01234" for v in made("en_US")["national_id"])
    assert all(v[0] == "Q" for v in made("en_GB")["national_id"])
    assert all(v[0] == "0" for v in made("de_DE")["national_id"])
    assert all(v[2] == "8" for v in made("pl_PL")["national_id"])
    assert all(v[11:12] == "X" for v in made("it_IT")["national_id"])


@pytest.mark.parametrize("locale", LOCALES)
def test_names_are_of_the_locale_and_of_one_person(locale: str) -> None:
    found = made(locale, unique=False)
    assert {v.lower() for v in found["first_name"]} <= first_names(locale)
    assert {v.lower() for v in found["last_name"]} <= last_names(locale)
    for first, last, whole, mail in zip(
        *(found[k] for k in ("first_name", "last_name", "person_name", "email")), strict=True
    ):
        assert whole == f"{first} {last}"
        if (first + last).isascii():
            letters = [re.sub("[^a-z]", "", part.lower()) for part in (first, last)]
            assert mail.startswith(".".join(letters))


@pytest.mark.parametrize("locale", LOCALES)
def test_unique_columns_repeat_nothing(locale: str) -> None:
    columns = maker(locale).make(np.arange(60_000), frame(60_000))
    assert {n for n, a in columns.items() if len(a.unique()) < len(a)} <= SHARED


def test_more_people_than_names_get_initials() -> None:
    few = Grammar({**load_grammar("pl_PL", ["first_name", "last_name"]).rules})
    column = PersonalColumn("n", pa.string(), "person_name", "pl_PL", (), True)
    rows = 400_000  # of 153 x 1,845 pairs
    names = Personal((column,), {"pl_PL": few}).make(np.arange(rows), frame(rows))["n"]
    assert len(names.unique()) == rows


@pytest.mark.parametrize("locale", ["en_US", "de_DE"])
def test_a_row_is_the_same_in_any_range(locale: str) -> None:
    whole = maker(locale).make(np.arange(900), frame(900))
    for start, stop in ((0, 1), (1, 400), (400, 900)):
        part = maker(locale).make(np.arange(start, stop), frame(900))
        assert all(part[n].equals(whole[n].slice(start, stop - start)) for n in whole)
    other = maker(locale).make(np.arange(900), frame(900, seed=2))
    assert all(not other[n].equals(whole[n]) for n in whole)


def test_it_survives_json() -> None:
    import json

    one = maker("fr_FR")
    held = json.loads(json.dumps(one.to_json()))
    assert Personal.from_json(held, {c.name: c.type for c in one.people}) == one


@pytest.mark.parametrize("dtype", [
    pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string()),
], ids=str)  # fmt: skip
def test_types_come_back(dtype: pa.DataType) -> None:
    columns = maker("en_US", dtype=dtype).make(np.arange(50), frame(50))
    assert {a.type for a in columns.values()} == {dtype}


def test_whole_numbers_and_dates() -> None:
    people = (
        PersonalColumn("phone", pa.int64(), "phone", "en_US"),
        PersonalColumn("card", pa.int64(), "credit_card", "en_US"),
        PersonalColumn("born", pa.date32(), "date_of_birth", "en_US"),
    )
    columns = Personal(people, {}).make(np.arange(500), frame(500))
    assert [a.type for a in columns.values()] == [pa.int64(), pa.int64(), pa.date32()]
    assert all(validators.is_credit_card(str(v)) for v in columns["card"].to_pylist())
    assert {str(v)[3:8] for v in columns["phone"].to_pylist()} == {"55501"}


@pytest.mark.parametrize(
    ("kind", "style", "form"),
    [
        ("person_name", ("comma",), r"[^,]+, \S.*"),
        ("last_name", ("upper",), r"[A-Z ]+"),
        ("phone", ("digits",), r"\d{10}"),
        ("credit_card", ("spaced",), r"\d{4}( \d{4}){3}"),
        ("credit_card", ("dashed",), r"\d{4}(-\d{4}){3}"),
        ("iban", ("spaced",), r"DE\d\d( \d{1,4})+"),
        ("national_id", ("digits",), r"\d{9}"),
        ("ip_address", ("colons",), r"2001:db8:[0-9a-f:]+"),
    ],
)
def test_the_punctuation_is_that_of_the_source(
    kind: str, style: tuple[str, ...], form: str
) -> None:
    column = PersonalColumn("x", pa.string(), kind, "en_US", style, False, 0.0, account_of("en_US"))
    grammar = load_grammar("en_US", ["first_name", "last_name"])
    values = Personal((column,), {"en_US": grammar}).make(np.arange(200), frame(200))["x"]
    assert all(re.fullmatch(form, v) for v in values.to_pylist())


def test_values_that_repeat_come_from_a_pool() -> None:
    people = (
        PersonalColumn("company", pa.string(), "company", "en_US", (), False, 0.1),
        PersonalColumn("street", pa.string(), "street_address", "en_US", (), False, 0.1),
    )
    symbols = [*symbols_of("company", "en_US"), *symbols_of("street_address", "en_US")]
    one = Personal(people, {"en_US": load_grammar("en_US", symbols)})
    for rows in (1_000, 10_000):
        columns = one.make(np.arange(rows), frame(rows))
        pairs = pa.table(columns).group_by(["company", "street"]).aggregate([])
        assert pairs.num_rows == 0.1 * rows  # they repeat together


@pytest.mark.parametrize(
    ("body", "check", "whole"),
    [
        ("7992739871", "luhn", "79927398713"),
        ("411111111111111", "luhn", "4111111111111111"),
        ("978030640615", "ean", "9780306406157"),
        ("978-0-306-40615-", "ean", "978-0-306-40615-7"),
        ("030640615", "isbn10", "0306406152"),
        ("080442957", "isbn10", "080442957X"),
    ],
)
def test_check_digits(body: str, check: str, whole: str) -> None:
    assert with_check(pa.array([body]), check).to_pylist() == [whole]
    assert holds([whole, f"{body}Q"], check) == 1


def test_it_is_fast_enough() -> None:
    rows = 50_000
    one = maker("en_US")
    start = time.process_time()
    columns = one.make(np.arange(rows), frame(rows))
    taken = time.process_time() - start
    assert pc.min(pa.array([len(a) for a in columns.values()])).as_py() == rows
    assert rows * len(columns) / taken >= 200_000  # measured: 2,800,000 on a free core
