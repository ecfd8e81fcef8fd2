"""What was run: inputs, software, config and a Methods section."""
