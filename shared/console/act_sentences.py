"""What plan pages, jobs and the activity log say for a code (shared/console/sentences.py).

`plan_<kind>` is a plan's title and `do_<kind>` its button; `act_<code>` names an act in the list.
"""

from collections.abc import Mapping

from shared.console.plurals import Text

ACT_SENTENCES: Mapping[str, Text] = {
    "no_such_act": "There is no such act, so nothing was done. Open the page again.",
    "no_flow": "There is no such flow, so nothing was done. Go to the overview for the others.",
    "plan_over": (
        "This plan is over: it is good for ten minutes, and once. Nothing was done now."
        " Begin again if it is still wanted."
    ),
    "plan_taken": (
        "This was ordered a moment ago, so it is not done twice. The activity page shows it."
    ),
    "plan_late": (
        "What exactly would be done was not known within 25 seconds: a system is slow, or does not"
        " answer. Nothing was done. Try again in a minute."
    ),
    "act_broken_off": (
        "The act was broken off: {cause} What it had done by then stays done. Look at what it was"
        " about, and at the activity list, before you begin again."
    ),
    "plan_of_another": (
        "Somebody else made this plan, so nothing was done. Begin again with your own account."
    ),
    "type_the_number": (
        "Nothing was done yet: type the number {number} to say that so many are meant."
    ),
    "say_why": "Nothing was done yet: say why, so that others can read it.",
    "why_too_long": "The reason has more than 200 characters or a line break. Shorten it.",
    "why_personal": (
        "The reason seems to hold an e-mail address or a telephone number. It is kept for 400"
        " days: leave out what names a customer."
    ),
    "no_filter": "The filter cannot be read, so nothing was done. Set it again on the page.",
    "none_ticked": "No record is ticked, so nothing was done. Tick some, then press the button.",
    "no_letters": "No dead letter matches any more, so nothing was done.",
    "too_many_letters": (
        "The flow has more than {most} dead letters, so nothing was done. Choose some by their ids,"
        " or replay all of them with `manage.py flow`."
    ),
    "no_record": "There is no such record here, so nothing was done. Search for it again.",
    "must_run": "{name} does not run, so nothing was done. Start it first.",
    "is_running": "{name} runs already, so nothing was done.",
    "is_stopped": "{name} is stopped already, so nothing was done.",
    "reads_nothing": "{name} reads nothing by itself, so nothing was done.",
    "reads_once": (
        "The source of {name} is read once, so nothing was done. Put its file back to read it"
        " again."
    ),
    "answer_first": (
        "{name} asks about {count} record, so it was not started. Answer on the page of the flow.",
        (
            "{name} asks about {count} records, so it was not started. Answer on the page of the"
            " flow."
        ),
    ),
    "question_changed": (
        "{name} does not ask any more what was shown, so nothing was done. Look at its page again."
    ),
    "flow_changed": (
        "{name} was stopped or has failed since the plan was shown (by {by}), so nothing was done."
        " Look at the reason on its page."
    ),
    "no_file": (
        "There is no such file any more, so nothing was done. Load the page again to see what is"
        " there."
    ),
    "reads_no_files": "No exported files are read here, so nothing was done.",
    "no_job": "There is no such job. One is kept for 30 days after its end.",
    "job_is_over": "The job is over, so nothing was done.",
    "as_it_is": "{text}",
    "label_what": "What",
    "label_which": "Which",
    "label_how": "How",
    "label_reason": "Reason",
    "label_field": "Field",
    "label_version": "Mapping",
    "label_waiting": "Waiting",
    "label_until": "Until when",
    "label_question": "Asked",
    "label_answer": "Answer",
    "label_tried": "Tried now, nothing written",
    "label_costs": "Costs",
    "label_takes": "Takes",
    "label_opt_outs": "Opt-outs",
    "label_stay": "What stays",
    "label_then": "Then",
    "plan_stop": "Stop {name}?",
    "do_stop": "Stop",
    "act_stop": "stop",
    "stop_what": "It reads and writes nothing more, until somebody starts it.",
    "stop_waiting": (
        "{count} record waits. It stays where it is, and is not lost.",
        "{count} records wait. They stay where they are, and are not lost.",
    ),
    "stop_until": (
        "Dynamics remembers changes for some days. After a longer stop everything is read again."
    ),
    "plan_replay_changed": "Send what was changed to {name} again?",
    "do_replay_changed": "Send it again",
    "act_replay_changed": "replay of what was changed",
    "which_changed": (
        "{count} record of {name} that Dynamics has changed since {since}.",
        "{count} records of {name} that Dynamics has changed since {since}.",
    ),
    "which_changed_more": (
        "More than {count} records of {name} that Dynamics has changed since {since}; these are"
        " the first."
    ),
    "how_changed": (
        "Each is read in Dynamics and written by version {version} of the mapping, whatever the"
        " bridge remembers of it."
    ),
    "changed_unknown": (
        "Nobody can be asked what was changed in {name}, so nothing was done. Replay all of it."
    ),
    "no_moment": "Nothing was done yet: say since when, as a moment that is over.",
    "nothing_changed": "Dynamics has changed no record of {name} since then: nothing was done.",
    "job_changed": "Replay of what was changed",
    "plan_put_back": "Put the file back?",
    "do_put_back": "Put back",
    "act_put_back": "file put back",
    "which_file": "This file, of {bytes} bytes:",
    "put_back_processed": (
        "It goes back into the export folder, and is read again from its first line. Events that"
        " are in Dynamics already are not written twice."
    ),
    "put_back_rejected": (
        "It goes back into the export folder, and is read again from its first line. It is rejected"
        " again unless its fault is gone: mend it first, or the form in the events document."
    ),
    "put_back_then": (
        "It is read once it has stayed as it is for the settled time. Where the export folder has a"
        " file of its name, it gets a number."
    ),
    "plan_start": "Start {name}?",
    "do_start": "Start",
    "act_start": "start",
    "start_what": "It reads on from where it stood, and writes what waits.",
    "question_deleted": (
        "{count} record of {of} is gone from Dynamics.",
        "{count} records of {of} are gone from Dynamics.",
    ),
    "question_deleted_filtered": (
        "{count} record of {of} is gone from Dynamics, or left out by the filter.",
        "{count} records of {of} are gone from Dynamics, or left out by the filter.",
    ),
    "question_filtered": (
        "{count} record of {of} is left out by the filter of the mapping.",
        "{count} records of {of} are left out by the filter of the mapping.",
    ),
    "question_cleared": (
        "Fields of {count} record of {of} become empty that held a value.",
        "Fields of {count} records of {of} become empty that held a value.",
    ),
    "question_opted_in": (
        "{count} opt-out of {of} would be taken back.",
        "{count} opt-outs of {of} would be taken back.",
    ),
    "answer_confirm": (
        "Do it for this {count}. What is deleted or emptied is not undone.",
        "Do it for all {count}. What is deleted or emptied is not undone.",
    ),
    "answer_discard": (
        "Leave this {count} as it is in Campaign.",
        "Leave all {count} as they are in Campaign.",
    ),
    "holds_for_version": (
        "The answer holds for version {version} of the mapping. Under a newer one it asks again."
    ),
    "plan_poll": "Read {name} now?",
    "do_poll": "Read now",
    "act_poll": "read now",
    "poll_what": "Sources are asked now for what has changed since they were last read.",
    "poll_harmless": "Nothing is sent that has not changed.",
    "plan_replay_letters": "Replay dead letters of {name}: {count}?",
    "do_replay_letters": "Replay {count}",
    "act_replay_letters": "replay of dead letters",
    "which_ticked": (
        "{count} ticked dead letter of {name}",
        "{count} ticked dead letters of {name}",
    ),
    "which_match": (
        "{count} dead letter of {name} that matches",
        "{count} dead letters of {name} that match",
    ),
    "how_read_again": (
        "Each is read from Dynamics again and mapped with version {version}. They were refused by"
        " {refused}."
    ),
    "how_as_kept": (
        "Each is sent as it was kept, under version {version} of the document. They were refused by"
        " {refused}."
    ),
    "opt_outs_untouched": "They are not touched: they have their own flow.",
    "not_tried": "It could not be tried: {cause}",
    "tried_too_late": "It could not be tried within {seconds} seconds: a system is slow now.",
    "would_saved": "{count} would be written.",
    "would_created": "{count} would be created.",
    "would_updated": "{count} would be updated.",
    "would_deleted": (
        "{count} is gone from Dynamics and would be deleted.",
        "{count} are gone from Dynamics and would be deleted.",
    ),
    "would_gone": (
        "{count} is gone from Dynamics, and is not in Campaign.",
        "{count} are gone from Dynamics, and are not in Campaign.",
    ),
    "would_unchanged": (
        "{count} needs no write: nothing has changed.",
        "{count} need no write: nothing has changed.",
    ),
    "would_stale": (
        "{count} needs no write: a newer version has arrived.",
        "{count} need no write: a newer version has arrived.",
    ),
    "would_filtered": (
        "{count} is left out by the filter: {reason}",
        "{count} are left out by the filter: {reason}",
    ),
    "would_reconciled": "{count} would be read in both systems, and decided then.",
    "would_refused": "{count} would be refused again: {reason}, field {field}.",
    "would_meets_bug": "{count} would meet a bug of the bridge, and stay.",
    "cost_calls": (
        "About {calls} call to the other system.",
        "About {calls} calls to the other system.",
    ),
    "cost_minutes": (
        "About {minutes} minute at the rate of the last five.",
        "About {minutes} minutes at the rate of the last five.",
    ),
    "plan_discard_letters": "Discard dead letters of {name}: {count}?",
    "do_discard_letters": "Discard {count}",
    "act_discard_letters": "discard of dead letters",
    "discard_what": (
        "{count} dead letter is removed, with what was kept of its record. That cannot be undone.",
        (
            "{count} dead letters are removed, with what was kept of their records. That cannot be"
            " undone."
        ),
    ),
    "left_UNREADABLE": (
        "{count} could not be read. Fix the file and put it back, or discard it.",
        "{count} could not be read. Fix the file and put it back, or discard them.",
    ),
    "left_NOT_KEPT": (
        "{count} is not kept any more. Put its file back, or discard it.",
        "{count} are not kept any more. Put their file back, or discard them.",
    ),
    "left_OPT_OUT": (
        "{count} is an opt-out of a contact, which is never discarded.",
        "{count} are opt-outs of contacts, which are never discarded.",
    ),
    "left_UNCHECKED": (
        "{count} is an opt-out that could not be read. Tick that you have checked it first.",
        "{count} are opt-outs that could not be read. Tick that you have checked them first.",
    ),
    "stays_UNREADABLE": (
        "It could not be read, so it is not replayed. Fix the file and put it back, or discard it."
    ),
    "stays_NOT_KEPT": "It is not kept any more. Put its file back, or discard the dead letter.",
    "stays_OPT_OUT": (
        "An opt-out of a contact is never discarded, so nothing was done. Fix what the dead letter"
        " names, then replay it."
    ),
    "stays_UNCHECKED": (
        "These opt-outs could not be read, so nothing was done. Say that both systems have them: a"
        " tick, or `checked`."
    ),
    "plan_send_again": "Send this record of {name} again?",
    "do_send_again": "Send again",
    "act_send_again": "record sent again",
    "which_record": "One record of {name}",
    "how_one": "It is read from Dynamics again, mapped with version {version}, and written.",
    "plan_replay_all": "Read and send all of {name} again?",
    "do_replay_all": "Replay all",
    "act_replay_all": "replay of all",
    "which_all": "All records of {name}: about {count}",
    "which_all_uncounted": "All records of {name}. The watch has not counted them yet.",
    "how_all": "The next poll begins to read everything. Each record is written, changed or not.",
    "once_stays": "One source is read once: what it told is not read again.",
    "plan_cancel_job": "Cancel this job of {name}?",
    "do_cancel_job": "Cancel the job",
    "act_cancel_job": "job cancelled",
    "cancel_what": "It goes no further. Done so far: {done}",
    "cancel_some": "What is done stays done. The others stay dead letters.",
    "cancel_all": "The read goes on, and writes only what has changed.",
    "no_such_place": "The list does not go on there. Open the page again.",
    "job_dead_letters": "Replay of all dead letters",
    "job_letters": "Replay of dead letters",
    "job_discard": "Discard of dead letters",
    "job_discard_checked": "Discard of dead letters",
    "job_all": "Replay of all",
    "job_poll": "Read now",
    "job_held": "Answer to a question",
    "job_deletions": "Deletions that were missed",
    "job_state_running": "It runs.",
    "job_state_waiting": "It waits.",
    "job_state_done": "It is done.",
    "job_state_cancelled": "It was cancelled.",
    "job_waits_flow_stopped": "The flow is stopped. The job goes on when somebody starts it.",
    "job_waits_flow_failed": "The flow has failed. The job goes on when it runs again.",
    "job_waits_queue_is_long": "The queue is long. The job goes on when it is shorter.",
    "job_waits_polls": "The polls read everything now.",
    "ended_up_to_date": "Everything was read.",
    "ended_queue_is_long": "The queue is long. The next poll goes on.",
    "ended_read_already": "Another poll is reading it at this moment.",
    "ended_stopped": "The flow is stopped.",
    "ended_failed": "The flow has failed. Its page says why.",
    "count_handed_off": "Sent",
    "count_under_way": "On their way already",
    "count_discarded": "Discarded",
    "count_read": "Rows read",
    "count_polls": "Reads",
    "count_UNREADABLE": "Stay: what could not be read is not replayed",
    "count_NOT_KEPT": "Stay: the record is not kept any more",
    "count_OPT_OUT": "Stay: an opt-out of a contact is never discarded",
    "count_UNCHECKED": "Stay: an opt-out that could not be read and was not checked",
    "result_begun": "not finished",
    "result_done": "done",
    "result_failed": "failed",
    "result_cancelled": "cancelled",
    "act_job_ended": "job ended",
    "act_flow_failed": "flow failed",
    "act_flow_runs": "flow runs again",
}
