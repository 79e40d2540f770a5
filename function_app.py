"""Registers the functions; nothing else. Each file in `functions/` is one use case."""

import azure.functions as func

from functions import (
    console,
    console_commands,
    console_pages,
    contacts,
    custom_entities,
    email_events,
    opt_out,
    poison,
)

app = func.FunctionApp()
app.register_functions(contacts.blueprint)
app.register_functions(custom_entities.blueprint)
app.register_functions(email_events.blueprint)
app.register_functions(opt_out.blueprint)
app.register_functions(console.blueprint)
app.register_functions(console_commands.blueprint)
app.register_functions(console_pages.blueprint)
app.register_functions(poison.blueprint)
