"""What people do from the console: each act with its plan (shared/console/plans.py)."""
