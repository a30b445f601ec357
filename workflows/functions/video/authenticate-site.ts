/** On whose page: checks the site's API key against its stored hash, in a time that does not depend on the key. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { defineFunction, fail, z } from 'millrace'
import { readWorld, type Site } from '../../video/world.ts'

export default defineFunction({
  input: z.object({ site: z.string(), api_key: z.string() }),
  output: z.object({ site: z.string(), name: z.string() }),
  async run({ input }) {
    const { sites } = await readWorld()
    const site = sites.find(({ id }) => id === input.site)
    if (site === undefined) return fail('unknown_site', `no site ${input.site}`)
    if (!holds(site, input.api_key)) return fail('api_key_invalid', `not the key of ${site.id}`)
    return { site: site.id, name: site.name }
  },
})

function holds(site: Site, key: string): boolean {
  const hash = createHash('sha256').update(site.salt, 'hex').update(key, 'utf8').digest()
  return timingSafeEqual(hash, Buffer.from(site.keyHash, 'hex'))
}
