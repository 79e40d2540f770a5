"""Versioned documents of every kind: which is active, and what it was compiled to."""
