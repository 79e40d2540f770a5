"""Switches change tracking on for the mapped tables. It cannot be switched off again.

Source: Microsoft Learn, "Enable change tracking to control data synchronization", "Update a table
definition" (the whole definition is written back).
"""

from collections.abc import Iterable
from functools import partial

from admin.setup.making import Making


class Tracking(Making):
    def run(self, tables: Iterable[str]) -> None:
        for table in tables:
            definition = self.dataverse.client.metadata(
                f"EntityDefinitions(LogicalName='{table}')", table
            )
            if definition["ChangeTrackingEnabled"]:
                self.found(f"change tracking of {table}")
            elif not definition.get("CanChangeTrackingBeEnabled", {}).get("Value", True):
                self.problem(
                    f"table {table} cannot track its changes: map another table", "refused"
                )
            else:
                self.make(
                    "switched on",
                    f"change tracking of {table}",
                    partial(self.switch_on, table, definition),
                )

    def switch_on(self, table: str, definition: dict[str, object]) -> None:
        sent = {name: value for name, value in definition.items() if name != "@odata.context"}
        self.dataverse.replace_table(table, sent | {"ChangeTrackingEnabled": True})
        entities = (
            f"<importexportxml><entities><entity>{table}</entity></entities></importexportxml>"
        )
        self.dataverse.publish({"ParameterXml": entities})
