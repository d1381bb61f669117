"""Where a site is on the map, and how far that is. Millionths of a degree, so that nothing drifts.

Coordinates are whole numbers in storage; distances are counted on a sphere, which is right to
half a per cent: enough to say which club is nearer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chalicelib.kernel.refusals import Malformed

# The box around Kazakhstan, in degrees; source: its extreme points, rounded outward.
SOUTH, NORTH, WEST, EAST = 40, 56, 46, 88
MILLION = 1_000_000
_EARTH_M = 6_371_000


class BadLocation(Malformed):
    """A point on the map of Kazakhstan has a latitude of 40 to 56 and a longitude of 46 to 88."""

    code = "providers/bad-location"


@dataclass(frozen=True, slots=True)
class Location:
    """A point on the map, in millionths of a degree north and east."""

    lat_e6: int
    lon_e6: int


def located(lat: float, lon: float) -> Location:
    """Return a point given in degrees, to about a decimetre. Raises BadLocation."""
    if not (SOUTH <= lat <= NORTH and WEST <= lon <= EAST):
        raise BadLocation(south=SOUTH, north=NORTH, west=WEST, east=EAST)
    return Location(round(lat * MILLION), round(lon * MILLION))


def distance_m(one: Location, other: Location) -> int:
    """Return the metres between two points as the crow flies (haversine), rounded."""
    lat_1, lat_2 = (math.radians(p.lat_e6 / MILLION) for p in (one, other))
    by_lat = math.sin((lat_2 - lat_1) / 2) ** 2
    by_lon = math.sin(math.radians((other.lon_e6 - one.lon_e6) / MILLION) / 2) ** 2
    part = by_lat + math.cos(lat_1) * math.cos(lat_2) * by_lon
    return round(2 * _EARTH_M * math.asin(math.sqrt(min(1.0, part))))
