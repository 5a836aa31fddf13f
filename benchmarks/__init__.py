"""What things cost, measured; claims of speed and memory live here and nowhere else."""
