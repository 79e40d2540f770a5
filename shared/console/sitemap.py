"""Every address of the console, with its least role: who is not named here gets nothing."""

from shared.console.pages import (
    activity,
    events,
    jobs,
    letters,
    mapping,
    mapping_edits,
    mapping_preview,
    mappings,
    opt_outs,
    plans,
    records,
    set_up,
    story,
)
from shared.console.pages.flow import flow
from shared.console.pages.me import change_look, me, signed_out
from shared.console.pages.overview import overview
from shared.console.pages.parts import static
from shared.console.roles import Least
from shared.console.routes import Route

ROUTES = (
    Route("GET", "/static/{name}", Least.NOBODY, static),
    Route("GET", "/signed-out", Least.NOBODY, signed_out),
    Route("POST", "/sign-out", Least.SIGNED_IN, signed_out),
    Route("GET", "/me", Least.SIGNED_IN, me),
    Route("POST", "/me", Least.SIGNED_IN, change_look),
    Route("GET", "", Least.VIEWER, overview),
    Route("GET", "/flows/{flow}", Least.VIEWER, flow),
    Route("GET", "/records", Least.VIEWER, records.records),
    Route("POST", "/find", Least.VIEWER, records.find_records),
    Route("GET", "/records/{flow}/{id}", Least.VIEWER, story.story),
    Route("POST", "/records/{flow}/{id}/values", Least.PERSONAL_DATA, story.values),
    Route("POST", "/records/{flow}/{id}/download", Least.PERSONAL_DATA, story.download),
    Route("GET", "/dead-letters", Least.VIEWER, letters.dead_letters),
    Route("GET", "/dead-letters/download", Least.VIEWER, letters.download, True),
    Route("GET", "/mappings", Least.VIEWER, mappings.mappings),
    Route("GET", "/mappings/add", Least.MAPPER, mappings.add),
    Route("POST", "/mappings/add", Least.MAPPER, mappings.propose),
    Route("GET", "/mappings/{table}", Least.VIEWER, mapping.fields_tab),
    Route("GET", "/mappings/{table}/yaml", Least.VIEWER, mapping.yaml_tab),
    Route("GET", "/mappings/{table}/words", Least.VIEWER, mapping.completion, True),
    Route("GET", "/mappings/{table}/versions", Least.VIEWER, mapping.versions_tab),
    Route("GET", "/mappings/{table}/versions/{number}", Least.VIEWER, mapping.version_page),
    Route("GET", "/mappings/{table}/preview", Least.VIEWER, mapping_preview.form),
    Route("POST", "/mappings/{table}/preview", Least.MAPPER, mapping_preview.without_values),
    Route(
        "POST", "/mappings/{table}/preview/values", Least.PERSONAL_DATA, mapping_preview.with_values
    ),
    Route("POST", "/mappings/{table}/check", Least.MAPPER, mapping_edits.check),
    Route("POST", "/mappings/{table}/save", Least.MAPPER, mapping_edits.save),
    Route("POST", "/mappings/{table}/rule", Least.MAPPER, mapping_edits.change_rule),
    Route("POST", "/mappings/{table}/settings", Least.MAPPER, mapping_edits.change_settings),
    Route("POST", "/mappings/{table}/discard", Least.MAPPER, mapping_edits.discard),
    Route("POST", "/plans", Least.ACTOR, plans.make),
    Route("GET", "/plans/{id}", Least.ACTOR, plans.show),
    Route("POST", "/plans/{id}", Least.ACTOR, plans.carry),
    Route("GET", "/jobs/{id}", Least.VIEWER, jobs.job),
    Route("GET", "/jobs/{id}/download", Least.VIEWER, jobs.download, True),
    Route("GET", "/activity", Least.VIEWER, activity.activity),
    Route("GET", "/activity/download", Least.VIEWER, activity.download, True),
    Route("GET", "/events", Least.VIEWER, events.events),
    Route("GET", "/setup", Least.VIEWER, set_up.set_up),
    Route("POST", "/setup", Least.ACTOR, set_up.run_again),
    Route("GET", "/opt-outs", Least.VIEWER, opt_outs.opt_outs),
    Route("GET", "/opt-outs/download", Least.VIEWER, opt_outs.download, True),
)
"""`/sign-in` and `/signed-in` are the door's own (shared/console/front.py)."""
