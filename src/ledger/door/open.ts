/** What the HTTP door asks of the ledger, on connections of its own, so that no commit waits for an answer to a client. */
import type { DoorLedger } from '../../api/ports.ts'
import { connect, type LedgerSettings } from '../connect.ts'
import { load } from '../load.ts'
import { abandon, claim, claimed } from './once.ts'
import { fullTopics, sourceOf, standing } from './standing.ts'
import { stories } from './stories.ts'

export function openDoorLedger(
  settings: LedgerSettings & { readonly engine: string },
): DoorLedger & { stop(): Promise<void> } {
  const db = connect({ ...settings, heldMsMax })
  const { engine } = settings
  return {
    standing: (asked) => standing(db, engine, asked),
    stories: (ids) => stories(db, ids),
    kept: (ids) => load(db, ids),
    sourceOf: (version) => sourceOf(db, version),
    claim: (claims) => claim(db, claims),
    claimed: (done) => claimed(db, done),
    abandon: (keys) => abandon(db, keys),
    full: (topics) => fullTopics(db, engine, topics),
    stop: () => db.end(),
  }
}

/** A client has given up long before. */
const heldMsMax = 10_000
