"""Small statistics that several rooms share."""
