"""Holds, suspensions, cases, appeals: every one with a reason, an end and a way to answer."""
