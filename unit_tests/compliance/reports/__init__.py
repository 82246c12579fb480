"""Proves that each report says what the ledger says, in the format's own terms, whatever text a template brings.

The official validators judge the formats: the SARIF 2.1.0 schema of OASIS, compliance-trestle for OSCAL, CycloneDX's own.
`sarif-2.1.0.schema.json` is OASIS's, as json.schemastore.org publishes it and the package schemastore 0.2.3 carries it.
"""
