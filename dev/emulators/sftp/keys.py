"""The server's and the client's keys: made once, kept in the state folder, found again after a
restart.
"""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

Key = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Keys:
    """`host_key` and `client_key` are OpenSSH public-key lines of the private keys in the files.

    `more_host_files`: keys of other kinds that the server has besides, of which a client may ask
    for one (embedded only); none unless somebody puts them there.
    """

    host_file: Path
    client_file: Path
    host_key: str
    client_key: str
    more_host_files: tuple[Path, ...] = ()


def prepared(directory: Path, new_host_key: bool = False) -> Keys:
    """The keys in `directory`, made where they are missing.

    The client's is RSA 2048 in PEM, the form that Campaign's Control Panel asks for (Control Panel:
    SFTP key management).
    """
    directory.mkdir(parents=True, exist_ok=True)
    host_file, client_file = directory / "sftp_host_key", directory / "sftp_client_key"
    if new_host_key:
        host_file.unlink(missing_ok=True)
    if not host_file.exists():
        write(host_file, ed25519.Ed25519PrivateKey.generate(), serialization.PrivateFormat.OpenSSH)
    if not client_file.exists():
        write(
            client_file,
            rsa.generate_private_key(65537, 2048),
            serialization.PrivateFormat.TraditionalOpenSSL,
        )
    more = tuple(sorted(directory.glob("sftp_host_key_*")))
    return Keys(host_file, client_file, public_line(host_file), public_line(client_file), more)


def write(path: Path, key: Key, form: serialization.PrivateFormat) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    )


def public_line(path: Path) -> str:
    content = path.read_bytes()
    load = (
        serialization.load_ssh_private_key
        if b"OPENSSH" in content
        else serialization.load_pem_private_key
    )
    form = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return load(content, None).public_key().public_bytes(*form).decode()
