"""E-mail events: what Campaign tells of each message, and what becomes of it in Dataverse. Pure,
but for nothing.

document = read_events_document(text)
event    = read_row(...) | read_journal(...)     one event, in our own words
activity = activity_of(event, ...)               one row of an activity table
"""
