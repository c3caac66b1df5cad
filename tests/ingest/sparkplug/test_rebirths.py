"""When an edge node is asked for a birth, on a clock that stands."""

from itertools import chain

from ingest.sparkplug.rebirths import MOST_A_SECOND, Rebirths


class Asking:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.goes_out = True
        self.rebirths = Rebirths(self._ask)

    def _ask(self, name: str) -> bool:
        self.asked += [name] * self.goes_out
        return self.goes_out

    def at(self, now: float, *unborn: str) -> list[str]:
        """Return who is asked by then."""
        self.asked.clear()
        self.rebirths.tend(set(unborn), now)
        return list(self.asked)


def times(asking: Asking, seconds: range) -> list[int]:
    return [second for second in seconds if asking.at(float(second), "G/E")]


def test_field_b2_a_node_is_asked_until_it_is_born_ever_more_seldom() -> None:
    assert times(Asking(), range(100, 2600)) == [100, 110, 130, 170, 250, 410, 730, 1330, 1930, 2530]


def test_field_b2_a_second_gap_soon_after_the_first_is_not_forgotten() -> None:
    asking = Asking()
    assert asking.at(100.0, "G/E") == ["G/E"]
    assert asking.at(101.0) == []  # it is born
    assert asking.at(102.0, "G/E") == []
    assert asking.at(110.0, "G/E") == ["G/E"]


def test_field_b2_a_node_that_never_says_what_it_lacks_is_not_asked_without_end() -> None:
    asking, count = Asking(), 0
    for tenth in range(1000, 1600):  # it answers each request, and lacks a birth again at once
        count += bool(asking.at(tenth / 10, "G/E"))
        asking.at(tenth / 10)
    assert count <= 4


def test_a_node_that_lacked_nothing_for_a_while_is_asked_at_once_again() -> None:
    asking = Asking()
    asking.at(100.0, "G/E")
    for second in range(101, 112):
        asking.at(float(second))
    assert asking.at(112.0, "G/E") == ["G/E"]


def test_what_did_not_go_out_was_not_asked() -> None:
    asking = Asking()
    asking.goes_out = False
    assert asking.at(100.0, "G/E") == []
    asking.goes_out = True
    assert asking.at(100.1, "G/E") == ["G/E"]


def test_field_b4_all_nodes_are_asked_a_few_at_a_time() -> None:
    asking = Asking()
    names = [f"G/E{number:03}" for number in range(200)]
    asked = [asking.at(100.0 + tenth / 10, *names) for tenth in range(60)]
    assert max(map(len, asked)) <= MOST_A_SECOND
    assert max(sum(map(len, asked[start : start + 10])) for start in range(1, 50)) <= MOST_A_SECOND + 5
    assert sorted(chain.from_iterable(asked)) == names
