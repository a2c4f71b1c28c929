"""Papers and filings made of exports: receipts, invoices, certificates, statements, reports to tax
offices.
"""
