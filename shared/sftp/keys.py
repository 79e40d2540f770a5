"""The two keys of an SFTP connection, as people paste them: the server's, known before, and the
private one.

A form that is no key is named, and with what to set instead. Sources: OpenSSH manual,
"sshd(8), SSH_KNOWN_HOSTS FILE FORMAT"; RFC 7468 for the labels of PEM.
"""

import base64
import binascii
import io
import re
from collections.abc import Iterator
from functools import lru_cache

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from shared.errors import Misconfigured

KEY_TYPE = re.compile(r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+", re.IGNORECASE)
FINGERPRINT = re.compile(
    r"(?:^|\s)(SHA256[:\s]\s*[a-z0-9+/=]{20,}|(?:MD5:)?(?:[0-9a-f]{2}:){15}[0-9a-f]{2}|[0-9a-f]{32})\.?(?:\s|$)",
    re.IGNORECASE,
)
LABEL = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
BLOCK = re.compile(r"(-----BEGIN ([A-Z0-9 ]+)-----)\s*(.+?)\s*(-----END \2-----)", re.DOTALL)
HOST_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)
SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
SET_HOST_KEY = (
    'set the lines that ssh-keyscan prints, such as "ssh-ed25519 AAAA...", for a fingerprint is not'
    " enough"
)
SET_PRIVATE_KEY = "set the private key in OpenSSH, PEM or PKCS#8 form, without a passphrase"


def host_keys(text: str) -> list[paramiko.PKey]:
    """Every key of known_hosts lines, each with or without its host; Misconfigured for what is
    none.
    """
    found = [host_key(line) for line in host_lines(text)]
    if not found:
        raise wrong_host_key("is empty or holds comments only")
    return found


def host_lines(text: str) -> Iterator[str]:
    r"""The lines without comments.

    They may be parted by line breaks, by a literal \n, or by ; or , before a key's type.
    """
    refuse_other_forms(text)
    text = re.sub(r"\\r\\n|\\n|;|\r", "\n", text)
    text = re.sub(r",\s*(?=(?:ssh|ecdsa|sk)-\S+\s+AAAA)", "\n", text)
    for line in text.split("\n"):
        if (stripped := line.strip().strip("\"'").strip()) and not stripped.startswith("#"):
            yield stripped


def refuse_other_forms(text: str) -> None:
    if label := LABEL.search(text):
        kind = "a private key" if "PRIVATE" in label[1] else "a key in PEM form"
        raise wrong_host_key(f"holds {kind}, and not a line of known_hosts")
    if "BEGIN SSH2" in text:
        raise wrong_host_key("holds a key in SSH2 form, and not a line of known_hosts")
    if (finger := FINGERPRINT.search(text)) and "AAAA" not in text:
        form = "a SHA256" if finger[1].upper().startswith("SHA256") else "an MD5"
        raise wrong_host_key(f"holds {form} fingerprint, from which the key cannot be made")


def host_key(line: str) -> paramiko.PKey:
    words = line.split()
    if words[0].startswith("@"):
        raise wrong_host_key(
            f"holds a line that is marked {words[0][:20]}, which the bridge does not use"
        )
    at = next((number for number, word in enumerate(words[:2]) if KEY_TYPE.fullmatch(word)), None)
    if at is None:
        what = "a key without its type" if words[0].startswith("AAAA") else "a line that is no key"
        raise wrong_host_key(f"holds {what}")
    kind = words[at].lower()
    if "-cert-" in kind:
        raise wrong_host_key("holds a certificate, and not the server's public key")
    if kind not in HOST_KEYS:
        raise wrong_host_key(
            f"holds a key of type {kind[:40]}, which the bridge does not use; it takes"
            f" {', '.join(HOST_KEYS)}"
        )
    if len(words) < at + 2:
        raise wrong_host_key(f"holds the type {kind} without its key")
    try:
        data = base64.b64decode(words[at + 1], validate=True)
        key = paramiko.PKey.from_type_string(kind, data)
        if key.asbytes() != data:  # paramiko fills up with zeros what is cut off
            raise ValueError
    except (ValueError, IndexError, binascii.Error, paramiko.SSHException, UnsupportedAlgorithm):
        raise wrong_host_key(f"holds a {kind} key that is cut off or changed") from None
    return key


def wrong_host_key(what: str) -> Misconfigured:
    return Misconfigured("SFTP_HOST_KEY", f"SFTP_HOST_KEY {what}: {SET_HOST_KEY}.")


def unknown_key_types(keys: list[paramiko.PKey]) -> list[str]:
    """The kinds of host key that a server must not choose, for none of them is known: it may have
    keys of several kinds.
    """
    trusted = {name for key in keys for name in SIGNATURES.get(key.get_name(), (key.get_name(),))}
    offered = [name for kind in HOST_KEYS for name in SIGNATURES.get(kind, (kind,))]
    return [name for name in offered if name not in trusted]


@lru_cache(maxsize=2)
def private_key(text: str) -> paramiko.PKey:
    """An RSA, ECDSA or Ed25519 key; Misconfigured, with the form that was found, for anything
    else.

    Checking the numbers of an RSA key takes 50 ms: done once, not for each session.
    """
    pem = private_block(with_line_breaks(text))
    refuse_other_keys(pem)
    label = LABEL.search(pem)
    if not label:
        raise wrong_private_key("holds no private key")
    data = pem[label.start() :].encode("utf-8", "replace")
    try:
        load = (
            serialization.load_ssh_private_key
            if "OPENSSH" in label[1]
            else serialization.load_pem_private_key
        )
        key = load(data, password=None)
    except TypeError:
        raise wrong_private_key(
            "holds a key with a passphrase: remove it with ssh-keygen -p"
        ) from None
    except (ValueError, UnsupportedAlgorithm) as error:
        if "encrypted" in str(error).lower() or "ENCRYPTED" in pem:
            raise wrong_private_key(
                "holds a key with a passphrase: remove it with ssh-keygen -p"
            ) from None
        raise wrong_private_key("holds a private key that is cut off or changed") from None
    return as_ssh(key)


def with_line_breaks(text: str) -> str:
    r"""The text with its line breaks, which may have come as a literal \n, as CRLF, or as
    blanks.
    """
    text = (
        text.strip()
        .strip("\"'")
        .replace("\\r", "")
        .replace("\\n", "\n")
        .replace("\r\n", "\n")
        .replace("\r", "\n")
    )
    lines = [line.strip() for line in text.strip().split("\n")]
    joined = "\n".join(lines)
    if len(lines) == 1:
        joined = BLOCK.sub(lambda found: "\n".join([found[1], *found[3].split(), found[4]]), joined)
    return joined + "\n"


def private_block(pem: str) -> str:
    """The private key alone of what some programs write around it: parameters, certificates,
    attributes.

    Else the text.
    """
    found = (block[0] for block in BLOCK.finditer(pem) if block[2].endswith("PRIVATE KEY"))
    return next(found, pem.rstrip("\n")) + "\n"


def refuse_other_keys(text: str) -> None:
    """Whatever people hold for a private key, by name."""
    if text.startswith("PuTTY-User-Key-File"):
        raise wrong_private_key(
            "holds a PuTTY key (.ppk): export it from PuTTYgen as an OpenSSH key"
        )
    if KEY_TYPE.match(text):
        kind = "a certificate" if "-cert-" in text.split()[0] else "a public key"
        raise wrong_private_key(f"holds {kind}, and not the private one that belongs to it")
    if "BEGIN SSH2" in text:
        raise wrong_private_key("holds a public key, and not the private one that belongs to it")
    label = LABEL.search(text)
    if label and "PRIVATE" not in label[1]:
        kind = "a certificate" if "CERTIFICATE" in label[1] else f"a block of {label[1].lower()}"
        kind = "a public key" if "PUBLIC" in label[1] else kind
        raise wrong_private_key(f"holds {kind}, and not the private key that belongs to it")
    if label and "ENCRYPTED" in text:
        raise wrong_private_key("holds a key with a passphrase: remove it with ssh-keygen -p")
    if label and "DSA" in label[1]:
        raise wrong_private_key("holds a DSA key, which SFTP servers no longer take")


def as_ssh(key: object) -> paramiko.PKey:
    kinds: list[tuple[type, type[paramiko.PKey]]] = [
        (ec.EllipticCurvePrivateKey, paramiko.ECDSAKey),
        (ed25519.Ed25519PrivateKey, paramiko.Ed25519Key),
    ]
    if isinstance(key, dsa.DSAPrivateKey):
        raise wrong_private_key("holds a DSA key, which SFTP servers no longer take")
    if isinstance(key, rsa.RSAPrivateKey):
        return paramiko.RSAKey(key=key)  # its numbers have been checked
    for kind, taken in kinds:
        if isinstance(key, kind):
            form, plain = serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
            try:
                written = key.private_bytes(serialization.Encoding.PEM, form, plain)  # type: ignore[attr-defined]
                return taken.from_private_key(io.StringIO(written.decode()))
            except (paramiko.SSHException, ValueError, KeyError):
                break
    raise wrong_private_key(
        "holds a key of a kind that SFTP does not use: it must be RSA, ECDSA or Ed25519"
    )


def wrong_private_key(what: str) -> Misconfigured:
    return Misconfigured(
        "SFTP_PRIVATE_KEY", f"SFTP_PRIVATE_KEY {what}. Correct it: {SET_PRIVATE_KEY}."
    )
