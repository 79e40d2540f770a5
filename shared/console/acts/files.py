"""Put an exported file back: it is read again from its first line."""

from shared.console.acts.common import check_runs
from shared.console.plans import Carried, Plan, PlanKind
from shared.console.refusals import Refusal
from shared.console.roles import Least
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.events.flow import KEY
from shared.identifiers import is_file_name
from shared.sftp.client import RemoteFile
from shared.sftp.exports.positions import PROCESSED, REJECTED
from shared.state.plans import Line, Planned

PAGE = "/events"


def file_of(visit: Visit, folder: str, name: str) -> RemoteFile:
    """The file that was put aside. Refusal where there is none."""
    services = visit.services
    if services.settings.email_events_source not in ("files", "both"):
        raise Refusal(409, "reads_no_files")
    if folder not in (PROCESSED, REJECTED) or not is_file_name(name):
        raise Refusal(404, "no_file")
    found = services.looking_sftp.file(f"{exports(visit)}/{folder}/{name}")
    if found is None:
        raise Refusal(404, "no_file")
    return found


def exports(visit: Visit) -> str:
    return visit.services.settings.sftp_folder.rstrip("/")


def prepare(visit: Visit) -> Planned:
    form = visit.incoming.form
    folder, name = form.get("folder", ""), form.get("file", "")
    check_runs(visit, KEY)
    file = file_of(visit, folder, name)
    lines = [
        Line("label_which", "which_file", {"bytes": file.size}, [file.name]),
        Line("label_how", f"put_back_{folder}"),
        Line("label_then", "put_back_then"),
    ]
    arguments = {"folder": folder, "file": name}
    return Planned(name, name_of(KEY), lines, arguments, PAGE, 1)


def carry_out(visit: Visit, plan: Plan, why: str) -> Carried:
    arguments = plan.planned.arguments
    folder, name = str(arguments["folder"]), str(arguments["file"])
    file_of(visit, folder, name)
    root = exports(visit)
    visit.services.looking_sftp.move(f"{root}/{folder}/{name}", root or "/")
    return Carried(PAGE)


PUT_BACK = PlanKind("put_back", Least.OPERATOR, prepare, carry_out)
