"""Personal data that is made, never learned: word lists of Faker, chosen by our own words."""
