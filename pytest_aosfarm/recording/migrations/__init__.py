"""The steps from each schema of the run store to the next, run by Alembic."""
