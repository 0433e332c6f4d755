"""The tables: the ledger, the journal, subscriptions, and what stands beside them."""
