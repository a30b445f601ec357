/** A transaction by its id, or by as much of its beginning as is needed to tell it. */
import { EngineError } from '../base/error.ts'
import type { Connections } from '../ledger/connect.ts'
import { type Story, storiesOf } from '../ledger/read/story.ts'
import { usage } from './fail.ts'

/** So many are named when the beginning of an id fits several. */
const namedMax = 5

/** Throws `EngineError`: `usage`, `unknown_transaction`, `ambiguous_id`. */
export async function theOne(db: Connections, id: string): Promise<Story> {
  const [first, ...others] = await storiesOf(db, checked(id), namedMax + 1)
  if (!first) throw new EngineError('unknown_transaction', `there is no transaction whose id begins with ${id}`)
  if (others.length === 0) return first
  const named = [first, ...others].slice(0, namedMax).map((story) => `\n  ${story.id}`)
  const more = others.length >= namedMax ? '\n  …' : ''
  throw new EngineError('ambiguous_id', `several ids begin with ${id}; which one?${named.join('')}${more}`)
}

/** Throws `EngineError` `usage` before anything is looked up. */
export function checked(id: string): string {
  if (/^[0-9a-f-]{4,36}$/i.test(id)) return id.toLowerCase()
  throw usage(`${id} is not the id of a transaction; \`millrace list\` shows them`)
}
