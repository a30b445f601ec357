/** Who has paused something, since when and why. */
import type { PauseRead } from '../ledger/read/pauses.ts'
import { oneLine } from './table.ts'
import { shortTime } from './times.ts'

/** `by ann since 2026-11-24 08:00:00.000 UTC: the bank is away` */
export function whoPaused({ paused_by, paused_at, why }: Pick<PauseRead, 'paused_by' | 'paused_at' | 'why'>): string {
  return `by ${oneLine(paused_by)} since ${shortTime(paused_at)} UTC${why === null ? '' : `: ${oneLine(why)}`}`
}
