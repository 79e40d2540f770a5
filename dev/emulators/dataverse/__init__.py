"""A local Dataverse: the Web API of one organization, faithful enough for the vendor's own client.

server.py       the web application: tokens, limits, headers, control routes
api.py          who does what a request asks for
registry.py     tables and columns, which are data (tables/*.yaml at the start)
store.py        rows in SQLite, the version counter
reading.py      rows by key and by query
rendering.py    rows as JSON, made by SQLite
paging.py       cookies
tracking.py     change tracking
odata/          the query language
metadata/       definitions
writing.py      single rows
values.py, payloads.py, rules.py    what may be written, and what follows from it
activities.py   tables that share a base row
merging.py      Merge
solutions.py    where a new component lands
bulk.py         CreateMultiple and its kin
batch.py        $batch
webhooks.py     delivery
steps.py        registrations
execution_context.py    the body of a webhook
access.py       users, what they may do
roles.py        security roles
limits.py       429
seeding.py      synthetic contacts

Beside the control routes that all emulators have:

    POST /_emulator/seed      {"contacts": N, "seed": S, "offset": 0}: contacts, no webhooks
    GET  /_emulator/webhooks  -> {"delivered", "failed", "pending", "attempts"}
    POST /_emulator/limits    {"requests": N, "execution_ms": N, "concurrency": N, "window_seconds":
                              300}; {} switches off
    POST /_emulator/access    {"privileges": {"prvReadContact": "Basic"}, "strict": false}; {} gives
                              everything back
    POST /_emulator/bulk      {"without": ["acs_emailsend"]}  tables that lack CreateMultiple and
                              its kin; {} gives them back
    POST /_emulator/expire_change_tokens  {}; as a fault's action: {"expire_change_tokens": true}
"""
