"""A PDF/A-3 that carries its own XML and says so: Factur-X, profile EN 16931.

The typesetter attaches the file; its metadata is added here.
"""

from __future__ import annotations

import io

import pikepdf

XML_NAME = "factur-x.xml"
_SPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES = (
    ("DocumentFileName", "The name of the embedded XML document"),
    ("DocumentType", "INVOICE for all types of documents"),
    ("Version", "The version of the standard"),
    ("ConformanceLevel", "The profile of the embedded XML"),
)
_VALUES = {
    "DocumentType": "INVOICE",
    "DocumentFileName": XML_NAME,
    "Version": "1.0",
    "ConformanceLevel": "EN 16931",
}


def declared(pdf: bytes) -> bytes:
    """The PDF with Factur-X's words in its metadata. The same bytes in give the same bytes out."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        metadata = document.Root.Metadata.read_bytes().decode()
        schema = _described(metadata)
        document.Root.Metadata = pikepdf.Stream(
            document, schema.encode(), Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML
        )
        out = io.BytesIO()
        document.save(out, deterministic_id=True, linearize=False)
        return out.getvalue()


def _described(metadata: str) -> str:
    values = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, value in _VALUES.items())
    ours = f'<rdf:Description rdf:about="" xmlns:fx="{_SPACE}">{values}</rdf:Description>'
    listed = "".join(
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{meaning}</pdfaProperty:description></rdf:li>"
        for name, meaning in _PROPERTIES
    )
    extension = (
        '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension '
        "Schema</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{_SPACE}</pdfaSchema:namespaceURI>"
        "<pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{listed}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
    start, end = "<pdfaExtension:schemas><rdf:Bag>", "</rdf:RDF>"
    if start not in metadata or end not in metadata:
        raise ValueError("the typesetter's metadata has changed its shape")
    return metadata.replace(start, start + extension, 1).replace(end, ours + end, 1)
