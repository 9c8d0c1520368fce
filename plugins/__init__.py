"""The bundled plugins, one folder each."""
