"""Pages about trips and weather."""

from portal.page import Section

SECTION = Section("Mobility", ())
