/** Half of what it drains, minute after minute: whether memory, latency and tables stay as they are. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { type Align, table } from '../../demo/table.ts'
import { median } from '../compare.ts'
import type { Subject } from '../measure.ts'
import { load } from '../parts.ts'
import { runRound } from '../round.ts'
import { engine } from '../sides/engine.ts'
import type { Verdict } from '../verdict.ts'
import type { Room, Row } from './row.ts'

/** Of what the last third of the minutes may have more than the first third, in percent. */
const growthPercentMax = { memory: 10, p99: 25 }

interface Minute {
  readonly memoryMb: number
  readonly walMb: number
  /** Of all tables and indexes. */
  readonly databaseMb: number
  /** Of what every commit updates. */
  readonly deadRows: number
  readonly hotKb: number
}

export const soak: Row = {
  name: 'soak',
  about: 'Half of the drain rate for twenty minutes (--minutes): memory, p99 and tables flat.',
  async run(room) {
    const { ground, tell, minutes } = room
    const preloaded = load(room.events ?? 40_000)
    const first = await runRound(ground, engine, preloaded, { profileDir: null, tell: (line) => tell(`soak: ${line}`) })
    const perSecond = Math.round(first.drained.perSecond / 2)
    const watched: Watched = { minutes: [], latencies: [] }
    const steady = { ...preloaded, preloaded: 2000, paces: [{ perSecond, seconds: minutes * 60, together: true }] }
    await runRound(ground, engine, steady, {
      profileDir: null,
      tell: (line) => tell(`soak: ${line}`),
      beside: (subject, over) => watch(subject, over, watched, room),
    })
    return verdictOf(perSecond, minutes, watched)
  },
}

interface Watched {
  readonly minutes: Minute[]
  latencies: readonly { readonly p50: number; readonly p99: number }[]
}

async function watch(subject: Subject, over: Promise<unknown>, watched: Watched, room: Room): Promise<void> {
  const { db, running } = subject
  const sinceMs = Date.now()
  let ended = false
  void over.finally(() => (ended = true)).catch(() => undefined)
  for (let minute = 1; !ended; minute++) {
    let memoryMb = 0
    while (!ended && Date.now() < sinceMs + minute * 60_000) {
      memoryMb = Math.max(memoryMb, running.residentMb())
      await Promise.race([sleep(1000), over])
    }
    watched.minutes.push({ memoryMb, ...(await tablesNow(db)) })
    room.tell(`soak: minute ${minute} of ${room.minutes}, ${Math.round(memoryMb)} MiB`)
  }
  await over
  await sleep(1000) // the return of the last commit is written
  const { rows } = await db.query(
    `select (percentile_cont(array[0.5, 0.99]) within group (order by extract(epoch from ended_at - produced_at) * 1000))::float8[] as ms
     from (${subject.sql.ended}) e
     group by floor((extract(epoch from produced_at) * 1000 - $1::int8) / 60000) order by min(produced_at)`,
    [sinceMs],
  )
  watched.latencies = rows.map(({ ms }) => ({ p50: ms[0], p99: ms[1] }))
}

async function tablesNow(db: pg.Client): Promise<Omit<Minute, 'memoryMb'>> {
  const { rows } = await db.query(`
    select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 / 1048576 as wal,
           pg_database_size(current_database())::float8 / 1048576 as size,
           pg_total_relation_size('millrace_data.lane_progress')::float8 / 1024 as hot,
           (select sum(n_dead_tup)::int from pg_stat_user_tables where schemaname = 'millrace_data') as dead`)
  const { wal, size, hot, dead } = rows[0]
  return { walMb: wal, databaseMb: size, deadRows: dead, hotKb: hot }
}

/** The last look may be of a part of a minute: it is not counted. */
function verdictOf(perSecond: number, whole: number, watched: Watched): Verdict {
  const minutes = watched.minutes.slice(0, whole)
  const latencies = watched.latencies.slice(0, whole)
  const memory = growth(minutes.map(({ memoryMb }) => memoryMb))
  const p99 = growth(latencies.map((each) => each.p99))
  const { memory: memoryMax, p99: p99Max } = growthPercentMax
  return {
    row: 'soak',
    limit: `≤ +${memoryMax} %, ≤ +${p99Max} %`,
    measured: `${perSecond} a second for ${whole} min: memory ${signed(memory)} %, p99 ${signed(p99)} %`,
    passed: memory <= memoryMax && p99 <= p99Max,
    more: minuteTable(minutes, latencies),
  }
}

/** Of the median of the last third over that of the first, in percent. */
function growth(numbers: readonly number[]): number {
  const third = Math.max(1, Math.floor(numbers.length / 3))
  return (median(numbers.slice(-third)) / median(numbers.slice(0, third)) - 1) * 100
}

const signed = (percent: number) => `${percent >= 0 ? '+' : ''}${percent.toFixed(1)}`

function minuteTable(minutes: readonly Minute[], latencies: Watched['latencies']): string[] {
  const head = ['minute', 'MiB', 'p50 ms', 'p99 ms', 'WAL MiB', 'database MiB', 'dead rows', 'lane_progress KiB']
  const rows = minutes.map((each, at) => {
    const wal = at === 0 ? '' : (each.walMb - (minutes[at - 1] as Minute).walMb).toFixed(0)
    const ms = latencies[at]
    const { memoryMb, databaseMb, deadRows, hotKb } = each
    const shown = [ms?.p50.toFixed(1) ?? '', ms?.p99.toFixed(1) ?? '', wal]
    return [at + 1, Math.round(memoryMb), ...shown, Math.round(databaseMb), deadRows, Math.round(hotKb)].map(String)
  })
  return table(
    [head, ...rows],
    Array.from({ length: head.length }, (): Align => 'right'),
  )
}
