"""What a person does about a line or an event that could not be read: the last sentence of its dead
letter.
"""

from collections.abc import Mapping

from shared.errors import Refusal

CORRECT = "Correct the line and put the file back."
AGAIN = "Then put the file back."
NEXT_STEPS = {
    "broken_line": CORRECT,
    "wrong_encoding": f"Set files.encoding in the document to the file's encoding. {AGAIN}",
    "not_a_date": (
        f"Set files.dates in the document to the form of the file, or correct the line. {AGAIN}"
    ),
    "unknown_status": (
        f"Add its label to values.status in the document, or correct the line. {AGAIN}"
    ),
    "unknown_type": f"Add its label to values.type in the document, or correct the line. {AGAIN}",
    "unknown_failure": (
        f"Add its label to values.failure_type in the document, or correct the line. {AGAIN}"
    ),
    "unknown_channel": (
        f"Add its label to values.channel in the document, or correct the line. {AGAIN}"
    ),
    "unknown_flag": f"Add its label to files.values in the document, or correct the line. {AGAIN}",
    "no_log_id": f"Name the right column as log_id in the document, or correct the line. {AGAIN}",
    "bad_log_id": f"Export the id as plain digits, or correct the line. {AGAIN}",
    "too_large": f"Export shorter texts or fewer columns, or correct the line. {AGAIN}",
    "unsafe_characters": CORRECT,
}
OF_JOURNAL = "Look at the path of this field in journal.fields of the document."
WORDS_OF_JOURNAL = {
    rule: step.removesuffix(f", or correct the line. {AGAIN}") + "."
    for rule, step in NEXT_STEPS.items()
    if step.startswith("Add its label")
}


def refusal_of(fault: Mapping[str, str], origin: str) -> Refusal:
    """The refusal of what could not be read, with its next step.

    `origin`: the file and line, or the journal's position.
    """
    return Refusal(
        fault["field"],
        fault["rule"],
        f"{fault['sentence']} {next_step(fault['rule'], origin)}".rstrip(),
    )


def next_step(rule: str, origin: str) -> str:
    """Of a file as a whole the sentence says it already."""
    if origin.startswith("journal:"):
        return WORDS_OF_JOURNAL.get(rule, OF_JOURNAL)
    return NEXT_STEPS.get(rule, "")
