/** What the HTTP door asks of the ledger, on connections of its own, so that no commit waits for an answer to a client. */
import { connect, type LedgerSettings } from '../connect.ts'
import { load } from '../load.ts'
import { abandon, claim, claimed } from './once.ts'
import { fullTopics, sourceOf, standing } from './standing.ts'
import { stories } from './stories.ts'

export type DoorReads = ReturnType<typeof openDoorLedger>

export function openDoorLedger(settings: LedgerSettings & { readonly engine: string }) {
  const db = connect({ ...settings, heldMsMax })
  const { engine } = settings
  return {
    standing: (asked: Parameters<typeof standing>[2]) => standing(db, engine, asked),
    stories: (ids: readonly string[]) => stories(db, ids),
    kept: (ids: readonly string[]) => load(db, ids),
    sourceOf: (version: string) => sourceOf(db, version),
    claim: (claims: Parameters<typeof claim>[1]) => claim(db, claims),
    claimed: (done: Parameters<typeof claimed>[1]) => claimed(db, done),
    abandon: (keys: Parameters<typeof abandon>[1]) => abandon(db, keys),
    full: (topics: readonly string[]) => fullTopics(db, engine, topics),
    stop: () => db.end(),
  }
}

/** A client has given up long before. */
const heldMsMax = 10_000
