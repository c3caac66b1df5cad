"""Commands about feeds: the station's files for an authority."""
