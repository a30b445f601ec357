/** What is asked of a side that runs: how fast it drains, how long one event takes at a steady rate, and at what cost. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { until } from '../src/base/poll.ts'
import { treeSeconds } from './cpu.ts'
import type { Pacer } from './pacer.ts'
import type { Pace } from './producer.ts'
import type { Running } from './running.ts'
import type { Sql } from './side.ts'

export interface Subject {
  readonly db: pg.Client
  readonly sql: Sql
  readonly running: Running
  readonly postgresPid: number | null
}

/** Each of one transaction, or of a thousand where it says so. */
export interface Cost {
  readonly coordinatorCpuPer1000: number
  readonly workersCpuPer1000: number
  /** Null on a server of somebody else. */
  readonly postgresCpuPer1000: number | null
  readonly commits: number
  readonly walBytes: number
  readonly callsPerFrame: number
}

export interface Drained extends Cost {
  readonly perSecond: number
  /** Of coordinator and workers together, in MiB. */
  readonly peakMb: number
  /** What stood at most at once: transactions that ran, worker processes, calls in them, calls that waited for one. */
  readonly running: number
  readonly processes: number
  readonly calls: number
  readonly callsWaiting: number
}

export interface Paced extends Cost {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
  /** How late the producer itself was at worst, in milliseconds. */
  readonly producerLateMs: number
}

export interface Backlog {
  readonly count: number
  /** None of it was produced before. */
  readonly sinceMs: number
  /** What had been admitted in this ledger before it. */
  readonly before: number
}

/** Thousands of workflow files take their time to be read. */
const firstMsMax = 180_000
const drainMsMax = 1_800_000
const endMsMax = 60_000

/** `count` records are there; the side has just been started. Its start is not measured: that ends with its first commit. */
export async function drain(subject: Subject, { count, sinceMs, before: admittedBefore }: Backlog): Promise<Drained> {
  const { sql, running } = subject
  const admitted = async () => (await admittedNow(subject.db, sql)) - admittedBefore
  await untilRunning(subject, 'the first record', async () => (await admitted()) > 0, firstMsMax, 20)
  const before = await meter(subject)
  const missing = count - (await numberOf(subject, sql.endedCount, sinceMs))
  const peak = { peakMb: 0, running: 0, processes: 0, calls: 0, callsWaiting: 0 }
  const ended = async () => {
    await raise(peak, running)
    return (await admitted()) >= count && (await numberOf(subject, sql.endedCount, sinceMs)) >= count
  }
  await untilRunning(subject, `${count} transactions to end`, ended, drainMsMax, 200)
  const cost = costOf(before, await meter(subject), missing)
  const { rows } = await whole(
    subject,
    sinceMs,
    `select count(*)::int as n, extract(epoch from max(ended_at) - min(fetched_at))::float8 as seconds`,
  )
  const { n, seconds } = rows[0] as { n: number; seconds: number }
  if (n !== count) throw new Error(`${n} transactions of ${count} records`)
  return { perSecond: count / seconds, ...peak, ...cost }
}

export async function pace(subject: Subject, pacer: Pacer, pacing: Pace): Promise<Paced> {
  const { sql } = subject
  await pacer.ready(pacing)
  await sleep(500) // what came before is quiet
  const sinceMs = Date.now()
  const before = await meter(subject)
  const { lateMs } = await pacer.run()
  const ended = async () => (await numberOf(subject, sql.endedCount, sinceMs)) >= pacing.count
  await untilRunning(subject, 'the paced ones to end', ended, endMsMax, 100)
  const cost = costOf(before, await meter(subject), pacing.count)
  const { rows } = await whole(
    subject,
    sinceMs,
    `select percentile_cont(array[0.5, 0.95, 0.99, 1]) within group (
       order by extract(epoch from ended_at - produced_at) * 1000)::float8[] as ms`,
  )
  const [p50, p95, p99, max] = rows[0].ms as [number, number, number, number]
  return { p50, p95, p99, max, producerLateMs: lateMs, ...cost }
}

async function raise(peak: Record<string, number>, running: Running): Promise<void> {
  const health = await running.health()
  const now: Record<string, number> = {
    peakMb: running.residentMb(),
    running: health?.running ?? 0,
    processes: health?.workers.processes ?? 0,
    calls: health?.workers.running ?? 0,
    callsWaiting: health?.workers.waiting ?? 0,
  }
  for (const [name, value] of Object.entries(now)) peak[name] = Math.max(peak[name] ?? 0, value)
}

/** A query over all that has ended, when the return of their commits is written. */
async function whole({ db, sql }: Subject, sinceMs: number, select: string): Promise<pg.QueryResult> {
  const unknown = `select count(*)::int as n from (${sql.ended}) e where ended_at is null`
  const known = async () => (await db.query(unknown, [sinceMs])).rows[0].n === 0
  await until('the last commits to be known', known, { forMs: 10_000, everyMs: 100 })
  return db.query(`${select} from (${sql.ended}) e`, [sinceMs])
}

interface Meter {
  readonly coordinator: number
  readonly workers: number
  readonly postgres: number | null
  readonly commits: number
  readonly wal: number
  readonly frames: number
  readonly calls: number
}

async function meter(subject: Subject): Promise<Meter> {
  const { db, running, postgresPid, sql } = subject
  const { rows } = await db.query(`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as wal`)
  return {
    ...running.cpu(),
    postgres: postgresPid === null ? null : treeSeconds(postgresPid),
    commits: await numberOf(subject, sql.commits),
    wal: rows[0].wal,
    ...(await running.frames()),
  }
}

function costOf(before: Meter, after: Meter, transactions: number): Cost {
  const each = (name: Exclude<keyof Meter, 'postgres'>) => (after[name] - before[name]) / transactions
  const postgres = after.postgres === null ? null : ((after.postgres - (before.postgres ?? 0)) / transactions) * 1000
  return {
    coordinatorCpuPer1000: each('coordinator') * 1000,
    workersCpuPer1000: each('workers') * 1000,
    postgresCpuPer1000: postgres,
    commits: each('commits'),
    walBytes: each('wal'),
    callsPerFrame: each('calls') / each('frames'),
  }
}

export async function admittedNow(db: pg.Client, sql: Sql): Promise<number> {
  return (await db.query(sql.admitted)).rows[0].n
}

async function numberOf({ db }: Subject, sql: string, ...values: number[]): Promise<number> {
  return (await db.query(sql, values)).rows[0].n
}

/** Also gives up when what is measured is gone. */
async function untilRunning(
  { running }: Subject,
  what: string,
  holds: () => Promise<boolean>,
  forMs: number,
  everyMs: number,
): Promise<void> {
  const holdsStill = () => {
    running.check()
    return holds()
  }
  await until(what, holdsStill, { forMs, everyMs })
}
