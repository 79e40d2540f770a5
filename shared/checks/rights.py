"""What the application user may do, use case by use case (Microsoft Learn: "RetrieveUserPrivileges
function").
"""

from collections.abc import Iterator, Mapping

from shared.checks.findings import Finding
from shared.checks.look import Look
from shared.checks.wanted import DEPTH, PLATFORM, needs, use_cases

ADMINISTRATOR_TEMPLATE = (  # of System Administrator, in every organization
    "627090ff-40a3-4053-8790-584edc5be201"
)
ASSOCIATION = "systemuserroles_association"
NAME = "privileges"
ADVICE = (
    "Run `manage.py setup dataverse`, which gives the function app's role what it needs and no"
    " more."
)


def privileges(look: Look) -> Iterator[Finding]:
    granted = granted_to(look)
    cases = use_cases(look.in_use)
    missing = [name for name in PLATFORM if granted and name not in granted]
    if "prvReadEntity" in missing:  # without it the names of the others cannot be read
        yield Finding(NAME, cases[0].name, "error", f"{', '.join(missing)} missing.", ADVICE)
        return
    wanted = needs(look.wiring.dataverse, cases, dict.fromkeys(PLATFORM, ""))
    for case in cases:
        own = [need for need in wanted if need.use_case == case.name]
        absent = [need.name for need in own if depth(granted, need.name, need.privilege_id) == ""]
        shallow = [
            need.name
            for need in own
            if depth(granted, need.name, need.privilege_id) not in ("", DEPTH)
        ]
        if absent:
            yield Finding(NAME, case.name, "error", f"{', '.join(absent)} missing.", ADVICE)
        if shallow:
            yield Finding(
                NAME, case.name, "error", f"{', '.join(shallow)} not at organization level.", ADVICE
            )
        if own and not absent + shallow:
            yield Finding(NAME, case.name, "ok", f"{len(own)} of {len(own)} are there.")
    if "prvReadRole" in granted:
        yield from roles(look)


def granted_to(look: Look) -> dict[str, str]:
    """Depth by privilege, under its name and under its id."""
    path = f"systemusers({look.user_id})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges"
    items = look.dataverse(path, "the application user's privileges")["RolePrivileges"]
    named = {item["PrivilegeName"]: item["Depth"] for item in items if item.get("PrivilegeName")}
    return named | {item["PrivilegeId"].lower(): item["Depth"] for item in items}


def depth(granted: Mapping[str, str], name: str, privilege_id: str) -> str:
    return granted.get(name) or granted.get(privilege_id, "")


def roles(look: Look) -> Iterator[Finding]:
    """For a user that may read its roles."""
    path = f"systemusers({look.user_id})/{ASSOCIATION}?$select=name,_roletemplateid_value"
    for role in look.dataverse(path, "the application user's roles")["value"]:
        if role.get("_roletemplateid_value") == ADMINISTRATOR_TEMPLATE:
            message = (
                "The application user is System Administrator: it may do far more than the bridge"
                " does."
            )
            yield Finding(
                NAME,
                role["name"],
                "warning",
                message,
                "Run `manage.py setup dataverse`, then take this role away.",
            )
