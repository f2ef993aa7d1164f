"""How columns of personal data are called: words that their names end with, by kind."""

from __future__ import annotations

Ending = tuple[str, ...]

_WRITTEN: dict[str, str] = {
    "email": "email, mail, e mail, email address, mail address, correo",
    "iban": "iban",
    "credit_card": """credit card, card number, card no, cc number, credit card number,
        kreditkarte, carte bancaire""",
    "national_id": """ssn, social security, social security number, social security no, nino,
        national id, national insurance number, national insurance, tax id, steuer id,
        steueridentifikationsnummer, nir, dni, nif, codice fiscale, codicefiscale, bsn, pesel""",
    "passport": "passport, passport number, passport no, reisepass, passeport",
    "ip_address": "ip, ip address, ipaddress, client ip, ip addr",
    "url": "url, homepage, website, web site, webpage, web page, photo path",
    "phone": """phone, telephone, mobile, cell, fax, phone number, phone no, tel, telefon,
        telefonnummer, handy, mobil, telefono, móvil, movil, cellulare, telefoon, telefoonnummer,
        mobile number, fax number, cell phone, msisdn""",
    "username": """username, user name, login, login name, nickname, nick, screen name, handle,
        benutzername""",
    "first_name": """first name, firstname, forename, given name, givenname, fname, vorname,
        prenom, prénom, nombre, voornaam, imie, imię, middle name""",
    "last_name": """last name, lastname, surname, family name, familyname, lname, nachname,
        familienname, nom de famille, nom famille, apellido, cognome, achternaam, nazwisko,
        maiden name""",
    "person_name": """full name, fullname, contact name, person name, customer name,
        employee name, patient name, holder name, cardholder, client name, student name,
        member name, driver name, author name, nom complet, nombre completo, nome completo""",
    "street_address": """address, street, street address, address line, addr, adresse, strasse,
        straße, anschrift, rue, direccion, dirección, indirizzo, adres, ulica, straat,
        street name""",
    "postcode": """postcode, post code, postal code, zip, zip code, zipcode, plz, postleitzahl,
        code postal, codigo postal, kod pocztowy""",
    "city": "city, town, stadt, ort, wohnort, ville, ciudad, città, citta, stad, miasto",
    "company": """company, company name, firm, firma, employer, organisation name,
        organization name, business name, société, societe, empresa, azienda, bedrijf""",
    "date_of_birth": """birth date, birthdate, date of birth, dob, birthday, geburtsdatum,
        geburtstag, date naissance, fecha nacimiento""",
}
ENDINGS: dict[str, frozenset[Ending]] = {
    kind: frozenset(tuple(name.split()) for name in text.split(","))
    for kind, text in _WRITTEN.items()
}
PERSONS = {
    "person", "people", "customer", "client", "employee", "user", "member", "patient", "student",
    "teacher", "driver", "passenger", "contact", "applicant", "guest", "subscriber", "staff",
    "kunde", "mitarbeiter", "cliente", "personne",
}  # fmt: skip
_NOT_STREETS = {"email", "mail", "ip", "mac", "web", "wallet", "memory", "contract"}


def is_called(kind: str, said: Ending, table: Ending) -> bool:
    """Whether the words of a column's name, and those of its table, stand for a kind."""
    if kind == "street_address" and _NOT_STREETS & set(said):
        return False
    if kind == "person_name" and said == ("name",):
        return bool({*table} & PERSONS)
    if said and said[-1].isdigit():  # address1, phone_2
        said = said[:-1]
    return any(said[start:] in ENDINGS[kind] for start in range(len(said)))
