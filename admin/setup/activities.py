"""Makes the activity tables of e-mail events in a Dataverse organization, or finds them; twice does
no harm.

What was interrupted is finished by the next run: everything is looked for before it is made. What
is there but does not fit is reported and left alone.
"""

from functools import partial

from admin.setup.definitions import (
    PREFIX,
    PUBLISHER,
    SOLUTION,
    TABLES,
    Column,
    Table,
    publish_order,
)
from admin.setup.making import Making
from shared.mapping import SourceColumn


class Activities(Making):
    """The four tables in the solution, with their columns."""

    def run(self) -> int:
        """How many things do not fit."""
        self.solution()
        there = self.dataverse.tables([table.name for table in TABLES])
        for table in TABLES:
            self.table(table, there)
        again = "" if self.changes else " again, in case an earlier run was interrupted"
        self.make(
            "published",
            f"{len(TABLES)} tables{again}",
            partial(self.dataverse.publish, publish_order(TABLES)),
        )
        return self.problems

    def solution(self) -> None:
        if self.dataverse.row("solutions", f"uniquename eq '{SOLUTION}'", "solutionid"):
            self.found(f"solution {SOLUTION}")
            return
        publisher_id = self.publisher()
        self.make(
            "created", f"solution {SOLUTION}", partial(self.dataverse.create_solution, publisher_id)
        )

    def publisher(self) -> str:
        """Its id; "" if it is only planned.

        Whose prefix it is does not matter, that it is ours does.
        """
        row = self.dataverse.row(
            "publishers", f"customizationprefix eq '{PREFIX}'", "publisherid,uniquename"
        )
        if row:
            self.found(f"publisher {row['uniquename']}")
            return str(row["publisherid"])
        ids: list[str] = []
        self.make(
            "created",
            f"publisher {PUBLISHER['uniquename']}",
            lambda: ids.append(self.dataverse.create_publisher(PUBLISHER)),
        )
        return ids[0] if ids else ""

    def table(self, table: Table, there: dict[str, bool]) -> None:
        if table.name not in there:
            self.make("created", f"table {table.name}", partial(self.dataverse.create_table, table))
            self.columns(table, {})
        elif there[table.name]:
            self.found(f"table {table.name}")
            self.columns(table, dict(self.dataverse.client.table(table.name).columns))
        else:
            self.problem(f"table {table.name} is no activity: delete it, or rename it")

    def columns(self, table: Table, there: dict[str, SourceColumn]) -> None:
        for column in table.columns:
            name = f"column {table.name}.{column.name}"
            if column.name not in there:
                self.make("created", name, partial(self.dataverse.create_column, table, column))
            elif unfit := misfit(column, there[column.name]):
                self.problem(f"{name} {unfit}")
            else:
                self.found(name)


def misfit(wanted: Column, there: SourceColumn) -> str:
    """Why the column that is there cannot serve; "" if it can."""
    if there.type != wanted.type:
        return f"is of type {there.type}, and {wanted.type} is needed: delete it, or rename it"
    if (there.max_length or 0) < wanted.longest:
        return f"holds {there.max_length} characters, and {wanted.longest} are needed: lengthen it"
    return ""
