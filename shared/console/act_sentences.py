"""What plan pages, jobs and the activity log say for a code (shared/console/sentences.py).

`plan_<kind>` is a plan's title and `do_<kind>` its button; `act_<code>` names an act in the list.
"""

ACT_SENTENCES = {
    "no_such_act": "There is no such act, so nothing was done. Open the page again.",
    "no_flow": "There is no such flow, so nothing was done. Go to the overview for the others.",
    "plan_over": (
        "This plan is over: it is good for ten minutes, and once. Nothing was done now."
        " Begin again if it is still wanted."
    ),
    "plan_taken": (
        "This was ordered a moment ago, so it is not done twice. The activity page shows it."
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
    "label_what": "What",
    "label_waiting": "Waiting",
    "label_until": "Until when",
    "plan_stop": "Stop {name}?",
    "do_stop": "Stop",
    "act_stop": "stop",
    "is_stopped": "{name} is stopped already, so nothing was done.",
    "stop_what": "It reads and writes nothing more, until somebody starts it.",
    "stop_waiting": "{count} records wait. They stay where they are, and are not lost.",
    "stop_until": (
        "Dynamics remembers changes for some days. After a longer stop everything is read again."
    ),
}
