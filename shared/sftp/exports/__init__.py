"""Exported files, whatever put them there: bytes become lines, lines records, records pages of
changes.
"""
