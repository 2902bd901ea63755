"""Certificates for a test server; run under the server's environment, which has `cryptography`.

`write_pki(directory, host_names, subjects)` leaves in `directory`:

    ca.pem                       the certificate authority
    host.pem, host.key           the server's certificate
    NAME.pem, NAME.key           each subject's certificate
    NAME.proxy                   an RFC 3820 proxy of it: proxy certificate, its key, the subject's certificate
    NAME.expired                 the same, its last day is past
"""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

DAY = datetime.timedelta(days=1)
NAME_OIDS = {"C": NameOID.COUNTRY_NAME, "O": NameOID.ORGANIZATION_NAME, "CN": NameOID.COMMON_NAME}

# proxyCertInfo with the policy "inherit all" and no limit on the length of the chain, in DER (RFC 3820 section 3.8).
PROXY_CERT_INFO = x509.UnrecognizedExtension(
    ObjectIdentifier("1.3.6.1.5.5.7.1.14"), bytes.fromhex("300c300a06082b06010505071501")
)


class Holder:
    """A private key with the certificate on it."""

    def __init__(self, subject: str, issuer: Holder | None, days: tuple[int, int], extensions: list) -> None:
        """Days count from now: (-1, 7) is valid since yesterday for a week."""
        self.subject = subject
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(distinguished_name(subject))
            .issuer_name(distinguished_name(issuer.subject if issuer else subject))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * DAY)
            .not_valid_after(now + days[1] * DAY)
        )
        # Clients under Python 3.13 and later refuse certificates without these two.
        identifiers = [
            (x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer or self).key.public_key()), False),
        ]
        for extension, critical in identifiers + extensions:
            builder = builder.add_extension(extension, critical)
        self.certificate = builder.sign((issuer or self).key, hashes.SHA256())

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )


def write_pki(directory: Path, host_names: list[str], subjects: dict[str, str]) -> None:
    """Write the files above; `subjects` maps a file name to a distinguished name like "/C=CH/CN=alice"."""
    directory.mkdir()
    ca = Holder(
        "/CN=rucio test CA",
        None,
        (-30, 30),
        [
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (key_usage(key_cert_sign=True, crl_sign=True), True),
        ],
    )
    write(directory / "ca.pem", ca.certificate_pem())
    names = x509.SubjectAlternativeName([general_name(name) for name in host_names])
    host = Holder("/CN=localhost", ca, (-1, 30), [(names, False)])
    write(directory / "host.pem", host.certificate_pem())
    write(directory / "host.key", host.key_pem())
    for name, subject in subjects.items():
        user = Holder(subject, ca, (-20, 30), [(key_usage(digital_signature=True), True)])
        write(directory / f"{name}.pem", user.certificate_pem())
        write(directory / f"{name}.key", user.key_pem())
        write(directory / f"{name}.proxy", proxy_of(user, (-1, 2)))
        write(directory / f"{name}.expired", proxy_of(user, (-3, -1)))


def proxy_of(user: Holder, days: tuple[int, int]) -> bytes:
    """The text of a proxy file, as voms-proxy-init leaves it."""
    extensions = [(key_usage(digital_signature=True), True), (PROXY_CERT_INFO, True)]
    proxy = Holder(user.subject + "/CN=12345", user, days, extensions)
    return proxy.certificate_pem() + proxy.key_pem() + user.certificate_pem()


def distinguished_name(text: str) -> x509.Name:
    pairs = (part.split("=", 1) for part in text.strip("/").split("/"))
    return x509.Name([x509.NameAttribute(NAME_OIDS[key], value) for key, value in pairs])


def general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def key_usage(**set_bits: bool) -> x509.KeyUsage:
    bits = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement"
        " key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{bit: set_bits.get(bit, False) for bit in bits.split()})


def write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
