"""Commands on a flow, over HTTP, for people and machines with a key.

Routes      POST /api/flows/<flow>/start|stop|replay|discard|cancel|plan|carry_out
State       writes `flows`, `checkpoints`, `deadletters`, `jobs`, `plans` and `activity`; puts
            references on the queues
Guarantee   a body that means nothing does nothing; who gave a command is told by the key alone
On failure  400, 404, 409 and 413 with a sentence; 503 with the cause while settings are missing
"""

import azure.functions as func

from functions.console import flows, unknown_flow
from functions.console_pages import Served
from functions.triggers import answer, errors_as_503, in_time
from shared.console.callers import caller
from shared.console.commands import InvalidCommand, check_length
from shared.console.key_commands import COMMANDS, Call, run_command
from shared.deadlines import ANSWER_SECONDS
from shared.wiring import wiring

COMMAND_LIMIT_BYTES = 64 * 1024
"""Of a command's body."""

blueprint = func.Blueprint()


@blueprint.function_name("console_command")
@blueprint.route("api/flows/{flow}/{command}", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
@errors_as_503
def console_command(req: func.HttpRequest) -> func.HttpResponse:
    """A command on a flow. The key that it came with says who gave it."""
    name, command = req.route_params["flow"], req.route_params["command"]
    if name not in flows():
        return unknown_flow(name)
    if command not in COMMANDS:
        return answer(404, error=f"There is no such command: use one of {', '.join(COMMANDS)}.")
    if len(req.get_body()) > COMMAND_LIMIT_BYTES:
        said = f"The body is larger than {COMMAND_LIMIT_BYTES} bytes; a command needs a few hundred"
        return answer(413, error=f"{said}.")
    try:
        check_length(req.headers)
        return commanded(name, command, req.get_body(), caller(req.headers, req.params))
    except InvalidCommand as error:
        return answer(400, error=str(error))


def commanded(name: str, command: str, body: bytes, by: str) -> func.HttpResponse:
    """Carries a command out. InvalidCommand where the body means nothing."""
    call = Call(name, flows()[name], Served(wiring, flows), by)
    answered = run_command(command, call, body)
    return answer(answered.status, **answered.body)
