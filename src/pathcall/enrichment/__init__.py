"""Genes as units: GSEA, camera, footprints and secreted factors of a contrast."""
