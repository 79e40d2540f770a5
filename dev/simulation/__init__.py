"""A deterministic simulation of the whole bridge: the product's own code, one seed, virtual time,
faults at every I/O.

scheduler.py    tasks and virtual time: a task runs until its next I/O, then the scheduler chooses
                who goes on
locks.py        locks, pools and futures that hand on to another task instead of blocking
draws.py        one seed decides everything: what is drawn has a name, so that a schedule can be
                shortened
faults.py       the kinds of faults, and which of them happens at an I/O
tables.py, queues.py, blobs.py    storage in memory behind the interface of Azure's clients;
                                  odata.py reads queries
storage.py      the three services with their faults, and the repetitions of Azure's clients
systems.py      Dataverse and Campaign: the emulators' own cores behind the product's `Send`
host.py         instances of the app: queue listeners, timers, webhooks, kills, freezes
patches.py      puts the simulated clock, locks, random numbers and clients into the product's
                modules
people.py       what people do meanwhile
checks.py       what must hold, always and when all is quiet
runs.py         one seed from start to quiet; shrinking; many seeds

Style: FoundationDB, "Simulation and Testing"; TigerBeetle, "VOPR". `manage.py bench simulation`
plays it.
"""
