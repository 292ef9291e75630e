"""The portal: what is published, for people who look instead of read. `nyc portal` starts it."""

FIRST_PAGE = "overview"

# Where errors of pages go, in the folder of logs.
LOG_FILE = "portal.log"
