"""What the console says of e-mail events and their files."""

from collections.abc import Mapping

EVENTS: Mapping[str, str] = {
    "part_figures": "Figures of the days",
    "part_files": "Files on the SFTP server",
    "period_1": "today",
    "period_7": "last 7 days",
    "period_30": "last 30 days",
    "folder_waiting": "waits to be read",
    "folder_processed": "read",
    "folder_rejected": "could not be read",
    "folder_stranger": "nobody reads it",
}
