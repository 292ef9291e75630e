"""Stations of the bike-share system: strings for ids, some of them odd, as in published files.

They lie along the street grid of Manhattan and Brooklyn. Their ids have the traps of real ones: `6498.1` and `6498.10`
are one station in one month, `5065.10` ends in a zero, `SYS035` is not a number, `6569.09_` has a trailing underscore.
"""

from dataclasses import astuple, dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Station:
    """A station and its share of the trips, relative to the others."""

    id: str
    name: str
    lat: float
    lng: float
    weight: float


_AVENUES = ("12 Ave", "10 Ave", "8 Ave", "7 Ave", "6 Ave", "5 Ave", "Park Ave", "3 Ave", "2 Ave", "1 Ave", "York Ave")
_BROOKLYN = ("Bedford Ave", "Driggs Ave", "Kent Ave", "Lafayette Ave", "Fulton St", "DeKalb Ave", "Smith St", "Hoyt St")
_BROOKLYN_CROSS = ("N 7 St", "Metropolitan Ave", "S 4 St", "Clermont Ave", "Hanson Pl", "3 St", "Bergen St", "9 St")
_ODD = (
    Station("5065.10", "Maiden Ln & Pearl St", 40.7070650, -74.0073190, 1.4),
    Station("6498.10", "E 47 St & 2 Ave", 40.7532305, -73.9703246, 1.5),
    Station("6498.1", "E 47 St & 2 Ave", 40.7532305, -73.9703246, 0.4),
    Station("6569.09_", "W 44 St & 11 Ave", 40.7621490, -73.9972260, 0.6),
    Station("SYS035", "Pier 40 Dock Station", 40.72866689, -74.01197910, 0.3),
    Station("6140.05", "W 21 St & 6 Ave", 40.7417400, -73.9941560, 4.0),
    Station("5905.14", "University Pl & E 14 St", 40.73481, -73.99220, 3.2),
)
_NEW_JERSEY = (
    ("Grove St PATH", "JC115"), ("Morris Canal", "JC072"), ("Oakland Ave", "JC022"), ("JC Medical Center", "JC110"),
    ("Hamilton Park", "JC009"), ("York St & Marin Blvd", "JC097"), ("Exchange Pl", "JC116"), ("Newport PATH", "JC066"),
    ("Sip Ave", "JC056"), ("Liberty Light Rail", "JC052"), ("Baldwin at Montgomery", "JC020"),
    ("Marin Light Rail", "JC013"), ("Warren St", "JC006"), ("City Hall", "JC003"),
    ("Columbus Drive", "JC014"), ("Dixon Mills", "JC076"),
    ("Hoboken Terminal - River St & Hudson Pl", "HB102"), ("Hoboken Terminal - Hudson St & Hudson Pl", "HB101"),
    ("14 St Ferry - 14 St & Shipyard Ln", "HB202"), ("South Waterfront Walkway - Sinatra Dr & 1 St", "HB103"),
    ("Stevens - River Ter & 6 St", "HB602"), ("Adams St & 2 St", "HB407"),
    ("Mama Johnson Field - 4 St & Jackson St", "HB404"),
    ("Church Sq Park - 5 St & Park Ave", "HB601"), ("Columbus Park - Clinton St & 9 St", "HB501"),
    ("Grand St & 2 St", "HB408"),
)  # fmt: skip


def new_york_stations() -> tuple[Station, ...]:
    """Stations from the south to the north, so that neighbours in the list are near each other."""
    made = list(_ODD)
    for row, street in enumerate(range(4, 110, 2)):
        for column, avenue in enumerate(_AVENUES):
            side = "W" if column < 5 else "E"
            # A block is 0.00072 degrees of latitude, the distance of avenues 0.0031 degrees of longitude.
            lat = round(40.7265 + 0.00072 * street - 0.0011 * column, 7)
            lng = round(-74.0080 + 0.0031 * column + 0.00052 * street, 7)
            weight = 0.4 + ((row * 7 + column * 5) % 13) / 6 + (1.2 if 20 <= street <= 60 else 0)
            station_id = f"{5500 + row * 37}.{1 + (row + column * 3) % 19:02d}"
            made.append(Station(station_id, f"{side} {street} St & {avenue}", lat, lng, weight))
    for row, (avenue, cross) in enumerate((a, c) for a in _BROOKLYN for c in _BROOKLYN_CROSS):
        lat, lng = round(40.6760 + 0.0007 * row, 6), round(-73.9900 + 0.0011 * (row % 8), 6)
        station_id = f"{4100 + row * 19}.{1 + row % 12:02d}"
        made.append(Station(station_id, f"{avenue} & {cross}", lat, lng, 0.3 + row % 5 / 4))
    return tuple(sorted(made, key=lambda station: station.lat))


def jersey_stations() -> tuple[Station, ...]:
    """Stations of Jersey City and Hoboken."""
    return tuple(
        Station(id_, name, round(40.7080 + 0.0018 * row, 9), round(-74.0620 + 0.0011 * row, 9), 1 + 12 / (row + 2))
        for row, (name, id_) in enumerate(_NEW_JERSEY)
    )


def station_table(stations: tuple[Station, ...]) -> pa.Table:
    """The stations as rows with their number, for a join."""
    columns = list(zip(*map(astuple, stations), strict=True))
    return pa.table(
        {
            "number": pa.array(range(len(stations)), pa.int32()),
            "id": pa.array(columns[0]),
            "name": pa.array(columns[1]),
            "lat": pa.array(columns[2]),
            "lng": pa.array(columns[3]),
        }
    )
