"""The shapes of the TLC's taxi zones: a reference file of no month, from which maps are drawn."""

from quality.files import SOURCE_ROWS_ARE_A_KEY, figure, in_set, not_null, share
from quality.suites.mobility.monthly import monthly

# The TLC numbers 263 places. Two more numbers stand for an unknown place and one outside of the city.
LAST_ZONE = 263

BOROUGHS = ("Bronx", "Brooklyn", "EWR", "Manhattan", "Queens", "Staten Island")


def _coordinate(number: int) -> str:
    """Longitude (0) or latitude (1) of the first point of a shape."""
    return f"try(json_extract(geometry, '$.coordinates[0][0][0][{number}]')::double)"


TAXI_ZONES = monthly(
    "stg_tlc__taxi_zones",
    (
        SOURCE_ROWS_ARE_A_KEY,
        figure("shapes", "count(*)", low=250, high=1000, why="The published file has 263 shapes."),
        figure("zones", "count(distinct location_id)", low=250, why="Of 263 zones, the published file has all but 3."),
        not_null("location_id"),
        not_null("zone_name"),
        not_null("borough"),
        share(
            "location_id_in_range",
            f"location_id between 1 and {LAST_ZONE}",
            mostly=1,
            why="Zones are numbered from 1 to 263.",
        ),
        in_set("borough", BOROUGHS),
        share(
            "geometry_is_a_multipolygon",
            "try(json_extract_string(geometry, '$.type')) = 'MultiPolygon'"
            " and try(json_array_length(geometry, '$.coordinates')) > 0",
            mostly=1,
            why="Each shape is a GeoJSON MultiPolygon of at least one polygon.",
        ),
        share(
            "within_the_region",
            f"{_coordinate(0)} between -75 and -73 and {_coordinate(1)} between 40 and 41.5",
            mostly=1,
            why="Longitude and latitude of New York. In feet, or with both exchanged, they would be elsewhere.",
        ),
    ),
    ("taxi_zones",),
)
