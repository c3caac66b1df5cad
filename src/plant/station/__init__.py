"""The station file of Circular 10/2021 and the feeds that send it: its words, its text, and how a feed is configured; no reading is asked for here."""
