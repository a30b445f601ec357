/** In which formats a dead letter may be read: as its workflow says, in any version that the ledger has. */
import type { FormatSpec } from '../envelope/format.ts'
import type { Connections } from '../ledger/connect.ts'
import type { LetterContent } from '../ledger/read/letters.ts'
import { allSources } from '../ledger/read/sources.ts'
import { planOf } from './plan-of.ts'

export type Formats = (letter: LetterContent) => readonly (FormatSpec | null)[]

export async function letterFormats(db: Connections): Promise<Formats> {
  const plans = (await allSources(db)).flatMap((each) => planOf(each) ?? [])
  return ({ topic, workflow }) => {
    const own = plans.filter(({ name }) => workflow === null || name === workflow)
    const triggers = own.flatMap(({ on }) => [on.kafka ?? [], on.http ?? []].flat())
    const formats = triggers.filter((trigger) => trigger.topic === topic).map(({ format }) => format)
    return formats.length === 0 ? [null] : formats
  }
}
