"""Tests that each report renders the ledger correctly and in a valid format, with any text of a template.

The official validators check the formats: OASIS's schema for SARIF 2.1.0, compliance-trestle for OSCAL, and CycloneDX's.
`sarif-2.1.0.schema.json` is OASIS's, as json.schemastore.org publishes it and the package schemastore 0.2.3 carries it.
"""
