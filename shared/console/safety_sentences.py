"""Why a delivery should not start (shared/opt_out/safety.py), each with the next step."""

from collections.abc import Mapping

from shared.console.plurals import Text

SAFETY: Mapping[str, Text] = {
    "unsafe_disabled": (
        "Opt-outs are not carried: OPT_OUT_MODE is disabled. An administrator sets it to `both`."
    ),
    "unsafe_unknown": "It is not known now: {cause} Ask again in a minute.",
    "unsafe_expired": (
        "Dynamics must be read as a whole, for its change token has expired. That begins by itself."
    ),
    "unsafe_stopped": "Flow {name} was stopped: {cause} Start it on its page.",
    "unsafe_failed": "Flow {name} has failed: {cause}",
    "unsafe_whole": "{side} is being read as a whole. Wait until that is complete.",
    "unsafe_late": "{side} was not read to its end in time. See on the flow's page why it is late.",
    "unsafe_file": "No export of opt-outs has come. See whether Campaign's workflow runs.",
    "unsafe_queue": (
        "{count} message with opt-outs is on its way. Wait a minute.",
        "{count} messages with opt-outs are on their way. Wait a minute.",
    ),
    "unsafe_poison": (
        "{count} message with opt-outs was set aside. Replay the dead letters of this flow.",
        "{count} messages with opt-outs were set aside. Replay the dead letters of this flow.",
    ),
    "unsafe_letters": (
        "{count} opt-out was refused. Look at its dead letter, which says what to do.",
        "{count} opt-outs were refused. Look at the dead letters; each says what to do.",
    ),
    "unsafe_waiting": (
        (
            "{count} opt-out waits to be written, or for its contact to be processed. That goes on"
            " by itself while both flows run."
        ),
        (
            "{count} opt-outs wait to be written, or for their contact to be processed. That goes"
            " on by itself while both flows run."
        ),
    ),
    "unsafe_resting": (
        "{count} opt-out waits until it is tried again. That goes on by itself.",
        "{count} opt-outs wait until they are tried again. That goes on by itself.",
    ),
    "unsafe_writing": "Opt-outs are being written right now. Wait a minute.",
    "unsafe_unread": (
        (
            "{side} has {count} change of opt-outs, or more, that was not read yet. Read both"
            " systems now, or wait a minute."
        ),
        (
            "{side} has {count} changes of opt-outs, or more, that were not read yet. Read both"
            " systems now, or wait a minute."
        ),
    ),
    "unsafe_many": "{side} has more changes than can be looked through now. Wait until it is read.",
    "part_safe": "May a delivery start",
    "part_feeds": "Both feeds",
    "part_decisions": "Decisions of the day",
}
