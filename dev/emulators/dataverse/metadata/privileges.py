"""The privileges that definitions take."""

from dev.emulators.dataverse.wire import Request


def definition_privileges(request: Request, segments: list[str]) -> list[str]:
    """What reading or changing definitions takes."""
    below = segments[1] if len(segments) > 1 else ""
    kinds = {"Entity"}
    if "Attributes" in below or "Attributes" in request.query.get("$expand", ""):
        kinds.add("Attribute")
    if "Relationship" in segments[0] or "Relationship" in below:
        kinds.add("Relationship")
    if request.method == "GET":
        kinds |= {"OptionSet"} if "OptionSet" in request.query.get("$expand", "") + below else set()
        return [f"prvRead{kind}" for kind in sorted(kinds)]
    verb = {"POST": "Create", "DELETE": "Delete"}.get(request.method, "Write")
    inner = (
        "Attribute"
        if "Attribute" in kinds
        else "Relationship"
        if "Relationship" in kinds
        else "Entity"
    )
    return [f"prv{'Write' if 'Keys' in below else verb}{inner}"]
