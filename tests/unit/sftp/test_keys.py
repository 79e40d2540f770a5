"""What people paste for the two keys: read in every form that is a key, refused with the form's
name in every other.
"""

import base64
from collections.abc import Callable

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat

from shared.errors import Misconfigured
from shared.sftp.keys import host_keys, private_key, unknown_key_types

RSA = rsa.generate_private_key(65537, 2048)
EC, ED = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
PLAIN, LOCKED = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"synthetic")
PEM, PKCS8, OPENSSH = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8, PrivateFormat.OpenSSH
ELLIPTIC = base64.b64encode(b"\0" * 60).decode()


def written(
    key: rsa.RSAPrivateKey,
    form: PrivateFormat,
    lock: serialization.KeySerializationEncryption = PLAIN,
) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, lock).decode()


def public(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        .decode()
    )


GOOD = {
    "rsa-pem": written(RSA, PEM),
    "rsa-pkcs8": written(RSA, PKCS8),
    "rsa-openssh": written(RSA, OPENSSH),
    "ec-pem": written(EC, PEM),  # type: ignore[arg-type]
    "ec-pkcs8": written(EC, PKCS8),  # type: ignore[arg-type]
    "ed25519-pkcs8": written(ED, PKCS8),  # type: ignore[arg-type]
    "ed25519-openssh": written(ED, OPENSSH),  # type: ignore[arg-type]
}
PASTED: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "literal": lambda text: text.replace("\n", "\\n"),
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "literal crlf": lambda text: text.replace("\n", "\\r\\n"),
    "blanks around": lambda text: f"\n  {text}  \n",
    "no last break": lambda text: text.strip(),
    "one line": lambda text: text.strip().replace("\n", " "),
    "quotes": lambda text: f'"{text.strip()}"',
    "indented": lambda text: text.replace("\n", "\n    "),
}


def shown(value: object) -> str:
    """Keys differ from run to run, and the names of tests must not."""
    return str(value) if len(str(value)) < 30 else "text"


@pytest.mark.parametrize("form", GOOD)
@pytest.mark.parametrize("pasted", PASTED)
def test_a_private_key_is_read_in_every_form(form: str, pasted: str) -> None:
    assert private_key(PASTED[pasted](GOOD[form])).can_sign()


PARAMETERS = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
AROUND = {
    "parameters": PARAMETERS + GOOD["ec-pem"],
    "attributes": (
        f"Bag Attributes\n    friendlyName: a\nKey Attributes: <No Attributes>\n{GOOD['rsa-pkcs8']}"
    ),
    "certificate before": CERTIFICATE + GOOD["rsa-pkcs8"],
    "certificate behind": GOOD["ed25519-pkcs8"] + CERTIFICATE,
    "public key behind": f"{GOOD['rsa-openssh']}{public(RSA)} a@example.org\n",
}


@pytest.mark.parametrize("text", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("pasted", ["as it is", "literal", "crlf", "one line", "indented"])
def test_a_private_key_is_found_in_what_programs_write_around_it(text: str, pasted: str) -> None:
    """openssl ecparam, openssl pkcs12, and files that people have joined."""
    assert private_key(PASTED[pasted](text)).can_sign()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (written(RSA, PEM, LOCKED), "holds a key with a passphrase"),
        (written(RSA, PKCS8, LOCKED), "holds a key with a passphrase"),
        (written(RSA, OPENSSH, LOCKED), "holds a key with a passphrase"),
        (public(RSA), "a public key"),
        ("ssh-rsa-cert-v01@openssh.com AAAA", "a certificate"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "a public key"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "a public key"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "a certificate"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "PuTTY"),
        ("-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----", "DSA"),
        (written(ed448.Ed448PrivateKey.generate(), PKCS8), "of a kind"),  # type: ignore[arg-type]
        (written(ec.generate_private_key(ec.SECP256K1()), PKCS8), "of a kind"),  # type: ignore[arg-type]
        (written(RSA, PKCS8)[:400], "cut off"),
        (written(RSA, OPENSSH)[:400], "cut off"),
        ("banana", "no private key"),
        ("", "no private key"),
    ],
    ids=shown,
)
def test_what_is_no_private_key_is_refused_by_its_form(text: str, message: str) -> None:
    with pytest.raises(Misconfigured, match=message) as caught:
        private_key(text)
    assert (caught.value.setting, "banana" in str(caught.value)) == ("SFTP_PRIVATE_KEY", False)


ONE, TWO = public(ED), public(RSA)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (ONE, 1),
        (f"{ONE} root@sftp.example.org", 1),
        (f"sftp.example.org {ONE}", 1),
        (f"[sftp.example.org]:2222,192.0.2.1 {ONE} a comment", 1),
        (f"|1|a2V5=|aGFzaA== {ONE}", 1),
        (
            (
                f"# sftp.example.org:22 SSH-2.0-OpenSSH\nsftp.example.org {ONE}\n\n#"
                f" again\r\nsftp.example.org {TWO}\n"
            ),
            2,
        ),
        (f"{ONE}\\n{TWO}", 2),
        (f"{ONE};{TWO}", 2),
        (f"{ONE},{TWO}", 2),
        (f"{ONE}\r{TWO}", 2),
        (f'"{ONE}"', 1),
        (ONE.replace("ssh-ed25519", "SSH-ED25519"), 1),
    ],
    ids=shown,
)
def test_host_keys_are_known_hosts_lines_one_or_several(text: str, count: int) -> None:
    assert len(host_keys(text)) == count


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SHA256:uNiVztksCsDhcc0u9e8BrqQkXW2JNhnnZ0eJ/0p3X0k", "a SHA256 fingerprint"),
        (
            "256 SHA256:uNiVztksCsDhcc0u9e8BrqQkXW2JNhnnZ0eJ/0p3X0k root@example.org (ED25519)",
            "a SHA256 fingerprint",
        ),
        ("MD5:" + ":".join(["ab"] * 16), "an MD5 fingerprint"),
        (":".join(["0F"] * 16), "an MD5 fingerprint"),
        (
            "ED25519 key fingerprint is SHA256:uNiVztksCsDhcc0u9e8BrqQkXW2JNhnnZ0eJ/0p3X0k.",
            "a SHA256 fingerprint",
        ),
        ("sha256 uNiVztksCsDhcc0u9e8BrqQkXW2JNhnnZ0eJ/0p3X0k", "a SHA256 fingerprint"),
        ("0f" * 16, "an MD5 fingerprint"),
        ("SHA256:uNiVz", "a line that is no key"),
        (written(RSA, PKCS8), "a private key"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "a key in PEM form"),
        (
            "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----",
            "a key in SSH2 form",
        ),
        (ONE.split()[1], "without its type"),
        ("ssh-ed25519", "without its key"),
        (ONE[:40], "cut off"),
        (f"ssh-rsa {ONE.split()[1]}", "cut off"),
        (f"ecdsa-sha2-nistp256 {ELLIPTIC}", "cut off"),
        ("ssh-dss AAAA", "of type ssh-dss"),
        (f"@cert-authority *.example.org {ONE}", "@cert-authority"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "a certificate"),
        ("# nothing yet", "comments only"),
        ("banana split", "no key"),
        (f"{ONE}\nbanana", "no key"),
    ],
    ids=shown,
)
def test_what_is_no_host_key_is_refused_by_its_form(text: str, message: str) -> None:
    with pytest.raises(Misconfigured, match=message) as caught:
        host_keys(text)
    assert caught.value.setting == "SFTP_HOST_KEY"
    assert "ssh-keyscan" in str(caught.value)
    assert "banana" not in str(caught.value)


def test_a_server_of_several_keys_is_asked_for_one_that_is_known() -> None:
    refused = unknown_key_types(host_keys(TWO))
    assert "ssh-ed25519" in refused
    assert not {"rsa-sha2-512", "rsa-sha2-256"} & set(refused)
    assert set(refused) < set(paramiko.Transport._preferred_keys)
