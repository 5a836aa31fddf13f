"""A recorded run in the formats that other programs and people read."""
