/** What the workflow language costs, in the order in which it is tried. */
import type { Row } from '../growth/row.ts'
import { beside, idle, memory, start } from './asleep.ts'
import { due } from './due.ts'
import { first, news } from './signals.ts'
import { steps } from './steps.ts'

export const rows: readonly Row[] = [start, memory, beside, idle, due, news, first, steps]
