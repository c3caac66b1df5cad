"""The archive: final months and the messages of the journal, as files outside of the state that others can read too."""
