"""The forms that an export comes in: CSV, JSON lines, XLSX, Parquet, plain-text accounting, Form
1099-K.
"""
