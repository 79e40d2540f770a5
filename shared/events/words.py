"""What the codes and labels of Campaign's logs mean, and what the document adds for other
languages.

Pure.

Sources: Adobe Campaign Standard documentation, "Indicator calculation", "Understanding delivery
failures", "Delivery" (data model); Adobe XDM, "channel" and "mutation event".
"""

from collections.abc import Iterable, Mapping

from shared.labels import folded

REASONS = {
    "0": "Not defined", "1": "User unknown", "2": "Invalid domain", "3": "Unreachable",
    "4": "Account disabled", "5": "Mailbox full", "6": "Not connected", "8": "Address on denylist",
    "20": "Refused",
}  # fmt: skip
DENY_LISTED = frozenset({"8", "address on denylist", "on denylist", "blacklisted"})
OTHER_REASONS = (
    "Quarantined address", "Address empty", "Duplicate", "Error ignored", "Text too long",
    "Not defined", "Character not supported by encoding", "On denylist", "undefined",
    "unknown_user", "invalid_domain", "unreachable", "disabled", "mailbox_full", "not_connected",
    "refused", "error_ignored", "address_undefined", "blacklisted", "quarantine", "duplicate",
    "typology_rule", "business_ranking", "cancelled", "quality", "unchecked", "offer_missing",
    "over_delivery_limit", "expired", "too_long", "untranslatable", "control_group",
)  # fmt: skip
Words = Mapping[str, str]  # a folded code or label -> what it means


def words(**meanings: str) -> Words:
    return {
        word.strip(): meaning for meaning, listed in meanings.items() for word in listed.split("|")
    }


NONE = "none"  # of no interest here: the row tells of no event
MEANINGS: Mapping[str, Words] = {
    "status": words(
        sent="1|sent|delivered",
        failed="2|failed",
        none="|0|3|4|5|6|7|8|9|none|ignored|pending|prepared|excluded|scheduled",
    ),
    "failure_type": words(hard="2|hard", soft="1|soft", none="|0|3|none|ignored"),
    "type": words(
        click="1|10|11|email click|click",
        open="2|open",
        none="3|6|none|opt-out|unsubscribe|mirror page",
    ),
    "channel": words(
        email="0|email|e-mail",
        sms="1|sms|mobile|mobile (sms)",
        phone="2|phone|telephone|call center",
        paper="3|paper|direct mail|postal mail|direct-mail",
        fax="4|fax",
        push=(
            "40|41|42|push|push notification|mobile app|mobile application|mobile-app|in-app|in-app"
            " message"
        ),
        other="120|other|line|agency|social|facebook|twitter|web|web page",
    ),
    "reason": {folded(word): word for word in (*REASONS, *REASONS.values(), *OTHER_REASONS)},
}


def meanings(added: Mapping[str, Words]) -> dict[str, dict[str, str]]:
    """The tables with the document's own labels, which count before ours."""
    return {
        field: {
            **known,
            **{folded(label): known[folded(word)] for label, word in added.get(field, {}).items()},
        }
        for field, known in MEANINGS.items()
    }


def table_problems(added: Mapping[str, Words]) -> Iterable[str]:
    """Why the document's labels cannot mean anything, each as the end of a sentence about
    `values`.
    """
    for field, table in added.items():
        seen: dict[str, str] = {}
        for label, word in table.items():
            if folded(word) not in MEANINGS[field]:
                yield (
                    f"values.{field} translates a label into {word}, which is no {field}: use one"
                    f" of {choices(field)}"
                )
            if seen.setdefault(folded(label), folded(word)) != folded(word):
                yield f"values.{field} translates {label} twice, into two values: keep one"


def choices(field: str) -> str:
    """What a label may be translated into."""
    shown = REASONS.values() if field == "reason" else dict.fromkeys(MEANINGS[field].values())
    return ", ".join(shown)


def channel_word(value: str) -> str:
    """The channel's name in a label or in an XDM address such as
    https://ns.adobe.com/xdm/channels/email.
    """
    return folded(value.rstrip("/").rpartition("/")[2])


def reason_text(reason: str) -> str:
    return REASONS.get(reason, reason.replace("_", " ").capitalize())
