"""What is recognised as personal data, in which locale, and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from faker import Faker

from synthlake.errors import SchemaError
from synthlake.schema.document import parse_tables
from synthlake.schema.draft import render
from synthlake.schema.infer import Inference, infer
from synthlake.schema.kinds import KINDS, LOCALES
from synthlake.schema.model import Column
from synthlake.source.open import open_source

ROWS = 150
CALLED = {  # first name, last name, e-mail, phone, street, postcode, town
    "en_US": "first_name last_name email phone street_address zip_code city",
    "en_GB": "forename surname e_mail telephone address postcode town",
    "de_DE": "Vorname Nachname Mail Telefon Strasse PLZ Stadt",
    "fr_FR": "prenom nom_de_famille mail tel adresse code_postal ville",
    "es_ES": "nombre apellido correo telefono direccion codigo_postal ciudad",
    "it_IT": "name_first:FirstName cognome email telefono indirizzo zip citta",
    "nl_NL": "voornaam achternaam email telefoon straat postcode stad",
    "pl_PL": "imie nazwisko email telefon ulica kod_pocztowy miasto",
}
EXPECTED = ["first_name", "last_name", "email", "phone", "street_address", "postcode", "city"]


def inferred(table: dict[str, Any], document: dict[str, Any] | None = None) -> Inference:
    return infer(open_source({"t": pa.table(table)}), parse_tables(document or {}))


def people(locale: str) -> dict[str, list[str]]:
    """What Faker itself makes of people in a locale, under the names of its language."""
    fake = Faker(locale)
    fake.seed_instance(5)
    names = [name.partition(":")[2] or name for name in CALLED[locale].split()]
    makers = [fake.first_name, fake.last_name, fake.email, fake.phone_number, fake.street_address,
              fake.postcode, fake.city]  # fmt: skip
    return {n: [make() for _ in range(ROWS)] for n, make in zip(names, makers, strict=True)}


@pytest.mark.parametrize("locale", LOCALES)
def test_people_are_recognised_with_their_locale(locale: str) -> None:
    table = people(locale)
    found = inferred({"id": range(ROWS), **table}).schema["t"]
    held = [found.column(name) for name in table]
    towns = {"categorical"}  # where Faker has few towns, many rows share each
    for column, kind in zip(held, EXPECTED, strict=True):
        if kind == "city" and column.role in towns:
            continue
        assert (column.role, column.kind) == ("personal", kind), column.name
        # names and words for streets are the same in both
        alike = {"en_US", "en_GB"} if locale == "en_US" else {locale}
        assert column.locale in alike, (column.name, column.locale)


@pytest.mark.parametrize(
    ("make", "kind", "locale"),
    [
        ("email", "email", "en_US"), ("iban", "iban", "en_US"), ("url", "url", "en_US"),
        ("credit_card_number", "credit_card", "en_US"), ("ssn", "national_id", "en_US"),
        ("ipv4", "ip_address", "en_US"), ("ipv6", "ip_address", "en_US"),
        ("name", "person_name", "en_US"), ("name", "person_name", "nl_NL"),
        ("phone_number", "phone", "es_ES"), ("street_address", "street_address", "de_DE"),
        ("ssn", "national_id", "pl_PL"), ("nif", "national_id", "es_ES"),
    ],
)  # fmt: skip
def test_values_alone_tell(make: str, kind: str, locale: str) -> None:
    fake = Faker(locale)
    fake.seed_instance(3)
    values = [getattr(fake, make)() for _ in range(ROWS)]
    column = inferred({"id": range(ROWS), "x1": values}).schema["t"].column("x1")
    assert (column.role, column.kind) == ("personal", kind)


def plain() -> dict[str, Any]:
    """Columns that are nobody's."""
    random = np.random.default_rng(4)
    number = random.integers(0, 10**9, ROWS)
    return {
        "id": range(ROWS),
        "sku": [f"{chr(65 + i % 26)}{n % 10**6:06d}" for i, n in enumerate(number)],
        "created": [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(ROWS)],
        "amount_text": [f"{n / 1e5:.2f}" for n in number],
        "model": [f"EMB-{100 + i}XR" for i in range(ROWS)],
        "district": ["North Hill", "Old Bay", "East Park"] * 50,
        "note": [f"delivered after {i} days, box {i % 7} was open" for i in range(ROWS)],
        "email_type": ["home", "work", "other"] * 50,
        "phone_verified": ["yes", "no"] * 75,
        "mac_address": [f"{n % 256:02x}:0a:1b:2c:3d:{n // 256 % 256:02x}" for n in number],
        "version": [f"{i}.{i % 9}.{i % 5}" for i in range(ROWS)],
        "file": [f"part-{i:05d}.parquet" for i in range(ROWS)],
        "coordinates": [f"{a:.4f}, {b:.4f}" for a, b in random.random((ROWS, 2)) * 90],
        "digits13": [f"{n:013d}" for n in random.integers(10**12, 10**13, ROWS)],
        "product_name": [f"Brown {w} {i}" for i, w in enumerate(["Table", "Chair", "Lamp"] * 50)],
        "country": ["Chad", "Jordan", "Georgia"] * 50,
    }  # fmt: skip


def test_what_is_nobodys_is_not_personal() -> None:
    found = inferred(plain()).schema["t"]
    assert {c.name: c.kind for c in found.columns if c.role == "personal"} == {}


def test_identifiers_are_told_from_text() -> None:
    found = inferred(plain())
    roles = {c.name: c.role for c in found.schema["t"].columns}
    assert roles["sku"] == roles["model"] == roles["file"] == "key"
    assert roles["note"] == roles["coordinates"] == "text"
    assert "none twice" in found.evidence["t.columns.sku"]


def test_a_unique_number_is_an_identifier_if_it_is_called_so() -> None:
    random = np.random.default_rng(0)
    table = {
        "id": range(200),
        "invoice_no": random.permutation(200) + 70_000,
        "population": random.permutation(90_000)[:200],
    }
    found = inferred(table, {"t": {"primary_key": ["id"]}}).schema["t"]
    assert found.column("invoice_no").role == "key"
    assert found.column("population").role == "numeric"


def test_whole_numbers_are_personal_only_by_name() -> None:
    fake = Faker("en_US")
    fake.seed_instance(2)
    cards = [int(fake.credit_card_number("visa16")) for _ in range(ROWS)]
    table = {"id": range(ROWS), "card_number": cards, "amount": cards}
    found = inferred(table, {"t": {"primary_key": ["id"]}}).schema["t"]
    assert (found.column("card_number").role, found.column("card_number").kind) == (
        "personal", "credit_card",
    )  # fmt: skip
    assert found.column("amount").role == "numeric"


def test_long_text_is_learned_and_says_so() -> None:
    table = {"id": range(60), "review": [f"{i} " + "word " * 60 for i in range(60)]}
    found = inferred(table)
    column = found.schema["t"].column("review")
    assert (column.role, column.action, column.nullable) == ("text", "learn", False)
    assert "long text, more than 200 characters" in render(found, "data")


def test_a_date_of_birth_is_learned_in_ranges() -> None:
    born = pa.array(np.arange(ROWS) * 50, pa.int32()).cast(pa.date32())
    found = inferred({"id": range(ROWS), "birth_date": born})
    assert found.schema["t"].column("birth_date").role == "datetime"
    assert "a date of birth" in found.evidence["t.columns.birth_date"]


def test_the_evidence_says_rates_and_the_draft_is_a_spec() -> None:
    from ruamel.yaml import YAML

    table = people("de_DE")
    found = inferred({"id": range(ROWS), **table})
    assert "by its name, 100 % of" in found.evidence["t.columns.Mail"]
    text = render(found, "data")
    assert "{role: personal, kind: phone, locale: de_DE}" in text
    said = text + str(dict(found.evidence))
    assert not [v for values in table.values() for v in values if len(v) > 8 and v in said]
    spec = YAML(typ="safe", pure=True).load(text)
    again = inferred({"id": range(ROWS), **table}, spec["tables"])
    assert again.schema == found.schema


def test_what_is_declared_wins() -> None:
    table = people("en_US")
    document = {"t": {"columns": {
        "email": {"role": "text"},
        "city": {"kind": "city", "locale": "pl_PL"},
        "phone": {"role": "personal"},
    }}}  # fmt: skip
    found = inferred({"id": range(ROWS), **table}, document).schema["t"]
    assert found.column("email").role == "text"
    assert found.column("city") == Column(
        "city", pa.string(), "personal", nullable=False, kind="city", locale="pl_PL"
    )
    assert (found.column("phone").kind, found.column("phone").locale) == ("phone", "en_US")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"kind": "name"}, "kind"),
        ({"kind": "email", "pattern": "[a-z]{3}"}, "both"),
        ({"kind": "national_id", "locale": "sv_SE"}, "sv_SE"),
        ({"kind": "email", "locale": "zz_ZZ"}, "zz_ZZ"),
    ],
)
def test_what_cannot_be_made_is_refused(column: dict[str, str], message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        inferred({"id": range(3), "x": ["a", "b", "c"]}, {"t": {"columns": {"x": column}}})
    assert message in caught.value.message
    assert caught.value.hint


def test_numbers_are_no_names() -> None:
    with pytest.raises(SchemaError) as caught:
        inferred({"id": range(3), "x": [1, 2, 3]}, {"t": {"columns": {"x": {"kind": "email"}}}})
    assert "int64" in caught.value.message


def test_every_kind_has_a_rule() -> None:
    from synthlake.schema.personal import RULES

    assert {rule.kind for rule in RULES} == set(KINDS)
