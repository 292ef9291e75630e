"""What can be wrong with what a publisher serves."""

from enum import StrEnum


class Fault(StrEnum):
    """One thing that is wrong with a file or an answer, or with the server when asked for it."""

    # the body
    TRUNCATED = "truncated"  # half of the file, with the length of that half
    HTML = "html"  # a page instead of the file, with status 200
    EMPTY_ZIP = "empty-zip"
    ENCRYPTED_ZIP = "encrypted-zip"  # an entry is flagged as encrypted
    CORRUPT_ZIP = "corrupt-zip"  # some bytes of an entry are wrong; length and directory are whole
    MAC_ENTRIES_ONLY = "mac-entries-only"  # a zip of nothing but `__MACOSX`
    ZIP_BOMB = "zip-bomb"  # three megabytes that unpack to three gigabytes
    CLIMBING_PATH = "climbing-path"  # a zip entry that would be unpacked outside the folder
    WRONG_TYPES = "wrong-types"  # a value half-way down that its column's type cannot hold
    FRACTIONS = "fractions"  # an integer column comes as a decimal, with a fraction in it
    NOT_FINITE = "not-finite"  # NaN and infinity among the amounts: no error
    MISSING_COLUMN = "missing-column"  # a required column has another name
    EXTRA_COLUMN = "extra-column"  # a column never seen before: no error
    NO_ROWS = "no-rows"
    ERROR_STATUS = "error-status"  # the API refuses the query, with a reason
    ERROR_BODY = "error-body"  # the same with status 200
    MISSING_HOURS = "missing-hours"
    NULL_HOURS = "null-hours"  # the hours are there, without a value of any variable
    WRONG_UNITS = "wrong-units"
    NO_SHAPE = "no-shape"  # a record of a shape file without a shape
    OTHER_REFERENCE_SYSTEM = "other-reference-system"  # a shape file that says its coordinates are degrees
    # the connection
    HANGS = "hangs"  # no answer until the server is closed
    STALLS = "stalls"  # half of the body, then nothing more until the server is closed
    BREAKS_OFF = "breaks-off"  # the connection is closed half-way through the file
    TOO_MANY_REQUESTS = "too-many-requests"  # 429 with Retry-After
    LONG_PAUSE = "long-pause"  # 429 with a Retry-After that is a date in a hundred years
    UNAVAILABLE = "unavailable"  # 503
    # the bucket
    FORBIDDEN = "forbidden"  # listed, but 403 for whoever asks for it: beyond the subscription
    WRONG_KEYS = "wrong-keys"  # 403, because the store does not know the keys
    CLOCK_SKEW = "clock-skew"  # 403, because the store's clock differs from the asker's
    HOSTILE_ERROR = "hostile-error"  # 403 with a document type, keys and a terminal's commands in its body
    ENDLESS_LISTING = "endless-listing"  # each page of the listing names another one, and it goes on for ever
    REDIRECT = "redirect"  # 307 to another host, as for a bucket of another region; an API can have it, too
    LATE = "late"  # neither there nor listed
    OTHER_EDITION = "other-edition"  # the file with other content, as before it was replaced: no error
    UNEXPECTED = "unexpected"  # there is a file, though its calendar has none, such as one of a holiday
    # the pages of an API; it also has FORBIDDEN and WRONG_KEYS
    REPEATING_TOKEN = "repeating-token"  # each page names the same page as the next one
    ENDLESS_PAGES = "endless-pages"  # each page names another one, and it goes on for ever
    REPEATED_NAME = "repeated-name"  # an object of JSON has a name twice
    OTHER_SHAPE = "other-shape"  # the page is a list of JSON


# Every publisher can have these.
CONNECTION_FAULTS = frozenset(
    {Fault.HANGS, Fault.STALLS, Fault.BREAKS_OFF, Fault.TOO_MANY_REQUESTS, Fault.LONG_PAUSE, Fault.UNAVAILABLE}
)

# What is in a bucket can have these.
BUCKET_FAULTS = frozenset(
    {
        Fault.FORBIDDEN,
        Fault.WRONG_KEYS,
        Fault.CLOCK_SKEW,
        Fault.HOSTILE_ERROR,
        Fault.ENDLESS_LISTING,
        Fault.REDIRECT,
        Fault.LATE,
        Fault.OTHER_EDITION,
        Fault.UNEXPECTED,
    }
)

# The answers of an API of pages can have these.
PAGE_FAULTS = frozenset(
    {
        Fault.FORBIDDEN,
        Fault.WRONG_KEYS,
        Fault.REDIRECT,
        Fault.REPEATING_TOKEN,
        Fault.ENDLESS_PAGES,
        Fault.REPEATED_NAME,
        Fault.OTHER_SHAPE,
        Fault.NOT_FINITE,
    }
)

# Every table can have these, whatever its format.
TABLE_FAULTS = frozenset(
    {Fault.TRUNCATED, Fault.HTML, Fault.WRONG_TYPES, Fault.MISSING_COLUMN, Fault.EXTRA_COLUMN, Fault.NO_ROWS}
)
