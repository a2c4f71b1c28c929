"""A client's pages, opened by a link from their mailbox."""
