"""Definitions of tables and columns over the API.

Source: Microsoft Learn, "Query table definitions using the Web API", "Create and update table
definitions using the Web API".
"""
