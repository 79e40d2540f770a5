"""Settings of pace, waiting and brakes (shared/settings.py)."""

from pydantic import Field

from shared.setting_types import Part


class PaceSettings(Part):
    """How fast the flows go, how long they wait, and what they ask a person about."""

    parent_wait_days: float = Field(
        7,
        gt=0,
        le=365,
        description="How long a record waits for its parent before it is a dead letter",
    )
    poll_budget_seconds: float = Field(
        240, gt=0, le=540, description="Longest run of one poll; the next tick goes on"
    )
    queue_limit_messages: int = Field(
        300, ge=1, description="No page is read while a queue holds more messages"
    )
    claim_lease_seconds: float = Field(
        120, ge=5, le=600, description="How long a dead instance's claim holds others off"
    )
    retry_hours: float = Field(
        48,
        gt=0,
        le=720,
        description=(
            "How long a record that keeps failing is tried before it is a dead letter; an opt-out"
            " is tried for ever"
        ),
    )
    retry_delay_seconds: float = Field(
        5, ge=0, le=3600, description="First delay before a failed record is sent again"
    )
    retry_delay_max_seconds: float = Field(
        600, ge=0, le=86400, description="Longest delay before a failed record is sent again"
    )
    paused_delay_seconds: float = Field(
        60,
        ge=1,
        le=3600,
        description=(
            "How long messages of a stopped or failed flow sleep, and how often its cause is tried"
        ),
    )
    delete_brake_percent: float = Field(
        5,
        ge=0,
        le=100,
        description=(
            "Share of the records; a flow asks before it deletes, clears or opts in again more than"
            " both brakes"
        ),
    )
    delete_brake_records: int = Field(
        100,
        ge=0,
        description=(
            "Number of records; a flow asks before it deletes, clears or opts in again more than"
            " both brakes"
        ),
    )
    mapping_cache_seconds: float = Field(
        10, ge=0, le=300, description="How long an instance goes on with a known mapping"
    )
