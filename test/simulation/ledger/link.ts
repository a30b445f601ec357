/**
 * A coordinator's connection to the ledger: every statement takes its time to get there and back, and the way has faults:
 * lost before or after it landed, landing long after its sender gave up, or under locks that it holds for a while.
 */
import { EngineError } from '../../../src/base/error.ts'
import type { Process } from '../process.ts'
import type { Random } from '../random.ts'
import { connectionLost, type Reply, type Server } from './server.ts'
import type { Ask, Statement, StatementName } from './statements.ts'

export const linkFaults = [
  'conflict',
  'turned away',
  'lost before',
  'lost after',
  'lands late',
  'holds locks',
  'slow',
] as const
export type LinkFault = (typeof linkFaults)[number]

export interface LinkWeather {
  /** How often which fault meets a statement; the rest goes well. */
  readonly rates: Readonly<Record<LinkFault, number>>
  /** One way, when all is well, in µs. */
  readonly wayUs: number
}

/** No answer within this is an outage. */
export const answerUsMax = 3_000_000

export function link(
  server: Server,
  process: Process,
  weather: () => LinkWeather,
  onFault: (fault: LinkFault, name: StatementName) => void,
): Ask {
  const { random } = process.schedule
  return <T>(statement: Statement<T>) =>
    new Promise<T>((resolve, reject) => {
      const fault = faultOf(random, weather().rates, statement.name)
      if (fault) onFault(fault, statement.name)
      const wayUs = () => random.exponential(weather().wayUs)
      let open = true
      const end = (reply: Reply) => {
        if (!open) return
        open = false
        giveUp()
        if ('error' in reply) reject(reply.error)
        else resolve(reply.value as T)
      }
      const hear = (delayUs: number, reply: Reply) =>
        void process.hear(
          delayUs,
          `${process.name} hears of ${statement.name}${'error' in reply ? `: ${reply.error.code}` : ''}`,
          () => end(reply),
        )
      const giveUp = process.hear(answerUsMax, '', () => end({ error: connectionLost() }))
      if (fault === 'conflict') return hear(wayUs() * 2, { error: conflict() })
      if (fault === 'turned away') return hear(wayUs() * 2, { error: turnedAway() })
      if (fault === 'lost before') return hear(wayUs() * 2, { error: connectionLost() })
      if (fault === 'lands late') hear(wayUs() * 2, { error: connectionLost() })
      const there = wayUs() + delayOf(random, fault)
      const holdUs = fault === 'holds locks' ? random.between(20_000, answerUsMax * 2) : 0
      process.schedule.after(
        there,
        `${process.name} ${statement.name} ${statement.about}${fault ? ` (${fault})` : ''}`,
        () =>
          server.arrive({
            from: process.name,
            statement,
            holdUs,
            reply: (reply) => {
              if (fault !== 'lands late') hear(wayUs(), fault === 'lost after' ? { error: connectionLost() } : reply)
            },
          }),
      )
    })
}

function faultOf(random: Random, rates: LinkWeather['rates'], name: StatementName): LinkFault | null {
  let at = random.fraction()
  for (const fault of linkFaults) {
    at -= rates[fault]
    if (at < 0) return fault === 'holds locks' && !holding.includes(name) ? null : fault
  }
  return null
}

/** Others hold their locks for no longer than they take. */
const holding: readonly StatementName[] = ['commit', 'take', 'settle', 'claim']

function delayOf(random: Random, fault: LinkFault | null): number {
  if (fault === 'slow') return random.between(50_000, answerUsMax)
  if (fault === 'lands late') return random.between(0, answerUsMax * 3)
  return 0
}

function conflict(): EngineError {
  return new EngineError('ledger_conflict', 'deadlock detected', { retryable: true, details: { ambiguous: false } })
}

/** Too many connections, a full disk, a standby: nothing was carried out, and that is known. */
function turnedAway(): EngineError {
  return new EngineError('ledger_outage', 'too many clients', { retryable: true, details: { ambiguous: false } })
}
