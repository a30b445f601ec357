/** `millrace fence`: after a failover or a restore of Postgres, every coordinator takes its lanes anew. */
import { fenceAll } from '../ledger/fence.ts'
import { print, printJson } from './print.ts'
import { query } from './query.ts'

export async function fence({ engine, json }: { engine?: string; json?: boolean }): Promise<void> {
  const count = await query((db) => fenceAll(db, engine ?? null))
  if (json) return printJson({ lanes: count })
  print(`${count} ${count === 1 ? 'lane is' : 'lanes are'} fenced: whoever held them opens them again from the ledger`)
}
