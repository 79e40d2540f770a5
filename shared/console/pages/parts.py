"""The console's own files: style, script, icon."""

from shared.console.outgoing import Answer, File, View
from shared.console.rendering import static_asked
from shared.console.sentences import sentence
from shared.console.visit import Visit


def static(visit: Visit) -> Answer:
    found = static_asked(visit.parts["name"])
    if found is None:
        said = sentence("not_found", visit.look.language)
        return View("refused", {"error": "not_found", "sentence": said}, 404)
    content, kind = found
    return File(content, kind, cached=True)
