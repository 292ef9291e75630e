"""How large a published file may be when it is unpacked. What is larger is an attack, or no file of a feed."""

# The largest real file has about 0.8 GB of CSV, and is packed to a third or a seventh of that.
MAX_UNPACKED_BYTES = 20_000_000_000
MAX_RATIO = 100
# The ratio says nothing of files that are smaller than this.
SMALL_FILE_BYTES = 1 << 20
