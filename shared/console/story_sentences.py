"""What the console says of one record: how it stands, why, and what to do next."""

from collections.abc import Mapping

from shared.console.plurals import Text

STORY: Mapping[str, Text] = {
    "never_seen": (
        "Neither the bridge nor a system that was asked has the record {id}. Look at the id, and"
        " see whether its table has a mapping."
    ),
    "standing_as_it_should": "As it should be",
    "standing_differs": "Not as it should be",
    "standing_refused": "Refused",
    "standing_waiting": "It waits",
    "standing_unknown": "Not known",
    "why_same": "Both systems hold the same in all fields that the mapping keeps: {count}.",
    "why_gone": "It was deleted in Dynamics, and is not in Campaign.",
    "why_nowhere": "Neither system has it, and the bridge has never seen it. Look at the id.",
    "why_deletes_ignored": (
        "It was deleted in Dynamics. Campaign keeps it: the mapping says `deletes: ignore`."
    ),
    "why_not_deleted": (
        "It was deleted in Dynamics, and is still in Campaign. Send it again: that deletes it."
    ),
    "why_filtered": "The filters of the mapping leave it out, by their condition: {reason}.",
    "why_filtered_kept": "Campaign keeps what it had: the mapping says `filtered_out: keep`.",
    "why_not_taken_out": "It is still in Campaign. Send it again: that takes it out.",
    "why_refused_now": (
        "The mapping refuses it: {field} breaks the rule {reason}. Correct the value in Dynamics,"
        " or the mapping."
    ),
    "why_letter": (
        "It was refused for {reason}. The dead letter below says what to do. A record that is"
        " corrected in Dynamics is sent by itself. After a change of the mapping, replay it."
    ),
    "why_never_seen": (
        "It is in Dynamics, not in Campaign, and the bridge has not seen it yet. If it was made"
        " just now, look again in a minute. Else send it."
    ),
    "why_on_its_way": (
        "Dynamics has a newer version than the bridge has settled: it is on its way."
    ),
    "why_lost": (
        "It is not in Campaign, although the bridge has written it: somebody has deleted it there."
        " Send it again."
    ),
    "why_fields_differ": (
        (
            "{count} field differs, and nothing is on its way: it was changed in Campaign. Send it"
            " again to write what Dynamics says."
        ),
        (
            "{count} fields differ, and nothing is on its way: they were changed in Campaign. Send"
            " it again to write what Dynamics says."
        ),
    ),
    "why_unasked": "{part} cannot be asked now, so it cannot be compared. Load the page again.",
    "why_flow_failed": "Its flow has failed: {reason}",
    "why_flow_stopped": "Its flow was stopped by {by}. Start it on the flow's page.",
    "why_first_read": (
        "Its table is being read as a whole, and {rows} rows were read so far: its turn may come."
    ),
    "why_trouble": "The last read was interrupted: {reason}",
    "why_opt_out_to_come": (
        "It is opted out in Dynamics, and Campaign may still send it such messages: {flags}. The"
        " opt-out is on its way while its flow runs. See that flow, and its dead letters."
    ),
    "why_opted_out": "It is opted out, so Campaign sends it no such message: {flags}.",
    "why_doubt": (
        "A write had no answer, so Campaign may hold something else. It is written once more when"
        " that is over."
    ),
    "wait_target": (
        "A call to Campaign failed. It is made again by itself, until it succeeds or becomes a"
        " dead letter."
    ),
    "wait_flow_failed": "Its flow has failed. It goes on when the cause is gone.",
    "wait_fault": (
        "The bridge has met a bug of its own. If it meets it five times, the message is set aside."
        " Report it with this id."
    ),
    "wait_parent": (
        "Its parent in {table}, {id}, is not in Campaign yet. Look at the parent's story."
    ),
    "wait_no_parent": (
        "A lookup that the mapping requires is empty. Fill it in Dynamics; the bridge goes on by"
        " itself."
    ),
    "wait_children": "It leaves Campaign after its children, which leave now.",
    "wait_contacts": "The contacts flow must come to this contact first. It calls by itself.",
    "wait_brake": (
        "Too many such changes came at once, so the flow asks a person. Answer on the flow's page."
    ),
    "wait_cut_off": "Its delivery was cut off. It is repeated by itself.",
    "same_same": "same",
    "same_differs": "differs",
    "same_campaigns_own": "set once, then Campaign's",
    "same_left_out": "left out or cut",
    "same_unknown": "not comparable",
    "outcome_created": "created",
    "outcome_updated": "updated",
    "outcome_deleted": "deleted",
    "outcome_unchanged": "unchanged",
    "outcome_stale": "older than what is there",
    "outcome_filtered": "left out",
    "outcome_waiting": "waits",
    "outcome_rejected": "refused",
    "outcome_no_contact": "without a contact",
    "event_send": "e-mail sent",
    "event_open": "e-mail opened",
    "event_click": "link clicked",
    "event_bounce": "e-mail bounced",
    "altered_omitted": "left out",
    "altered_cut": "cut",
    "act_look_at_values": "look at values",
    "act_download_record": "download for an access request",
    "act_run_checks": "checks run",
    "need_answer": "It asks a question: answer it on the flow's page.",
    "need_repair": "It tries again by itself, and goes on when the cause is gone.",
    "need_document": "The active version goes on. Correct the document.",
    "waits_target": "sent again after a failed call: {count}",
    "waits_flow_failed": "waiting for the flow: {count}",
    "waits_fault": "met a bug: {count}",
    "waits_parent": "waiting for a parent: {count}",
    "waits_no_parent": "without a required parent: {count}",
    "waits_children": "leaving after their children: {count}",
    "waits_contacts": "waiting for the contacts flow: {count}",
    "waits_brake": "waiting for an answer: {count}",
    "waits_cut_off": "cut off: {count}",
    "waits_flow": "came while the flow did not run: {count}",
    "waits_busy": "a system or the storage had no time: {count}",
    "waits_doubt": "written once more after a write without an answer: {count}",
    "part_activity": "Latest activity",
    "part_state": "The bridge's state",
    "part_dynamics": "Dynamics",
    "part_campaign": "Campaign",
    "part_family": "Parents and children",
    "part_opt_outs": "Opt-outs",
    "part_events": "E-mail events",
    "part_findings": "What the checks have found",
    "finding_ok": "fine",
    "finding_warning": "warning",
    "finding_error": "error",
    "finding_skipped": "not looked at",
    "origin_given": "given",
    "origin_default": "default",
    "origin_none": "not set",
    "part_late": (
        "{part}: no answer within three seconds, so this part is missing. Load the page again."
    ),
    "part_failed": "{part}: this part is missing. {cause}",
    "nothing_to_find": (
        "Give an id, an e-mail address or a business key, of 200 characters at most."
    ),
    "nothing_found": (
        "Nothing was found: neither Dynamics nor the bridge knows it. Look at the spelling. Give"
        " the whole id, address or key: a part of it is not looked for, nor a person's name. A"
        " record of a table without a mapping is not known here."
    ),
}
