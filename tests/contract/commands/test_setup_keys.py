"""Each webhook is registered with the key of its own function, and no key is ever said."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from admin.connection import GivenToken, client
from admin.setup.customizing import Customizing
from admin.setup.webhooks import Receiver, Webhooks
from tests.contract.commands.conftest import ADDRESS, FUNCTION_KEYS, LOOSE, MARK, Office, of
from tests.contract.commands.registered import registered

CONTACT, OPT_OUT, CUSTOM = "contacts_webhook", "opt_out_webhook", "custom_entities_webhook"
FUNCTIONS = {"contact": CONTACT, "contact/opt-out": OPT_OUT, LOOSE.name: CUSTOM}
AS_GIVEN = {path: FUNCTION_KEYS[function] for path, function in FUNCTIONS.items()}


@pytest.fixture
def three(office: Office) -> Iterator[Office]:
    """Contacts, their opt-outs, and a table of the custom entities."""
    office.opt_outs("both")
    LOOSE.create(office.dynamics)
    office.put_document(LOOSE.name, LOOSE.document())
    yield office


def kept(office: Office) -> dict[str, str]:
    return {
        path: endpoint.key
        for path, endpoint in registered(office.stack.directory / "dataverse.sqlite").items()
    }


def register(office: Office, keys: dict[str, Any], *more: str) -> tuple[int, str]:
    return office.setup(*ADDRESS, str(office.keys_file(keys)), *more)


def test_each_endpoint_has_its_own_key_and_a_second_run_changes_nothing(three: Office) -> None:
    assert register(three, FUNCTION_KEYS)[0] == 0
    assert kept(three) == AS_GIVEN
    before = three.writes()
    code, said = register(three, FUNCTION_KEYS)
    assert (code, "updated" in said, three.writes()) == (
        0,
        False,
        before + 1,
    )  # the activity tables are published again


@pytest.mark.parametrize("path", FUNCTIONS)
def test_a_renewed_key_reaches_its_endpoint_and_no_other(three: Office, path: str) -> None:
    register(three, FUNCTION_KEYS)
    renewed = f"dataverse.renewed-{MARK}"
    code, said = register(three, {FUNCTIONS[path]: renewed})
    assert code == 0, said
    assert kept(three) == AS_GIVEN | {path: renewed}
    assert f"updated    webhook of {path}: credential" in said
    assert {line for line in said.splitlines() if line.startswith("kept")} == {
        f"kept       webhook of {other} with its key: --function-keys has none of {function}"
        for other, function in FUNCTIONS.items()
        if other != path
    }


def test_one_key_for_all_of_an_earlier_release_is_replaced_everywhere(three: Office) -> None:
    """The step of somebody who upgrades: they run the set-up once with the new keys."""
    used = dict.fromkeys(FUNCTIONS.values(), f"the-host-key-{MARK}")
    register(three, FUNCTION_KEYS)
    dataverse = Customizing(
        client(three.stack.facts["dataverse"], GivenToken(three.stack.facts["dataverse_token"]))
    )
    endpoints = Webhooks(dataverse, lambda _: None)
    earlier = Receiver("https://bridge.example.org", used, three.stack.webhook_secret)
    for path, endpoint in endpoints.registered.endpoints().items():
        assert endpoints.endpoint(path, endpoint, earlier)
    assert set(kept(three).values()) == {f"the-host-key-{MARK}"}
    warned = {
        finding["subject"]
        for finding in of(three.check()[1], "webhooks")
        if "the same key as" in finding["message"]
    }
    assert warned == FUNCTIONS.keys()
    code, said = register(three, FUNCTION_KEYS)
    assert (code, said.count(": credential")) == (0, 3)
    assert kept(three) == AS_GIVEN
    assert "the same key as" not in str(three.check()[1])


def test_a_webhook_without_a_key_is_missing_and_the_others_are_made(three: Office) -> None:
    keys = {name: key for name, key in FUNCTION_KEYS.items() if name != OPT_OUT}
    code, said = register(three, keys)
    assert (code, kept(three).keys()) == (1, FUNCTIONS.keys() - {"contact/opt-out"})
    assert (
        "missing    --function-keys has no key of opt_out_webhook, so webhook of contact/opt-out"
        " cannot be registered" in said
    )
    assert register(three, {OPT_OUT: FUNCTION_KEYS[OPT_OUT]})[0] == 0
    assert kept(three) == AS_GIVEN


def test_another_address_needs_the_keys_again(three: Office) -> None:
    register(three, FUNCTION_KEYS)
    file = three.keys_file({CONTACT: FUNCTION_KEYS[CONTACT]})
    code, said = three.setup(
        "--functions", "https://other.example.org", "--function-keys", str(file)
    )
    assert (code, said.count("missing ")) == (1, 2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param("", "Each webhook needs a key of its own function", id="nothing"),
        pytest.param(
            f"dataverse.{MARK}",
            "The function keys must be JSON",
            id="a bare key, as the earlier option took it",
        ),
        pytest.param(json.dumps([MARK]), "The function keys must be JSON", id="a list"),
        pytest.param(
            json.dumps({CONTACT: MARK})[:-2], "The function keys must be JSON", id="cut off"
        ),
        pytest.param("[" * 100_000, "The function keys must be JSON", id="deep"),
        pytest.param(
            json.dumps({CONTACT: None}),
            "contacts_webhook has no key",
            id="null, as Azure CLI prints for none",
        ),
        pytest.param(json.dumps({CONTACT: " "}), "contacts_webhook has no key", id="blank"),
        pytest.param(
            json.dumps({CONTACT: {"default": MARK}}),
            "contacts_webhook has no key",
            id="all keys of the function",
        ),
        pytest.param(
            json.dumps({"functionKeys": {"default": MARK}}),
            "and no other function.",
            id="the host's keys",
        ),
        pytest.param(
            json.dumps({"console_command": MARK}),
            "and no other function.",
            id="the key of the commands",
        ),
        pytest.param(
            json.dumps({MARK: MARK}), "and no other function.", id="a key in place of a name"
        ),
        pytest.param(
            json.dumps({CONTACT: f"a\u00e9{MARK}"}),
            "characters that no header can carry",
            id="not ASCII",
        ),
        pytest.param(
            json.dumps({CONTACT: f"a\n{MARK}"}),
            "characters that no header can carry",
            id="two lines",
        ),
        pytest.param(
            json.dumps({CONTACT: MARK, OPT_OUT: MARK}),
            "contacts_webhook and opt_out_webhook have the same key",
            id="one for two",
        ),
    ],
)
def test_keys_that_are_refused(
    office: Office, monkeypatch: pytest.MonkeyPatch, given: str, said: str
) -> None:
    """Before anything is written.

    That no message has the key in it is looked for after every test (conftest).
    """
    monkeypatch.setattr("sys.stdin", io.StringIO(given))
    before = office.writes()
    code, heard = office.setup(*ADDRESS, "-")
    assert (code, said in heard, office.writes()) == (1, True, before), heard


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16"], ids=["UTF-8", "byte order mark", "PowerShell"]
)
def test_how_the_file_may_be_written(office: Office, tmp_path: Path, encoding: str) -> None:
    office.opt_outs("both")
    file = tmp_path / "keys.json"
    file.write_text(
        "\r\n".join(json.dumps({name: key}, indent=2) for name, key in FUNCTION_KEYS.items()),
        encoding,
    )
    assert office.setup(*ADDRESS, str(file))[0] == 0
    assert kept(office) == {path: AS_GIVEN[path] for path in ("contact", "contact/opt-out")}


def test_a_file_of_other_bytes_is_refused(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(b"\xff\xff" + MARK.encode() + b"\xff")
    code, said = office.setup(*ADDRESS, str(file))
    assert (code, "The function keys must be JSON" in said) == (1, True)


def test_the_option_of_one_key_for_all_says_what_to_do_now(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(MARK)
    before = office.writes()
    code, said = office.setup(
        "--functions", "https://bridge.example.org", "--function-key-file", str(file)
    )
    assert (code, office.writes()) == (1, before)
    assert (
        'Make the keys as docs/deploy.md, "Dataverse", shows, and give them with --function-keys.'
        in said
    )
