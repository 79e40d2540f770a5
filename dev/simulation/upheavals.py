"""What happens rarely and to much at once: restores, hidden and deleted profiles, other documents
and definitions.
"""

from collections.abc import Callable
from functools import partial

from dev.emulators.campaign.orders import Journaling
from dev.simulation.commands import Commands
from dev.simulation.faults import UPHEAVALS
from dev.simulation.people import PAIRS, People
from dev.simulation.scenarios import EVENTS, OPT_OUTS
from dev.simulation.storage import Account

COLUMN = {
    "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
    "MaxLength": 50,
    "DisplayName": {"LocalizedLabels": [{"Label": "Extra", "LanguageCode": 1033}]},
}


class Upheavals:
    """`documents`: by name, the versions of each that are written one after another."""

    def __init__(self, people: People, commands: Commands, account: Account) -> None:
        self.people, self.commands, self.account = people, commands, account
        self.world, self.systems = people.world, people.systems
        self.taken_away = set[str]()  # the contacts of deleted profiles
        self.earlier, self.versions = b"", dict.fromkeys(people.scenario.documents, 0)
        self.deeds: dict[str, Callable[[str], bool]] = {
            "restored": self.restore,
            "profile_deleted": self.delete_profile,
            "profile_hidden": self.hide_profile,
            "document_changed": self.change_document,
            "metadata_changed": self.change_metadata,
            "journal_expired": self.expire_journal,
        }

    def plan(self) -> None:
        draws, faults = self.world.draws, self.world.faults
        most = dict.fromkeys(self.deeds, 3)
        most["document_changed"] = self.people.scenario.document_changes
        for kind, deed in self.deeds.items():
            for number in range(
                int(most[kind] * draws.share(f"number of {kind}")) if kind in faults.kinds else 0
            ):
                label = f"{kind}: {number}"
                self.people.later(label, partial(self.happen, kind, label, deed))
        if "restored" in faults.kinds:
            self.people.later("copy", self.copy)

    def happen(self, kind: str, label: str, deed: Callable[[str], bool]) -> None:
        assert kind in UPHEAVALS
        if self.world.faults.on and deed("") and self.world.faults.happens(label, kind):
            self.world.note(label)
            deed(label)

    def copy(self) -> None:
        self.earlier = self.systems.dataverse.store.db.serialize()

    def restore(self, label: str) -> bool:
        """What it undoes nobody has said; but who is opted out in Campaign stays so.

        The change that was to bring a profile back may be undone too: it is made once more.
        """
        if not self.earlier or not label:
            return bool(self.earlier)
        store = self.systems.dataverse.store
        counter = store.version
        self.systems.dataverse.restore(self.earlier)
        self.people.last_word = {
            key: True for key, said in self.people.last_word.items() if said and self.stands(*key)
        }
        self.people.deleted |= set(self.people.contacts)
        for contact in sorted(self.taken_away):
            self.people.after(10.0, partial(self.change_again, f"{label} again", contact))
        if self.world.draws.share(f"{label} voids tokens") < 0.5:
            store.version = counter  # no token of the time before fits what comes after
            self.systems.dataverse.api.tracking.expire_all()
        else:
            for flow in self.people.scenario.commanded:
                if flow not in (EVENTS, OPT_OUTS):
                    self.people.after(5.0, partial(self.commands.replay, flow, "all"))
        if self.people.scenario.flags:
            self.people.words += 1
            self.people.after(5.0, self.commands.say_restored)
        return True

    def stands(self, contact: str, flag: str) -> bool:
        """Whether the contact is there, and its profile is opted out."""
        profiles = self.systems.gateway.engine.tables["profile"]
        found = profiles.by_key(contact)
        there = self.systems.there("contact", contact) is not None
        return there and found is not None and bool(profiles.rows[found][flag])

    def profile(self, label: str) -> str:
        """A contact with a profile and no car, "" where there is none.

        Campaign hides the cars of a profile that is gone, and answers as if they were not there:
        what is deleted then comes back with the profile.
        """
        cars = self.systems.gateway.engine.tables["cusCar"].rows.values()
        owners = {car["acs_owner_id"] for car in cars}
        profiles = self.systems.gateway.engine.tables["profile"]
        found = [
            one
            for one in self.people.contacts
            if profiles.by_key(one) and self.systems.there("contact", one) and one not in owners
        ]
        return self.world.draws.of(f"{label} contact", found) if found else ""

    def delete_profile(self, label: str) -> bool:
        """The contact is changed soon after, which brings the profile back. An opt-out that only
        the profile knew is gone with it.
        """
        contact = self.profile(label)
        if contact and label:
            table = self.systems.gateway.engine.tables["profile"]
            self.systems.gateway.engine.remove(table.resource, table.by_key(contact) or 0)
            self.people.deleted.add(contact)
            self.taken_away.add(contact)
            row = self.systems.there("contact", contact) or {}
            for column, flag in PAIRS:
                if not row.get(column):
                    self.people.last_word.pop((contact, flag), None)
            self.change_again(label, contact)
        return bool(contact)

    def change_again(self, label: str, contact: str) -> None:
        def change() -> None:
            if self.systems.there("contact", contact):
                self.people.write(label.replace(":", ""), "change", contact)

        self.people.after(10.0, partial(self.people.let_in, change))

    def hide_profile(self, label: str) -> bool:
        contact = self.profile(label)
        if contact and label:
            self.systems.gateway.engine.hide("profile", contact)
            self.people.unseen.add(contact)
        return bool(contact)

    def change_document(self, label: str) -> bool:
        """The next version of a document, as `manage.py mapping apply` or the portal writes it."""
        name = self.world.draws.of(f"{label} name", sorted(self.versions))
        versions = self.people.scenario.documents[name]
        if label and len(versions) > 1:
            self.versions[name] = (self.versions[name] + 1) % len(versions)
            container = self.account.blob.get_container_client("config")
            container.upload_blob(name, versions[self.versions[name]], overwrite=True)
        return True

    def change_metadata(self, label: str) -> bool:
        """Change tokens given before are void then, as on the platform."""
        if label:
            self.systems.metadata += 1
            schema = f"acs_extra{self.systems.metadata}"
            path = "/EntityDefinitions(LogicalName='contact')/Attributes"
            self.systems.by_person("POST", path, {"SchemaName": schema, **COLUMN})
        return True

    def expire_journal(self, label: str) -> bool:
        """Only what the files tell too is lost with it."""
        journal = self.systems.gateway.journal
        if label:
            journal.arrange(Journaling(expire=True))
        return bool(journal.entries)
