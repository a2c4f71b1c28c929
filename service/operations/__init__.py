"""The business verbs.

Each takes a context and domain arguments, works in the caller's transaction, never commits, never
calls out.

Operations do not call each other: what belongs together is composed by the view or the worker's
handler, or by a job.
"""
