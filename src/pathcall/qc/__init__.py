"""Quality of samples: what looks wrong before anything is tested."""
