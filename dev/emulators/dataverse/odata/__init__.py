"""The query language: expressions, options, and their way into SQL.

Source: Microsoft Learn, "Query data using the Web API" and "Filter rows using OData".
"""
