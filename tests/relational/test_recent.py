"""Results that are held up to a number, or up to a weight."""

from __future__ import annotations

from synthlake.relational.recent import Recent


def test_the_last_ones_are_held() -> None:
    made: list[int] = []
    recent = Recent(2)
    for key in (1, 2, 1, 3, 1, 2):
        assert recent.get(key, lambda key=key: made.append(key) or key) == key  # type: ignore[misc]
    assert made == [1, 2, 3, 2]


def test_what_weighs_more_leaves_less_room() -> None:
    made: list[int] = []
    recent = Recent(10, len)

    def get(key: int, size: int) -> None:
        def make() -> bytes:
            made.append(key)
            return bytes(size)

        assert len(recent.get(key, make)) == size

    for key, size in ((1, 4), (2, 4), (1, 4), (3, 4), (2, 4)):  # 2 goes where 3 comes
        get(key, size)
    assert made == [1, 2, 3, 2]
    get(4, 50)  # alone too heavy, and held all the same
    get(4, 50)
    assert made == [1, 2, 3, 2, 4]
