"""What the keeper gives, when it asks again, and that no answer mixes the versions of two
moments.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.documents.keeper import METADATA_SECONDS, Keeper
from shared.documents.kinds import DocumentId, DocumentKind, World
from shared.documents.looking import only_looking
from shared.errors import Misconfigured, Retryable
from shared.mapping.reading import Document, InvalidDocument, read
from tests.unit.documents.kit import MemoryLibrary

CACHE_SECONDS = 10.0


class Stamp(Document):
    """A document that says no more than its own number."""

    stamp: int


def stamp(number: int) -> str:
    return f"stamp: {number}"


def packaged(name: str) -> str:
    return stamp(0)


def packaged_but_bare(name: str) -> str:
    if name == "bare":
        raise InvalidDocument(["There is no document bare."])
    return stamp(0)


LEFT = DocumentKind(
    "left",
    Stamp,
    "left",
    lambda name: "left document",
    packaged_but_bare,
    retried_after_seconds=60.0,
)
RIGHT = DocumentKind("right", Stamp, "right", lambda name: "right document", packaged)


@dataclass(frozen=True, slots=True)
class Answer:
    """Versions by number and by what their texts say, of the document and of the one that it
    needs.
    """

    numbers: tuple[int, int]
    stamps: tuple[int, int]


class StampCompiler:
    """Each of the two kinds needs the other. `compiling` is called while a document is compiled."""

    def __init__(self, own: DocumentKind[Stamp], other: DocumentKind[Stamp]) -> None:
        self.kind, self.other = own, other
        self.compilations = 0
        self.compiling: Callable[[], None] = lambda: None

    def needs(self, name: str) -> Sequence[DocumentId[Any]]:
        return (self.other.id(name),)

    def problems(self, name: str, text: str, version: int, world: World) -> list[str]:
        found = read(text, Stamp)
        return [] if found.stamp != 13 else ["13 brings bad luck."]

    def compiled(self, name: str, world: World) -> Answer:
        self.compilations += 1
        self.compiling()
        own, needed = world[self.kind.id(name)], world[self.other.id(name)]
        if own.document.stamp == 99:
            raise Misconfigured("left", "99 does not fit.")
        return Answer((own.number, needed.number), (own.document.stamp, needed.document.stamp))


class Bench:
    """A keeper, its container and its clock; `left` needs `right` and the other way round."""

    def __init__(self) -> None:
        self.library, self.clock = MemoryLibrary(), 1000.0
        self.keeper = Keeper(self.library, CACHE_SECONDS, lambda: self.clock)
        self.left, self.right = StampCompiler(LEFT, RIGHT), StampCompiler(RIGHT, LEFT)
        for folder in ("left", "right"):
            self.activate(folder)

    def activate(self, folder: str, number: int | None = None) -> None:
        self.library.activate(
            folder, "one", stamp(self.number(folder) + 1 if number is None else number)
        )

    def number(self, folder: str) -> int:
        return len(self.library.versions.get((folder, "one"), []))

    def active(self) -> Answer:
        return self.keeper.active(self.left, "one")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_new_version_is_seen_when_the_listing_is_old(bench: Bench) -> None:
    assert bench.active().numbers == (1, 1)
    bench.activate("left")
    bench.activate("right")
    assert bench.active().numbers == (1, 1)
    bench.clock += CACHE_SECONDS
    assert bench.active() == Answer((2, 2), (2, 2))


def test_a_version_is_read_once_and_compiled_again_for_new_metadata_only(bench: Bench) -> None:
    for _ in range(100):
        bench.active()
        bench.clock += CACHE_SECONDS / 2
    assert bench.library.requests["text"] == 2
    assert bench.left.compilations == 1
    bench.clock += METADATA_SECONDS
    bench.active()
    assert (bench.library.requests["text"], bench.left.compilations) == (2, 2)


def test_what_a_document_needs_compiles_it_again_when_it_changes(bench: Bench) -> None:
    bench.active()
    bench.activate("right")
    bench.clock += CACHE_SECONDS
    assert bench.active().numbers == (1, 2)
    assert bench.left.compilations == 2


def test_all_kinds_cost_one_listing(bench: Bench) -> None:
    for compiler in (bench.left, bench.right, bench.left):
        bench.keeper.active(compiler, "one")
    assert bench.library.requests["list"] == 1


def test_what_is_forgotten_is_listed_read_and_compiled_again(bench: Bench) -> None:
    bench.active()
    bench.activate("left")
    bench.keeper.forget(LEFT.id("one"))
    assert bench.active().numbers == (2, 1)
    assert bench.library.requests["list"] == 2


def test_the_packaged_document_becomes_the_first_version_of_who_uses_it_alone(bench: Bench) -> None:
    answer = bench.keeper.active(bench.left, "new")
    assert answer == Answer((1, 0), (0, 0))
    assert bench.library.versions["left", "new"] == [(stamp(0), "")]
    assert ("right", "new") not in bench.library.versions


def test_a_document_that_waits_is_the_first_version_and_not_the_packaged_one(bench: Bench) -> None:
    """Whoever uses it first may be ahead of the poll that takes documents into force."""
    bench.library.put("left", "new", stamp(7))
    assert bench.keeper.active(bench.left, "new").stamps == (7, 0)
    assert [text for text, _ in bench.library.versions["left", "new"]] == [stamp(7)]


def test_without_any_document_the_reason_is_told(bench: Bench) -> None:
    with pytest.raises(Misconfigured, match="There is no document bare"):
        bench.keeper.active(bench.left, "bare")
    bench.library.put("left", "bare", stamp(13))
    bench.clock += CACHE_SECONDS
    with pytest.raises(Misconfigured, match="13 brings bad luck"):
        bench.keeper.active(bench.left, "bare")
    problem = bench.keeper.activate(bench.left, "bare")
    assert "13 brings bad luck. No version is active." in problem
    with pytest.raises(Misconfigured) as caught:
        bench.keeper.active(bench.left, "bare")
    assert str(caught.value) == problem


def test_a_version_that_does_not_fit_is_no_reason_to_go_on_with_the_one_before(
    bench: Bench,
) -> None:
    bench.active()
    bench.activate("left", 99)
    bench.clock += CACHE_SECONDS
    for _ in range(2):
        with pytest.raises(Misconfigured, match="99 does not fit"):
            bench.active()


def test_a_system_that_is_away_stops_only_who_asks_it_again(bench: Bench) -> None:
    """The others go on with the same version for as long as a listing lasts; then it is tried
    again.
    """
    answer = bench.active()
    bench.clock += METADATA_SECONDS
    bench.left.compiling = away
    for _ in range(2):
        with pytest.raises(Retryable):
            bench.active()
        assert bench.active() is answer
        bench.clock += CACHE_SECONDS
    bench.left.compiling = lambda: None
    bench.active()
    assert bench.left.compilations == 4


def away() -> None:
    raise Retryable("Dataverse does not answer.")


def test_a_sound_draft_is_activated_once_and_a_refused_one_is_judged_now_and_then(
    bench: Bench,
) -> None:
    bench.library.put("left", "one", stamp(2))
    assert [bench.keeper.activate(bench.left, "one") for _ in range(2)] == ["", ""]
    assert bench.active().numbers == (2, 1)
    bench.library.put("left", "one", stamp(13))
    problems = [bench.keeper.activate(bench.left, "one") for _ in range(3)]
    assert problems[0].endswith("13 brings bad luck. Version 2 stays active.")
    assert set(problems) == {problems[0]}
    assert bench.library.requests["draft"] == 2
    bench.clock += 60
    bench.keeper.activate(bench.left, "one")
    assert bench.library.requests["draft"] == 3
    assert bench.active().numbers == (2, 1)


def test_another_process_that_activates_first_is_right(bench: Bench) -> None:
    """The version is written only where none of its number is.

    The own draft is looked at again, and follows.
    """
    bench.library.put("left", "one", stamp(3))
    bench.library.before = lambda request: (
        bench.activate("left") if request == "add" and bench.number("left") == 1 else None
    )
    assert bench.keeper.activate(bench.left, "one") == ""
    assert bench.active() == Answer((2, 1), (2, 1))
    assert bench.keeper.activate(bench.left, "one") == ""
    assert bench.active() == Answer((3, 1), (3, 1))


def test_many_who_ask_at_once_get_one_listing_one_reading_and_one_compilation(bench: Bench) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: bench.active(), range(50)))
    assert all(answer is answers[0] for answer in answers)
    assert (
        bench.library.requests["list"],
        bench.library.requests["text"],
        bench.left.compilations,
    ) == (1, 2, 1)


class CountedLock:
    """A lock that no thread may take while it holds another one."""

    held = threading.local()

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        assert not getattr(self.held, "any", False), "a second lock is asked for under the first"
        taken = self.lock.acquire(blocking, timeout)
        self.held.any = taken
        return taken

    def release(self) -> None:
        self.held.any = False
        self.lock.release()


class WatchedKeeper(Keeper):
    """Fails where a thread would hold two locks: without that no two threads can ever wait for each
    other.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.listing_lock: Any = CountedLock()
        self.watched: dict[Any, CountedLock] = {}

    def lock(self, step: str, wanted: DocumentId[Any]) -> Any:
        return self.watched.setdefault((step, wanted), CountedLock())


MEANWHILE = st.sampled_from(["left", "right", "pass"])
ASKED = st.sampled_from(
    ["ask left", "ask right", "again left", "again right", "forget left", "forget right"]
)
POINTS = st.lists(st.lists(MEANWHILE, max_size=3), max_size=10)


class Story:
    """Other processes act, and time passes, while the keeper is at work: where it asks for a
    document or the time, or compiles.

    `meanwhile`: what happens at each of these points, the last one first.
    """

    def __init__(self) -> None:
        self.bench, self.meanwhile = Bench(), list[list[str]]()
        self.compilers = {"left": self.bench.left, "right": self.bench.right}
        self.bench.keeper = WatchedKeeper(self.bench.library, CACHE_SECONDS, self.now)
        self.moments = {self.moment()}
        self.bench.library.before = lambda request: self.go_on()
        self.bench.left.compiling = self.bench.right.compiling = self.go_on

    def moment(self) -> tuple[int, int]:
        return self.bench.number("left"), self.bench.number("right")

    def now(self) -> float:
        self.go_on()
        return self.bench.clock

    def go_on(self) -> None:
        for step in self.meanwhile.pop() if self.meanwhile else []:
            self.act(step)

    def ask(self, folder: str, again: bool) -> None:
        """The versions of the answer were active together at some moment, and each text is its
        version's.
        """
        keeper, compiler = self.bench.keeper, self.compilers[folder]
        answer = keeper.active(compiler, "one")
        answer = keeper.active_since(compiler, "one", answer, lambda: True) if again else answer
        assert (answer.numbers if folder == "left" else answer.numbers[::-1]) in self.moments
        assert answer.stamps == answer.numbers

    def act(self, step: str) -> None:
        if step in ("left", "right"):
            self.bench.activate(step)
            self.moments.add(self.moment())
        elif step == "pass":
            self.bench.clock += CACHE_SECONDS


@settings(max_examples=300)
@given(st.lists(st.tuples(ASKED | MEANWHILE, POINTS), max_size=8))
def test_an_answer_never_mixes_the_versions_of_two_moments(
    steps: list[tuple[str, list[list[str]]]],
) -> None:
    story = Story()
    for step, meanwhile in steps:
        story.meanwhile = list(meanwhile)
        verb, _, folder = step.partition(" ")
        if verb in ("ask", "again"):
            story.ask(folder, again=verb == "again")
        elif verb == "forget":
            story.bench.keeper.forget(story.compilers[folder].kind.id("one"))
        else:
            story.act(step)


def test_who_only_looks_makes_no_version() -> None:
    bench = Bench()
    bench.library.versions.clear()
    with only_looking():
        assert bench.active() == Answer((0, 0), (0, 0))
        assert bench.keeper.number(LEFT.id("one")) == 0
        assert bench.keeper.version(LEFT.id("one")).document.stamp == 0
    assert bench.library.versions == {}
    bench.clock += CACHE_SECONDS
    assert bench.active().numbers == (1, 0)
    assert bench.number("left") == 1


def test_who_only_looks_lets_a_person_s_document_wait() -> None:
    bench = Bench()
    bench.library.versions.clear()
    bench.library.put("left", "one", stamp(7))
    with only_looking():
        assert bench.active().stamps == (0, 0)
    assert bench.library.versions == {}
    bench.clock += CACHE_SECONDS
    assert bench.active() == Answer((1, 0), (7, 0))
