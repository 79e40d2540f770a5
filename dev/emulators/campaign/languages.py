"""The labels of the logs' codes in the languages of Campaign's user interface.

English: Adobe Campaign Standard documentation, "Indicator calculation", "Understanding delivery
failures". Adobe does not publish the others in one place: they are made up, to play exports in
which no label is English.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels by code; `reason` by number, `flag` for no and yes."""

    status: Mapping[int, str]
    failure_type: Mapping[int, str]
    reason: Mapping[int, str]
    url_type: Mapping[int, str]
    channel: Mapping[int, str]
    flag: tuple[str, str]


CLICKS = (1, 10, 11)


def labels(
    status: str, failure_type: str, reason: str, click: str, url_type: str, channel: str, flag: str
) -> Labels:
    """Each argument's labels stand in the order of the codes, separated by bars."""
    others = dict(zip((2, 3, 6), url_type.split("|"), strict=True))
    return Labels(
        dict(zip((1, 2), status.split("|"), strict=True)),
        {0: "", **dict(zip((1, 2), failure_type.split("|"), strict=True))},
        {0: "", **dict(zip((1, 2, 3, 4, 5, 6, 8, 20), reason.split("|"), strict=True))},
        dict.fromkeys(CLICKS, click) | others,
        dict(zip((0, 1, 40), channel.split("|"), strict=True)),
        (flag.split("|")[0], flag.split("|")[1]),
    )


LANGUAGES = {
    "en": labels(
        "Sent|Failed",
        "Soft|Hard",
        "User unknown|Invalid domain|Unreachable|Account disabled|Mailbox full|Not "
        "connected|Address on denylist|Refused",
        "Email click",
        "Open|Opt-out|Mirror page",
        "Email|SMS|Push notification",
        "No|Yes",
    ),
    "fr": labels(
        "Envoyé|Échec",
        "Temporaire|Définitif",
        "Utilisateur inconnu|Domaine invalide|Inatteignable|Compte désactivé|Boîte pleine|Non "
        "connecté|Adresse sur liste bloquée"
        "|Refusé",
        "Clic e-mail",
        "Ouverture|Désabonnement|Page miroir",
        "E-mail|SMS|Notification push",
        "Non|Oui",
    ),
    "de": labels(
        "Gesendet|Fehlgeschlagen",
        "Weich|Hart",
        "Benutzer unbekannt|Ungültige Domain|Nicht erreichbar|Konto deaktiviert|Postfach "
        "voll|Nicht verbunden"
        "|Adresse auf Sperrliste|Abgelehnt",
        "E-Mail-Klick",
        "Öffnung|Abmeldung|Mirrorseite",
        "E-Mail|SMS|Push-Benachrichtigung",
        "Nein|Ja",
    ),
    "ja": labels(
        "送信済み|失敗",
        "ソフト|ハード",
        "ユーザー不明|無効なドメイン|到達不能|無効なアカウント|メールボックス容量超過|未接続|ブロックリストのアドレス|拒否",
        "メールクリック",
        "開封|オプトアウト|ミラーページ",
        "メール|SMS|プッシュ通知",
        "いいえ|はい",
    ),
}  # fmt: skip
