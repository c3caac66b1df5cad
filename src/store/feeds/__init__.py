"""The files of feeds, in `feeds.sqlite` of the state directory: what was frozen for an authority, and what became of it; no step of the line writes here."""
