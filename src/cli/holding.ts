/** Waits until coordinators have heard what is paused, and tells who has. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connections } from '../ledger/connect.ts'
import { clockUs, type Holder, holdersSince } from '../ledger/read/heard.ts'
import { shortTime } from './times.ts'

/** Some signs of life, which come every 2 s. */
const heardMsMax = 10_000
const askEveryMs = 100

/** Those that hold lanes of the engine, as far as they have heard by then. One without a sign of life is not waited for. */
export async function awaitHeard(db: Connections, engine: string): Promise<Holder[]> {
  const sinceUs = await clockUs(db)
  const endsAt = performance.now() + heardMsMax
  for (;;) {
    const holders = await holdersSince(db, engine, sinceUs)
    const isAll = holders.every(({ has_heard, is_silent }) => has_heard || is_silent)
    if (isAll || performance.now() > endsAt) return holders
    await sleep(askEveryMs)
  }
}

/** In sentences. */
export function holding(holders: readonly Holder[]): string[] {
  if (holders.length === 0) return ['No coordinator is at work; whoever starts holds to it.']
  const heard = holders.filter(({ has_heard }) => has_heard)
  const left = holders.filter(({ has_heard }) => !has_heard)
  return [
    ...heard.map((each) => `${nameOf(each)} holds to it.`),
    ...left.map((each) => `${nameOf(each)} has not said so yet (last seen ${shortTime(each.seen_at)} UTC).`),
    ...(left.length > 0
      ? ['Until then something may still start there; it hears of it with its next sign of life.']
      : []),
  ]
}

/** At most some of its lanes. */
function nameOf({ owner, lanes }: Holder): string {
  const shown = lanes.slice(0, lanesShown).join(', ')
  return `${owner} (${shown}${lanes.length > lanesShown ? ` and ${lanes.length - lanesShown} more` : ''})`
}

const lanesShown = 4
