/**
 * What is due by what was really watched, against what was billed and paid: the viewer owes the film's price by the second, up to
 * three times the film; advertisers owe what they owed, for their spots came first. Gives the new amounts, and what is to be
 * moved so that they hold.
 */
import { defineFunction, fail, z } from 'millrace'
import { adjustmentSchema, adjustmentsOf } from '../../video/adjustments.ts'
import { paidFrom } from '../../video/parties.ts'
import { type Entry, entrySchema, movedSchema, totalOf, wasRefused } from '../../video/provider.ts'
import { readWorld } from '../../video/world.ts'

export default defineFunction({
  effects: 'none',
  input: z.object({
    currency: z.string(),
    film: z.string(),
    region: z.string(),
    billed: z.array(entrySchema),
    paid: z.array(entrySchema),
    /** The viewer's event at the end; null when none came: then the whole film is due. */
    teardown: z.object({ data: z.unknown() }).nullable(),
  }),
  output: z.object({
    watched_seconds: z.int(),
    billed: movedSchema,
    paid: movedSchema,
    adjustments: z.array(adjustmentSchema),
  }),
  async run({ input }) {
    const { currency, billed, paid } = input
    const world = await readWorld()
    const film = world.films.find(({ id }) => id === input.film)
    if (film === undefined) return fail('unknown_film', `no film ${input.film}`)
    const seconds = watchedOf(input.teardown?.data, film.seconds)
    const dueBilled = billed.map((entry) => ({ ...entry, amount: dueOf(entry, seconds, film.seconds) }))
    const total = totalOf(dueBilled)
    const duePaid = paidFrom(total, input.film, input.region, world)
    if (wasRefused(duePaid)) return duePaid
    const adjustments = [...adjustmentsOf('billed', billed, dueBilled), ...adjustmentsOf('paid', paid, duePaid)]
    const moved = (due: readonly Due[], before: readonly Entry[]) => movedOf(currency, total, due, before)
    const sides = { billed: moved(dueBilled, billed), paid: moved(duePaid, paid) }
    return { watched_seconds: seconds, ...sides, adjustments }
  },
})

type Due = Pick<Entry, 'role' | 'party' | 'account' | 'amount'>

const dataSchema = z.object({ watched_seconds: z.number().nonnegative() })

/** Of an event that says nothing sensible, nobody can be refunded. */
function watchedOf(data: unknown, filmSeconds: number): number {
  const said = dataSchema.safeParse(data)
  return said.success ? Math.min(Math.round(said.data.watched_seconds), 3 * filmSeconds) : filmSeconds
}

/** To the nearest minor unit, halves up. */
function dueOf({ role, amount }: Entry, seconds: number, filmSeconds: number): number {
  if (role !== 'viewer') return amount
  const whole = BigInt(filmSeconds)
  return Number((2n * BigInt(amount) * BigInt(seconds) + whole) / (2n * whole))
}

/** As a receipt has it: who owes or has nothing is not in it, and the first movement is the one that is named. */
function movedOf(currency: string, total: number, due: readonly Due[], before: readonly Entry[]) {
  const entries = due.flatMap((one) => {
    const first = before.find(({ role, party }) => role === one.role && party === one.party)
    return one.amount > 0 ? [{ ...one, id: first?.id ?? '', key: first?.key ?? '' }] : []
  })
  return { currency, total, entries }
}
