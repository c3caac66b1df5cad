"""Exchanges between the facilities of a park: what one gives to another, by the meters of both."""
