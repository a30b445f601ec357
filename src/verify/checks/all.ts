/** In the order of what is to be looked at first: a row that was moved explains the gap that it left. */
import type { Check } from '../check.ts'
import { attempts } from './attempts.ts'
import { blocks } from './blocks.ts'
import { children } from './children.ts'
import { commands } from './commands.ts'
import { compensation } from './compensation.ts'
import { copies } from './copies.ts'
import { endings } from './endings.ts'
import { fence } from './fence.ts'
import { identity } from './identity.ts'
import { letters } from './letters.ts'
import { money } from './money.ts'
import { open } from './open.ts'
import { order } from './order.ts'
import { outbox } from './outbox.ts'
import { outcomes } from './outcomes.ts'
import { positions } from './positions.ts'
import { rests } from './rests.ts'
import { rounds } from './rounds.ts'
import { signals } from './signals.ts'
import { steps } from './steps.ts'
import { versions } from './versions.ts'

export const checks: readonly Check[] = [
  versions,
  identity,
  positions,
  rounds,
  attempts,
  steps,
  blocks,
  endings,
  outcomes,
  compensation,
  children,
  open,
  rests,
  signals,
  money,
  letters,
  commands,
  copies,
  order,
  outbox,
  fence,
]
