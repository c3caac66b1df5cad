"""Factors through time, gases and their potentials, certificates, uncertainty."""
