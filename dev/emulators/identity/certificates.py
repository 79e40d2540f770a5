"""A throw-away certificate authority, new at each start: for the TLS endpoint and for a
client's certificate.
"""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

VALID = timedelta(days=7)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def certificate(
    subject: str, key: Key, issuer: str, signer: Key, authority: bool = False
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name(issuer), name(subject), key.public_key(), x509.random_serial_number()
    )
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + VALID)
    builder = builder.add_extension(x509.BasicConstraints(authority, None), critical=True)
    if authority:
        usage = {use: use in ("key_cert_sign", "crl_sign") for use in USES}
        builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
    else:
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(identifier, critical=False)
    return builder.sign(signer, hashes.SHA256())


USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def cert_pem(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(serialization.Encoding.PEM)


def write_private(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def make(directory: Path) -> tuple[ssl.SSLContext, x509.Certificate]:
    """Writes ca.pem and client.pem (key and certificate); returns the server's context and the
    client's certificate.
    """
    directory.mkdir(parents=True, exist_ok=True)
    ca_key, server_key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    client_key = rsa.generate_private_key(65537, 2048)
    authority = certificate(
        "throw-away authority", ca_key, "throw-away authority", ca_key, authority=True
    )
    server = certificate("localhost", server_key, "throw-away authority", ca_key)
    client = certificate("bridge", client_key, "throw-away authority", ca_key)
    (directory / "ca.pem").write_bytes(cert_pem(authority))
    write_private(directory / "client.pem", key_pem(client_key) + cert_pem(client))
    served = write_private(directory / "server.pem", key_pem(server_key) + cert_pem(server))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(served)
    return context, client
