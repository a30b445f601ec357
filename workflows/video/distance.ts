/** How far apart two places on Earth are. */

/** Degrees. */
export interface Position {
  readonly lat: number
  readonly lng: number
}

/** Great-circle distance by the haversine formula, on a sphere: at most 0.6 % off, enough to choose a region. */
export function distanceKm(from: Position, to: Position): number {
  const halfLat = radians(to.lat - from.lat) / 2
  const halfLng = radians(to.lng - from.lng) / 2
  const chord =
    Math.sin(halfLat) ** 2 + Math.cos(radians(from.lat)) * Math.cos(radians(to.lat)) * Math.sin(halfLng) ** 2
  return 2 * earthRadiusKm * Math.asin(Math.sqrt(Math.min(1, chord)))
}

/** Mean radius, IUGG. */
const earthRadiusKm = 6371.0088

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}
