/** On whose page: the site is one of ours, and the key that came with the request is its own. */
import { defineFunction, fail, z } from 'millrace'
import { readWorld } from '../../video/world.ts'

export default defineFunction({
  input: z.object({ site: z.string(), key_of: z.string() }),
  output: z.object({ site: z.string(), name: z.string() }),
  async run({ input }) {
    const { sites } = await readWorld()
    const site = sites.find(({ id }) => id === input.site)
    if (site === undefined) return fail('unknown_site', `no site ${input.site}`)
    if (site.id !== input.key_of) return fail('api_key_invalid', `not the key of ${site.id}`)
    return { site: site.id, name: site.name }
  },
})
