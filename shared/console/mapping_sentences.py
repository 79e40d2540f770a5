"""What the mapping pages say for a code (shared/console/sentences.py)."""

MAPPING_SENTENCES = {
    "preview_late": (
        "Dataverse and Campaign did not answer within 15 seconds, so nothing can be shown. Try"
        " again in a minute."
    ),
    "no_mapping": "This table has no mapping document. Add one on the page Mappings.",
    "no_version": "There is no such version. The tab Versions lists them.",
    "no_draft": "There is no draft of {table}, so nothing was done. Change something first.",
    "name_both": "Choose a table and a resource of Campaign. Nothing was done.",
    "mapped_already": "{table} has a document or a draft already. Open it on the page Mappings.",
    "system_silent": "{system} did not answer, so nothing was done. Try again in a minute. {why}",
    "document_too_long": "The document has more than {most} characters. Nothing was saved.",
    "draft_changed": (
        "The draft was changed meanwhile, last by {who}. Nothing was activated. Open the"
        " mapping, and look at what it says now."
    ),
    "draft_behind": (
        "Version {version} was activated after this draft was saved. Look at the differences,"
        " and save the draft again. Then activate it."
    ),
    "version_active": "Version {version} is the active one, so nothing was done.",
    "mapping_changed": (
        "Another document of {table} was put meanwhile, so nothing was activated. Open the"
        " mapping, and look at the active version."
    ),
    "no_guid": (
        "One of the ids is none, or there are more than {most}, so nothing was read. Give whole"
        " ids with a space between two, such as 0f8fad5b-d9cb-469f-a165-70867728950e."
    ),
    "not_sound": "The document has problems, so nothing was done. {problem}",
    "label_changes": "Changes",
    "label_then": "Then",
    "label_undo": "To undo it",
    "mapping_version_new": (
        "It becomes version {number}. The flow uses it within seconds, without a restart."
    ),
    "mapping_lines": "Lines added: {added}. Lines taken out: {removed}.",
    "mapping_reads_all": (
        "It reads other columns than before: the next poll reads every row again. A record whose"
        " mapped values are the same costs no call to Campaign."
    ),
    "mapping_reads_changes": (
        "It reads the same columns. It applies to records as they change. To apply it to all,"
        " replay the flow afterwards."
    ),
    "mapping_tried_none": "The table has no row.",
    "mapping_tried_same": "{count} of {of} rows: as now.",
    "mapping_tried_changes": "{count} of {of} rows: some fields get another value.",
    "mapping_tried_new": "{count} of {of} rows: sent for the first time.",
    "mapping_tried_comes_in": "{count} of {of} rows: sent from now on, which they are not today.",
    "mapping_tried_left_out": "{count} of {of} rows: left out by the filters.",
    "mapping_tried_refused": "{count} of {of} rows: refused. The tab Preview names field and rule.",
    "mapping_undo": "Go back to the version of now, on the tab Versions.",
    "plan_mapping_in_force": "Activate the draft of {name}?",
    "do_mapping_in_force": "Activate",
    "act_mapping_in_force": "activated a mapping",
    "plan_mapping_back": "Go back to an earlier version of {name}?",
    "do_mapping_back": "Go back",
    "act_mapping_back": "went back to an earlier mapping",
    "act_mapping_draft_saved": "saved a draft",
    "act_mapping_draft_discarded": "discarded a draft",
    "act_document_in_force": "activated a document",
    "preview_same": "as now",
    "preview_changes": "other values",
    "preview_new": "new",
    "preview_comes_in": "is sent from now on",
    "preview_left_out": "left out by the filters",
    "preview_refused": "refused",
    "key_filtered_out": "Rows that leave the filters",
    "key_deletes": "Deletions in Dynamics",
    "key_choices": "Choices as texts",
    "value_keep": "keep the record in Campaign",
    "value_delete": "delete the record in Campaign",
    "value_apply": "delete the record in Campaign",
    "value_ignore": "keep the record in Campaign",
    "value_label": "their label",
    "value_value": "their number",
    "invalid_reject": "refuse the record",
    "invalid_omit": "leave the field out",
    "invalid_cut": "cut the text",
}
