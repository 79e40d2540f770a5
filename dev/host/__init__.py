"""A local stand-in for Azure Functions Core Tools: runs a Python v2 function app against Azurite.

It drives `azure-functions-runtime`, the library that indexes, converts and invokes in Azure, and
does around it what the Functions host does: HTTP routes and keys, timers, storage queues, queue
outputs, retries, the admin API. One process is one instance, because the library keeps its registry
in module globals.

What it does not do, it refuses: a function with any other binding is reported "in error" and the
others run on.
"""
