/** In the order of what is to be looked at first: a row that was moved explains the gap that it left. */
import type { Check } from '../check.ts'
import { attempts } from './attempts.ts'
import { commands } from './commands.ts'
import { copies } from './copies.ts'
import { endings } from './endings.ts'
import { fence } from './fence.ts'
import { identity } from './identity.ts'
import { letters } from './letters.ts'
import { open } from './open.ts'
import { order } from './order.ts'
import { outbox } from './outbox.ts'
import { positions } from './positions.ts'
import { versions } from './versions.ts'

export const checks: readonly Check[] = [
  versions,
  identity,
  positions,
  attempts,
  endings,
  open,
  letters,
  commands,
  copies,
  order,
  outbox,
  fence,
]
