"""Solutions: where a new table, column, key or relationship lands, by the header
`MSCRM.SolutionUniqueName`.

Source: Microsoft Learn, "Use optional parameters"; "SolutionComponent table/entity reference"
(types of components). The platform's own words for a solution that does not exist are not
documented.
"""

import uuid

from dev.emulators.dataverse.problems import ApiError
from dev.emulators.dataverse.store import Store
from dev.emulators.dataverse.wire import Request, Response

COMPONENT_TYPES = {"": 1, "Attributes": 2, "RelationshipDefinitions": 10, "Keys": 14}


class Solutions:
    def __init__(self, store: Store) -> None:
        self.store = store

    def wanted(self, request: Request) -> str | None:
        """Id of the solution that a request names; None if it names none, ApiError 400 if there is
        no such solution.
        """
        name = request.headers.get("mscrm.solutionuniquename") or request.query.get(
            "SolutionUniqueName"
        )
        if not name:
            return None
        row = self.store.fetch("solution", "uniquename", name)
        if row is None:
            raise ApiError(
                400,
                "0x80040203",
                f"The solution '{name}' named in MSCRM.SolutionUniqueName does not exist.",
            )
        return str(row["solutionid"])

    def add(self, solution_id: str, kind: int, answer: Response, now: str) -> None:
        """Puts what `answer` says was created into the solution."""
        object_id = answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")
        row = {
            "solutioncomponentid": str(uuid.uuid4()),
            "componenttype": kind,
            "objectid": object_id,
            "solutionid": solution_id,
        }
        self.store.insert(
            "solutioncomponent", "solutioncomponentid", row | {"createdon": now, "modifiedon": now}
        )
