"""What is recognised as personal data or identifier in the shared real tables.

    python tests/bench/recognised.py

Needs the folder ``../shared`` beside the checkout, which a fresh clone does not have; then it says
so and does nothing. Prints each column and its evidence; exit code 1 if it is not as expected.
"""

from __future__ import annotations

import sys
from pathlib import Path

from synthlake.schema.infer import infer
from synthlake.source import open_source

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
PERSONAL = {
    "northwind": """customers.company_name:company customers.contact_name:person_name
        customers.address:street_address customers.city:city customers.postal_code:postcode
        customers.phone:phone customers.fax:phone employees.last_name:last_name
        employees.first_name:first_name employees.address:street_address employees.city:city
        employees.postal_code:postcode employees.home_phone:phone employees.photo_path:url
        orders.ship_address:street_address shippers.company_name:company shippers.phone:phone
        suppliers.company_name:company suppliers.contact_name:person_name
        suppliers.address:street_address suppliers.city:city suppliers.postal_code:postcode
        suppliers.phone:phone suppliers.fax:phone""",
    "formula1": "drivers.forename:first_name drivers.surname:last_name",
    "titanic": "titanic.name:person_name",
}
IDENTIFIERS = {
    "formula1": "circuits.circuitRef constructors.constructorRef drivers.driverRef drivers.code",
}
PLAIN = ("adult", "lending_club", "mpls_stops", "nycflights13", "beijing_air", "sms_spam")


def check(name: str) -> bool:
    """Print what is found in a data set; whether it is as expected."""
    found = infer(open_source(SHARED / name))
    personal, identifiers = set(), set()
    for table in found.schema:
        keys = {*table.primary_key, *(c for fk in table.foreign_keys for c in fk.columns)}
        for column in table.columns:
            place = f"{table.name}.{column.name}"
            if column.role == "personal":
                personal.add(f"{place}:{column.kind}")
            elif column.role == "key" and column.name not in keys:
                identifiers.add(place)
            else:
                continue
            said = found.evidence.get(f"{table.name}.columns.{column.name}", "")
            print(f"{name} {place}: {column.kind or column.role} {column.locale or ''} # {said}")
    right = [
        held == set(expected.get(name, "").split())
        for held, expected in ((personal, PERSONAL), (identifiers, IDENTIFIERS))
    ]
    print(f"{name}: {'as expected' if all(right) else 'NOT AS EXPECTED'}")
    return all(right)


def main() -> int:
    """All data sets."""
    if not SHARED.exists():
        print(f"there is no {SHARED}")
        return 0
    wrong = [name for name in (*PERSONAL, *PLAIN) if not check(name)]
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
