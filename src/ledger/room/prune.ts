/**
 * Makes the partitions to come and drops those that are wholly older than what is to be kept. Needs nothing but Postgres,
 * and may run beside coordinators at work.
 */
import { EngineError, messageOf } from '../../base/error.ts'
import type { Connections } from '../connect.ts'
import { type Bites, bite, settleRetried } from './bites.ts'
import { commits, type Family, families, transactions } from './families.ts'
import { type Made, makeRoom } from './make.ts'
import { type Kept, lookAt, type Old } from './old.ts'
import { attic, type Partition, type Room, readRoom } from './partitions.ts'
import { dropLeftovers, type Retired, retire } from './retire.ts'

export interface PruneOptions {
  readonly keepMs: number
  readonly dryRun: boolean
}

export interface Dropped {
  readonly tables: readonly string[]
  /** Null: of the time before there were partitions. */
  readonly from: string | null
  readonly to: string
  /** Transactions that went with it; null for a partition of something else. */
  readonly transactions: number | null
  readonly kept: readonly Kept[]
  /** Null in a dry run. */
  readonly took: { readonly lookMs: number; readonly lockMs: number; readonly dropMs: number } | null
}

export interface PruneReport {
  readonly dryRun: boolean
  /** What ended before it may go. */
  readonly before: string
  readonly made: readonly Made[]
  readonly dropped: readonly Dropped[]
  /** Left by a run that was killed. */
  readonly leftovers: readonly string[]
  /** Rows of tables that are not cut by time. */
  readonly rows: Bites | null
  /** Why some that are old enough are still there. */
  readonly problem: string | null
  readonly tookMs: number
}

/** Commits stay for so long after the transactions that they wrote: their clocks may differ, and a claim is up to an hour old. */
const commitsLaterMs = 86_400_000

/** Throws `EngineError`: `prune_running`, or what ledger/failure.ts says. `db` has one connection. */
export async function prune(db: Connections, options: PruneOptions): Promise<PruneReport> {
  await alone(db)
  try {
    return await pruneAlone(db, options)
  } finally {
    // A connection that is lost has given it back.
    await db.query({ text: `select pg_advisory_unlock(${lockKey})` }).catch(() => undefined)
  }
}

async function pruneAlone(db: Connections, { keepMs, dryRun }: PruneOptions): Promise<PruneReport> {
  const startedMs = performance.now()
  const tookMs = () => Math.round(performance.now() - startedMs)
  const { nowMs } = await readRoom(db)
  const beforeMs = nowMs - keepMs
  const rest = { dryRun, before: new Date(beforeMs).toISOString() }
  if (dryRun) {
    const dropped = await wouldDrop(db, beforeMs)
    return {
      ...rest,
      made: [],
      dropped,
      leftovers: [],
      rows: null,
      problem: null,
      tookMs: tookMs(),
    }
  }
  const made = await makeRoom(db)
  const leftovers = await dropLeftovers(db)
  await settleRetried(db, beforeMs)
  const dropped: Dropped[] = []
  const problem = await dropAll(db, beforeMs, dropped)
  const rows = await bite(db, beforeMs)
  return { ...rest, made, dropped, leftovers, rows, problem, tookMs: tookMs() }
}

/** Any number no one else takes. */
const lockKey = 0x6d696c6c7263

async function alone(db: Connections): Promise<void> {
  const [row] = await db.query<{ alone: boolean }>({ text: `select pg_try_advisory_lock(${lockKey}) as alone` })
  if (!row?.alone)
    throw new EngineError('prune_running', `another \`millrace prune\` runs on Postgres at ${db.address}`)
}

interface Due {
  readonly family: Family
  readonly partition: Partition
  readonly fromMs: number
}

/** Oldest first. The last of a family stays: what is made next begins where it ends. */
function due(family: Family, { partitions }: Room, limitMs: number): Due[] {
  const all = partitions.get(family) ?? []
  return all.flatMap((partition, at) => {
    const isDue = partition.suffix !== attic && at < all.length - 1 && partition.toMs <= limitMs
    return isDue ? [{ family, partition, fromMs: all[at - 1]?.toMs ?? 0 }] : []
  })
}

/** Postings go after their transactions: what is kept of them goes by what is kept of those. */
function limitOf(family: Family, room: Room, beforeMs: number): number {
  if (family === commits) return beforeMs - commitsLaterMs
  if (family.name === 'posting') return room.partitions.get(transactions)?.[0]?.toMs ?? 0
  return beforeMs
}

/** Answers with why it could not go on. Commits are not dropped before their transactions. */
async function dropAll(db: Connections, beforeMs: number, dropped: Dropped[]): Promise<string | null> {
  for (const family of families) {
    const room = await readRoom(db)
    for (const each of due(family, room, limitOf(family, room, beforeMs))) {
      if (await isStillFound(db, each)) break
      try {
        const { old, ...took } = await retire(db, family, each.partition, beforeMs)
        dropped.push({ ...about(each, old), took: tookOf(took) })
      } catch (error) {
        if (!(error instanceof EngineError) || !error.code.startsWith('prune_')) throw error
        return messageOf(error)
      }
    }
  }
  return null
}

async function wouldDrop(db: Connections, beforeMs: number): Promise<Dropped[]> {
  const dropped: Dropped[] = []
  const room = await readRoom(db)
  const goneMs = due(transactions, room, beforeMs).at(-1)?.partition.toMs ?? 0
  for (const family of families) {
    const limitMs = Math.max(limitOf(family, room, beforeMs), family.name === 'posting' ? goneMs : 0)
    for (const each of due(family, room, limitMs)) {
      if (await isStillFound(db, each)) break
      dropped.push({ ...about(each, await lookAt(db, family, each.partition.suffix, beforeMs, true)), took: null })
    }
  }
  return dropped
}

/** Events that are kept for longer than all else: they stay until nobody finds them any more. */
async function isStillFound(db: Connections, { family, partition }: Due): Promise<boolean> {
  if (family.name !== 'signal') return false
  const [row] = await db.query<{ found: boolean }>({
    text: `select exists (select from millrace_data.signal_${partition.suffix} where keep_until >= now()) as found`,
  })
  return row?.found === true
}

function about({ family, partition, fromMs }: Due, { kept, dropped }: Old) {
  return {
    tables: family.tables.map((table) => `${table}_${partition.suffix}`),
    from: partition.suffix === 'first' ? null : new Date(fromMs).toISOString(),
    to: new Date(partition.toMs).toISOString(),
    transactions: family === transactions ? dropped : null,
    kept,
  }
}

function tookOf({ lookMs, lockMs, dropMs }: Omit<Retired, 'old'>) {
  return { lookMs: Math.round(lookMs), lockMs: Math.round(lockMs), dropMs: Math.round(dropMs) }
}
