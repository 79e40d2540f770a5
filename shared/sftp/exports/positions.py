"""Where the reader of exports is: in which file, and which files it has read that are not put away
yet.

It travels as a link.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from shared.file_samples import sample
from shared.sftp.client import RemoteFile

PROCESSED, REJECTED, REFUSED = "processed", "rejected", "refused"
MOST_WAITING = 60
# characters; a link is kept, perhaps within another, in one column of a table, which takes 32,768
LONGEST_LINK = 28_000
REFUSED_AGAIN_SECONDS = 600.0

RENAMED = {"told": "reported"}
"""Names in links that an earlier version of the bridge has saved."""


@dataclass(slots=True)
class Position:
    """`file` "" is before the next one.

    `line`: lines behind the header that were handed off. `ended`: "" while lines are left,
    else the folder that the file goes to, or "refused" for one that the server did not let be read.
    `since` and `ended_at`: when this reading began and ended, in seconds since 1970. `size` and
    `changed_at`: the file as it was then, -1 where an earlier version of the bridge did not say.
    `sample`: which rows it holds. `reported`: it was refused before, and a dead letter says so.
    """

    file: str = ""
    line: int = 0
    ended: str = ""
    size: int = -1
    changed_at: float = 0.0
    since: float = 0.0
    ended_at: float = 0.0
    sample: str = ""
    reported: bool = False

    @classmethod
    def read(cls, link: str) -> "Position":
        return cls.of(json.loads(link) if link else {})

    @classmethod
    def of(cls, saved: dict[str, Any]) -> "Position":
        values = {RENAMED.get(name, name): value for name, value in saved.items()}
        return cls(**{item.name: values[item.name] for item in fields(cls) if item.name in values})

    def is_of(self, file: RemoteFile) -> bool:
        return self.size < 0 or (self.size, self.changed_at) == (file.size, file.changed_at)

    def is_at(self, other: "Position") -> bool:
        """Whether both are at one line of one reading of a file."""
        return (self.file, self.line, self.since) == (other.file, other.line, other.since)

    def is_due(self, now: float, stable_seconds: float) -> bool:
        """Whether a file that was read to its end has been watched for long enough to be put
        away.
        """
        return self.ended in (PROCESSED, REJECTED) and now - self.ended_at >= stable_seconds


@dataclass(slots=True)
class Saved:
    """A position, and the files `waiting` to be put away: read to their end, and watched whether
    they grow after all.
    """

    position: Position = field(default_factory=Position)
    waiting: list[Position] = field(default_factory=list)

    @classmethod
    def read(cls, link: str) -> "Saved":
        saved = json.loads(link) if link else {}
        return cls(Position.of(saved), [Position.of(one) for one in saved.get("waiting", [])])

    def text(self) -> str:
        """As a link; "" where there is nothing to remember."""
        if not self.position.file and not self.waiting:
            return ""
        current, nothing = asdict(self.position), asdict(Position())
        short = [
            {name: value for name, value in asdict(one).items() if value != nothing[name]}
            for one in self.waiting
        ]
        return json.dumps({**current, **({"waiting": short} if short else {})})

    def without_position(self) -> str:
        return Saved(waiting=self.waiting).text()

    def set_aside(self) -> None:
        """The file of the position was read to its end: it waits."""
        if self.position.ended:
            self.waiting.append(self.position)
            self.position = Position()

    def due(self, now: float, stable_seconds: float) -> Position | None:
        return next((one for one in self.waiting if one.is_due(now, stable_seconds)), None)

    def is_new(self, file: RemoteFile, now: float) -> bool:
        """Whether the file is to be read: one that is waiting is not, unless it is another one by
        now.
        """
        waiting = next((one for one in self.waiting if one.file == file.name), None)
        return (
            waiting is None
            or not waiting.is_of(file)
            or (waiting.ended == REFUSED and now - waiting.ended_at >= REFUSED_AGAIN_SECONDS)
        )

    def begin(self, file: RemoteFile, now: float) -> None:
        waiting = next((one for one in self.waiting if one.file == file.name), None)
        reported = waiting is not None and waiting.ended == REFUSED and waiting.is_of(file)
        self.waiting = [one for one in self.waiting if one.file != file.name]
        which = sample(file.size, file.changed_at, (), ())
        self.position = Position(
            file.name,
            size=file.size,
            changed_at=file.changed_at,
            since=now,
            sample=which,
            reported=reported,
        )

    def is_full(self) -> bool:
        """Whether so many files wait that no other is read now.

        Those that were refused give way.
        """
        for refused in [one for one in self.waiting if one.ended == REFUSED]:
            if self.has_room():
                break
            self.waiting.remove(refused)
        return not self.has_room()

    def has_room(self) -> bool:
        return len(self.waiting) < MOST_WAITING and len(json.dumps(self.text())) <= LONGEST_LINK
