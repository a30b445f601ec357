/**
 * What the coordinator relies on of a ledger, as tests for any: Postgres and the simulated one alike, so that what the
 * simulation finds is true of Postgres. Looked at through the port alone.
 */
import { test } from 'node:test'
import type { Command, Ledger } from '../../src/coordinator/ports.ts'
import { copies } from './ledger/copies.ts'
import { fence } from './ledger/fence.ts'
import { history } from './ledger/history.ts'
import { lanes } from './ledger/lanes.ts'
import { letters } from './ledger/letters.ts'
import { money } from './ledger/money.ts'
import { refusals } from './ledger/refusals.ts'
import { rests } from './ledger/rests.ts'
import { rounds } from './ledger/rounds.ts'
import { signals } from './ledger/signals.ts'

/** An empty ledger of its own. */
export interface LedgerWorld {
  /** A coordinator's way to it. Without a lease anybody may take its lanes at once. */
  open(owner: string, lease?: Lease): Promise<Ledger>
  /** What an operator asks for. */
  ask(laneId: number, kind: Command['kind'], target: string): Promise<void>
  /** Nothing of it starts any more; `key` null: of the whole workflow. */
  pause(workflow: string, key: string | null): Promise<void>
  resume(workflow: string, key: string | null): Promise<void>
  /** So much time goes by. */
  pass(ms: number): Promise<void>
}

export interface Lease {
  readonly leaseMs: number
  readonly handoverMs: number
}

export type Cases = Readonly<Record<string, (world: LedgerWorld) => Promise<void>>>

export function ledgerContract(name: string, makeWorld: () => Promise<LedgerWorld>): void {
  const all: Cases = {
    ...fence,
    ...lanes,
    ...copies,
    ...history,
    ...letters,
    ...refusals,
    ...rests,
    ...signals,
    ...money,
    ...rounds,
  }
  for (const [what, act] of Object.entries(all)) test(`${name}: ${what}`, async () => act(await makeWorld()))
}
