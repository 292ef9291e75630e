"""The portal: what is published, for people who look instead of read. `nyc portal` starts it."""

FIRST_PAGE = "overview"
