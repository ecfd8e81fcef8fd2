"""What the archives hold: downloads, their lock, parsers of each source, the assembled counts."""
