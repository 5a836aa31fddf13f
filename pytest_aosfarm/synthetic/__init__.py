"""The synthetic enterprise as pure functions of (data version, seed, anchor, tenant key, table, row)."""
