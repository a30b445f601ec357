/**
 * One arena from its opening to its verdict: coordinators come up, events flow, the row's script makes its faults, and
 * when all has ended the oracle judges.
 */

import { messageOf } from '../../src/base/error.ts'
import { until } from '../../src/base/poll.ts'
import { heldSpans } from '../support/accounted.ts'
import { type Arena, type ArenaOptions, openArena } from './arena.ts'
import { type Era, type Judge, judge } from './oracle.ts'
import type { Outcome, Room } from './row.ts'

/** Coordinators that start beside each other on a busy machine take their time. */
const startMs = 120_000

export interface TrialOptions extends Omit<ArenaOptions, 'ground'> {
  /** Coordinators at the start, three by default. */
  readonly members?: number
  readonly rounds?: number
  /** Published in all, at least; by default those of a round for each round. */
  readonly events?: number
  /** Work must stand still no longer than this after a fault, in seconds. */
  readonly recoverySecondsMax?: number
  /** False: a clock was shifted, so stamps of the ledger say nothing of order. */
  readonly clocksAgree?: boolean
  readonly judge?: Judge
  /** How long all may take to end after the last fault. */
  readonly settleMs?: number
}

export interface Script {
  readonly arena: Arena
  /** Seconds that work stood still. */
  recovered(seconds: number | null): void
  /** The topic is about to be deleted: the oracle judges what it was, too. */
  remember(era: Era): void
  /** Something that must not be, or that must be seen and was not. */
  problem(text: string): void
}

export async function trial(
  room: Room,
  options: TrialOptions,
  act: (script: Script) => Promise<void>,
): Promise<Outcome> {
  const { members = 3, rounds = room.rounds, events = room.events * rounds } = options
  const arena = await openArena({ ground: room.ground, ...options })
  const recoveries: number[] = []
  const problems: string[] = []
  const before: Era[] = []
  const script: Script = {
    arena,
    recovered: (seconds) => void (seconds !== null && recoveries.push(seconds)),
    remember: (era) => void before.push(era),
    problem: (text) => void problems.push(text),
  }
  try {
    for (let n = 0; n < members; n++) arena.start()
    if (members > 0) await arena.shared(arena.alive(), startMs)
    arena.publisher.start()
    await act(script)
    await arena.publisher.finish(events)
    await settled(arena, options.settleMs ?? 90_000)
  } catch (error) {
    problems.push(messageOf(error))
  }
  return conclude(arena, { ...options, rounds, before }, recoveries, problems)
}

async function conclude(
  arena: Arena,
  options: TrialOptions & { readonly rounds: number; readonly before: readonly Era[] },
  recoveries: readonly number[],
  problems: string[],
): Promise<Outcome> {
  const { recoverySecondsMax = Number.POSITIVE_INFINITY, clocksAgree = true, rounds, before } = options
  for (const seconds of recoveries) {
    if (seconds > recoverySecondsMax) problems.push(`work stood still for ${seconds.toFixed(1)} s`)
  }
  let verdict = { events: 0, lost: 0, doubled: 0, disordered: 0, chargedTwice: 0, problems: [] as readonly string[] }
  try {
    verdict = { ...(await (options.judge ?? judge)(arena, { clocksAgree, before })) }
    problems.push(...(await arena.stopMembers()))
  } catch (error) {
    problems.push(`no verdict: ${messageOf(error)}`)
  }
  problems.push(...verdict.problems)
  const failed = problems.length > 0
  await arena.close(failed)
  return { ...verdict, rounds, recoveries, problems, kept: failed ? [`${arena.dir} (database ${arena.id})`] : [] }
}

/** Every offset that Kafka holds is past, and nothing is open. */
export async function settled(arena: Arena, forMs: number): Promise<void> {
  const spans = await heldSpans(arena.admin, arena.id)
  const ended = async () => {
    const lanes = new Map((await arena.lanes()).map((lane) => [lane.partition, lane.nextOffset]))
    if (!spans.every((span) => (lanes.get(span.partition) ?? 0) >= span.to)) return false
    const [row] = await arena.query<{ open: boolean }>(
      `select exists (select from millrace.transactions where ended_at is null)
              or exists (select from millrace.outbox where state = 'pending')
              or exists (select from millrace.commands where state = 'pending') as open`,
    )
    return row?.open === false
  }
  await until('all to end', () => ended().catch(() => false), { forMs, everyMs: 100 })
}
