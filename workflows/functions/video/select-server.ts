/** From where: the nearest region that is licensed for the viewer's country. */
import { defineFunction, fail, z } from 'millrace'
import { distanceKm } from '../../video/distance.ts'
import { readWorld } from '../../video/world.ts'

export default defineFunction({
  input: z.object({ country: z.string(), lat: z.number(), lng: z.number() }),
  output: z.object({ region: z.string(), host: z.string(), city: z.string(), distance_km: z.int() }),
  async run({ input }) {
    const { regions } = await readWorld()
    const licensed = regions.filter(({ serves }) => serves.includes(input.country))
    if (licensed.length === 0) return fail('not_available_in_country', `no region may serve ${input.country}`)
    const measured = licensed.map((region) => ({ region, km: distanceKm(input, region) }))
    const { region, km } = measured.reduce((best, other) => (other.km < best.km ? other : best))
    return { region: region.id, host: region.host, city: region.city, distance_km: Math.round(km) }
  },
})
