"""A signature inside a PDF (PAdES) that any reader shows and `pdfsig` checks.

The key and its certificate come from the settings.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


def sign(pdf: bytes, key_pem: str, certificate_pem: str, reason: str) -> bytes:
    """The PDF with a signature at its end; what was there before is unchanged."""
    # Half a second of every start, for a paper now and then.
    from asn1crypto.keys import PrivateKeyInfo  # noqa: PLC0415
    from asn1crypto.pem import unarmor  # noqa: PLC0415
    from asn1crypto.x509 import Certificate  # noqa: PLC0415
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415
    from pyhanko.sign import signers  # noqa: PLC0415
    from pyhanko_certvalidator.registry import SimpleCertificateStore  # noqa: PLC0415

    certificate = Certificate.load(unarmor(certificate_pem.encode())[2])
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register(certificate)
    signer = signers.SimpleSigner(
        certificate, PrivateKeyInfo.load(unarmor(key_pem.encode())[2]), store
    )
    out = io.BytesIO()
    metadata = signers.PdfSignatureMetadata(
        field_name="Issuer", reason=reason, md_algorithm="sha256"
    )
    signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), metadata, signer, output=out)
    return out.getvalue()


def self_signed(name: str) -> tuple[str, str]:
    """A new key and a certificate of its own for ten years, as PEM: for the demo and for those who
    publish their certificate themselves.
    """
    key = rsa.generate_private_key(public_exponent=65_537, key_size=3_072)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3_650))
        .not_valid_after(now + timedelta(days=3_650))
        .add_extension(
            x509.KeyUsage(True, True, False, False, False, False, False, False, False),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), made.public_bytes(serialization.Encoding.PEM).decode()
