"""Opt-out: each contact's opt-outs are the same in Dynamics and in Campaign.

documents  which column goes with which flag
deciding   the rules, pure
sides      reading and writing a contact, a profile
feeds      what has changed in Campaign: filter, scan or file
flow       what the steps need to know
safety     whether a delivery may start
"""
