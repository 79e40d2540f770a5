"""Every row of the comparison of the local host with Azure's: the tests that hold it, or why none
does.

`docs/local-stack.md` lists for its readers where the local host differs; both tables name the same
points.
"""

import ast
import re

import pytest

from tests.contract.conformance.conftest import ROOT

HELD: dict[str, str] = {
    "which route wins": (
        "test_the_first_route_in_the_order_of_function_names_wins_not_the_most_exact"
    ),
    "a template that fails when the route is built: leading /, unknown constraint, bad argument "
    "of a constraint": (
        "test_a_template_that_parses_and_cannot_be_built_stops_the_app "
        "test_a_route_that_cannot_be_built_stops_the_whole_app_as_in_azure"
    ),
    "same route and method twice; route beginning admin or runtime": (
        "test_the_same_route_and_method_twice_is_the_first_functions"
        " test_a_route_that_begins_as_one_of_the_host_is_in_error"
    ),
    "templates that do not parse": (
        "test_a_template_that_does_not_parse_is_refused"
        " test_a_function_in_error_is_named_with_its_reason_and_the_others_run"
    ),
    "request body without Content-Length": "test_a_body_without_a_length_arrives_empty",
    "gzip body": "test_a_packed_body_arrives_as_it_was_sent",
    "body over 100 MiB": "test_a_body_of_more_than_100_mib_is_500",
    "empty query value": "test_a_query_as_the_function_sees_it",
    "query keys that differ in case": (
        "test_a_query_as_the_function_sees_it"
        " test_values_of_keys_in_two_spellings_are_joined_under_the_first"
    ),
    "double slashes in the path": (
        "test_a_path_is_decoded_and_rid_of_dots_before_a_route_is_looked_for"
    ),
    "dots in the path": (
        "test_a_path_is_decoded_and_rid_of_dots_before_a_route_is_looked_for"
        " test_a_path_is_read_as_the_server_reads_it"
    ),
    "bad bytes": (
        "test_a_parameter_is_decoded_but_for_slashes_and_what_is_no_utf_8"
        " test_bytes_that_are_no_ascii_in_the_path_are_400 test_a_header_that_is_no_utf_8_is_400"
        " test_a_request_without_host_is_400"
    ),
    "function returns str, dict, list": (
        "test_a_returned_text_as_recorded test_a_value_of_another_kind_as_recorded"
    ),
    "response header with non-ASCII, control character, space in its name": (
        "test_a_returned_response_as_recorded"
    ),
    "cookies": "test_a_cookie_as_recorded test_several_cookies_keep_their_attributes",
    "named HTTP output": "test_a_named_http_output_is_the_answer",
    "req.url": "test_the_url_that_a_function_sees",
    "time": (
        "test_a_caller_is_answered_when_the_front_end_has_waited_long_enough_and_the_run_goes_on"
    ),
    "CORS preflight when CORS is set": (
        "test_a_preflight_is_204_and_reaches_no_function"
        " test_only_an_allowed_origin_is_named_in_an_answer"
    ),
    "disabled function": (
        "test_a_disabled_function_asks_for_the_key_first"
        " test_a_disabled_function_is_there_for_the_master_key_only"
    ),
    "keys": (
        "test_a_key_in_the_header_goes_before_one_in_the_query test_where_a_key_is_looked_for"
        " test_a_key_opens_its_function_beside_the_others_until_it_is_taken_away"
        " test_the_shapes_of_the_key_api test_a_miss_reads_the_keys_anew_once_a_minute"
    ),
    "admin API": (
        "test_without_a_known_key_the_admin_api_is_401_and_asks_for_a_bearer"
        " test_with_a_key_of_the_host_the_admin_api_is_403"
        " test_a_run_by_hand_needs_a_body_that_is_said_to_be_json"
    ),
    "x-ms-client-principal": "test_a_principal_is_passed_on_as_the_caller_made_it_up",
    "constraints": "test_a_route_as_recorded",
    "%NAME% missing, bad schedule": (
        "test_a_function_in_error_is_named_with_its_reason_and_the_others_run "
        "test_an_app_that_cannot_be_indexed_ends_with_1_and_the_real_error"
    ),
    "AzureFunctionsJobHost__*": (
        "test_a_setting_beats_host_json_in_any_case"
        " test_a_retry_policy_of_a_queue_function_is_used_before_the_next_receipt"
    ),
    "values of extensions.queues out of range, not a number, or empty": (
        "test_a_value_of_queues_that_cannot_be_stops_the_host"
        " test_an_impossible_host_json_is_refused"
    ),
    "five-field cron, time spans, full names, */0": (
        "test_names_steps_and_the_meeting_of_both_days_are_understood"
        " test_what_is_no_schedule_is_refused"
    ),
    "newBatchThreshold absent": "test_the_threshold_is_half_a_batch_for_each_processor_by_default",
    "a log line of the app": (
        "test_a_line_of_the_app_is_as_it_was_formatted_and_cut_at_32768_characters"
    ),
    "a log line from a thread without the invocation's context": (
        "test_a_line_of_a_thread_without_the_invocations_context_is_dropped "
        "test_a_line_from_every_thread_has_the_id_of_the_invocation_that_it_works_for"
    ),
    "log level categories": (
        "test_the_longest_beginning_of_the_category_decides"
        " test_a_level_is_for_each_category_that_begins_so"
    ),
    "siteConfig.ftpsState on Flex Consumption": "test_flex_takes_every_property_and_setting",
    "package": "test_exactly_the_app_is_shipped test_git_leaves_out_what_may_hold_secrets",
    "requirements.txt": (
        "test_every_line_is_pinned_exactly_and_hashed"
        " test_what_a_locked_package_needs_is_locked_too"
    ),
    "functionTimeout of a synchronous Python function": (
        "test_a_run_that_exceeds_its_time_takes_its_neighbours_along_and_another_worker_follows"
    ),
    "what one instance runs on Flex": (
        "test_with_groups_each_timer_and_queue_function_has_a_process_of_its_own"
    ),
    "stop": (
        "test_what_does_not_end_in_time_is_cut_off_and_its_message_stays_hidden"
        " test_a_second_signal_does_not_wait"
    ),
    "crash of the worker": (
        "test_a_worker_that_crashes_is_replaced_and_the_third_time_the_host "
        "test_a_delivery_whose_worker_was_killed_is_refused_while_the_claim_stands_and_arrives_after_it"
    ),
    "timer lock": (
        "test_two_instances_fire_each_occurrence_once "
        "test_after_a_kill_another_instance_goes_on_once_the_lock_has_ended_and_it_has_asked"
    ),
    "a run longer than its interval": (
        "test_occurrences_that_pass_in_a_run_are_one_run_that_follows_at_once"
    ),
    "lock lost in mid run": (
        "test_the_lock_lost_in_mid_run_lets_another_run_beside_it_and_stops_the_loser"
    ),
    "a timer run by hand": "test_runs_of_a_timer_by_hand_need_no_lock_and_overlap",
    "monitored": (
        "test_several_a_minute_of_every_minute_is_not_monitored"
        " test_what_is_past_due_at_the_first_run_after_a_start"
        " test_an_occurrence_missed_while_nothing_ran_is_made_up_for_and_marked_past_due"
    ),
    "run on start-up, stop between retries": (
        "test_run_on_startup_fires_where_the_lock_is_got"
        " test_a_stop_ends_the_retries_and_the_occurrence_counts_as_run"
    ),
    "queue storage answers 503, 404": "test_a_queue_that_is_missing_or_busy_is_asked_again",
    "queue storage answers 403; connections cut for 22 s; 503 at a lease renewal; any error "
    "while a message is completed": (
        "test_a_queue_that_may_not_be_read_stops_the_host"
        " test_connections_cut_for_22_seconds_stop_the_host"
        " test_a_lease_that_is_not_renewed_stops_the_host_and_its_runs"
        " test_a_message_that_cannot_be_completed_stops_the_host"
    ),
    "a message of a run that timed out": (
        "test_a_message_of_a_run_that_timed_out_is_back_after_its_visibility_timeout"
    ),
    "retry policy on a queue function": (
        "test_a_retry_policy_of_a_queue_function_is_used_before_the_next_receipt"
    ),
    "stop without drain": "test_a_message_that_arrives_while_the_host_stops_has_spent_a_receipt",
    "FUNCTIONS_WORKER_PROCESS_COUNT": (
        "test_a_number_of_worker_processes_that_is_not_followed_is_said_at_start"
    ),
    "same in both: what a key opens, answers without a body, joined values, a client that leaves": (
        "test_a_key_opens_what_it_is_for test_a_wrong_method_is_404 test_a_refusal_has_no_body"
        " test_repeated_headers_are_joined_with_a_comma"
        " test_a_caller_who_leaves_does_not_stop_the_run"
    ),
    "same in both: status of a timer, own batch of each queue, the library's thread pool, one "
    "function in error": (
        "test_an_occurrence_missed_while_nothing_ran_is_made_up_for_and_marked_past_due"
        " test_no_more_run_at_once_than_batch_size_and_threshold_together"
        " test_synchronous_functions_run_side_by_side"
        " test_a_function_in_error_is_named_with_its_reason_and_the_others_run"
    ),
}
"""Row -> names of the tests, separated by spaces."""
LEFT_OUT: dict[str, str] = {
    "sampling": (
        "No telemetry is sent from here; test_no_line_that_an_alert_reads_is_sampled_away holds"
        " host.json."
    ),
    "OpenTelemetry mode": (
        "No telemetry is sent from here; `telemetryMode` in host.json is named at start as not"
        " applied."
    ),
    "Key Vault reference that does not resolve": (
        "Here nothing resolves a reference; the app's answer is the same text."
    ),
    "extension bundle": (
        "No bundle is loaded here; queues follow what version 5.3 of the extension was seen to do."
    ),
    "instances wanted": "Here `--instances` says how many there are.",
    "an app that cannot be imported": "Here the host ends, so that the error is seen at once.",
}
"""Row -> one sentence."""
DIFFERS: dict[str, str] = {
    "message of a host that is gone": "stop",
    "timer of a host that is gone": "timer lock",
    "app that cannot be imported": "an app that cannot be imported",
    "number of hosts": "instances wanted",
    "telemetry, sampling, OpenTelemetry": "sampling",
    "Key Vault references": "Key Vault reference that does not resolve",
    "dates in routes (`{x:datetime}`)": "constraints",
    "bindings": "extension bundle",
    "`FUNCTIONS_WORKER_PROCESS_COUNT`": "FUNCTIONS_WORKER_PROCESS_COUNT",
    "front end": "time",
}
"""Point of the page -> the row that it differs in."""


@pytest.fixture(scope="module")
def known() -> set[str]:
    modules = (ast.parse(path.read_text("utf-8")) for path in (ROOT / "tests").rglob("test_*.py"))
    return {
        node.name for module in modules for node in module.body if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("row", HELD)
def test_a_row_is_held_by_tests_that_there_are(row: str, known: set[str]) -> None:
    assert set(HELD[row].split()) <= known


def test_what_is_left_out_has_a_sentence_and_no_test() -> None:
    assert not HELD.keys() & LEFT_OUT.keys()
    assert all(sentence.endswith(".") for sentence in LEFT_OUT.values())


def test_the_page_names_every_difference_and_no_other() -> None:
    page = (ROOT / "docs" / "local-stack.md").read_text("utf-8")
    table = page.partition("| point | here | in Azure |\n")[2].partition("\n\n")[0]
    assert re.findall(r"^\| (.+?) \|", table, re.M) == list(DIFFERS)
    assert set(DIFFERS.values()) <= HELD.keys() | LEFT_OUT.keys()
