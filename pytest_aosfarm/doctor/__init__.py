"""Whether tenants are apart in a database: each guarantee looked up there, and whatever is missing named."""
