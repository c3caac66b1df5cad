"""The feeds at work: slots are frozen as files when they are due, and files carried to their authorities; a fault here costs no reading and no tonne."""
