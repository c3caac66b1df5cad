"""How files are read and mistakes told: YAML, JSON, fields, findings, wording."""
