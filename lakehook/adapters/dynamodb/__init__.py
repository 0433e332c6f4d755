"""DynamoDB tables: the ledger, the journal, subscriptions, and small records in them."""
