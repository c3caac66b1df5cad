"""Records: amounts that no meter sees, as people enter and approve them, and what they are evidenced by."""
