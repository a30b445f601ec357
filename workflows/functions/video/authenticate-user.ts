/** Who is asking: the token is the viewer's own, and says which plan they have. */
import { defineFunction, fail, z } from 'millrace'
import { planSchema } from '../../video/world.ts'

export default defineFunction({
  input: z.object({ viewer: z.string(), token: z.object({ sub: z.string(), plan: planSchema }) }),
  output: z.object({ viewer: z.string(), plan: planSchema }),
  run({ input: { viewer, token } }) {
    if (token.sub !== viewer) return fail('token_invalid', 'the token is another viewer’s')
    return { viewer, plan: token.plan }
  },
})
