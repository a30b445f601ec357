/** Who is asking: it is the viewer themselves, and what is known of them says which plan they have. */
import { defineFunction, fail, z } from 'millrace'
import { planSchema } from '../../video/world.ts'

export default defineFunction({
  input: z.object({
    viewer: z.string(),
    known: z.object({
      principal: z.string(),
      roles: z.array(z.string()),
      claims: z.object({ plan: planSchema.optional() }),
    }),
  }),
  output: z.object({ viewer: z.string(), plan: planSchema }),
  async run({ input: { viewer, known } }) {
    if (known.principal !== viewer) return fail('token_invalid', 'what was shown is another viewer’s')
    // Tokens say it in a claim; of those who come with a password it is a role.
    const plan = planSchema.safeParse(known.claims.plan ?? known.roles[0])
    return plan.success ? { viewer, plan: plan.data } : fail('no_plan', `${viewer} has no plan`)
  },
})
