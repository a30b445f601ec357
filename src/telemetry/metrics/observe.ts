/** What is looked at when somebody collects: how the engine stands, and its process. */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { attributes as name } from '../names.ts'
import type { Tallies } from './tally.ts'

/** How an engine stands now. */
export interface Standing {
  readonly lanes: number
  readonly assigned: number
  readonly running: number
  readonly queued: number
  readonly functions: readonly {
    readonly name: string
    readonly processes: number
    readonly running: number
    readonly waiting: number
  }[]
  /** Records of its partitions that are not in the ledger. Rejects while Kafka is away. */
  lag(): Promise<readonly { readonly topic: string; readonly partition: number; readonly records: number }[]>
}

/** Kafka may be away, and whoever collects does not wait for it: then what was known last is told again. */
const lagMsMax = 2000

/** Returns what is to be called before each collection. `standing`: null while it has not started. */
export function observer(tallies: Tallies, standing: () => Standing | null): () => Promise<void> {
  const engine = observeEngine(tallies)
  const own = observeProcess(tallies)
  return async () => {
    own()
    const now = standing()
    if (now === null) return
    engine(now)
    await Promise.race([observeLag(tallies, now), sleep(lagMsMax, undefined, { ref: false })])
  }
}

/** Of partitions that went to others nothing is told any more. */
async function observeLag(tallies: Tallies, now: Standing): Promise<void> {
  const lags = await now.lag().catch(() => null)
  if (lags === null) return
  const gauge = tallies.gauge('lag')
  gauge.series.clear()
  for (const { topic, partition, records } of lags) {
    gauge.of({ [name.destination]: topic, [name.partition]: String(partition) }).set(records)
  }
}

function observeEngine(tallies: Tallies): (now: Standing) => void {
  const single = {
    lanes: tallies.gauge('lanes').of(),
    assigned: tallies.gauge('assigned').of(),
    running: tallies.gauge('running').of(),
    queued: tallies.gauge('queued').of(),
  }
  const processes = tallies.gauge('processes')
  const busy = tallies.gauge('busy')
  const waiting = tallies.gauge('waiting')
  return (now) => {
    for (const which of ['lanes', 'assigned', 'running', 'queued'] as const) single[which].set(now[which])
    for (const each of now.functions) {
      const of = { [name.function]: each.name }
      processes.of(of).set(each.processes)
      busy.of(of).set(each.running)
      waiting.of(of).set(each.waiting)
    }
  }
}

function observeProcess(tallies: Tallies): () => void {
  const memory = tallies.gauge('memory').of()
  const user = tallies.counter('cpu').of({ 'cpu.mode': 'user' })
  const system = tallies.counter('cpu').of({ 'cpu.mode': 'system' })
  const loop = tallies.gauge('eventLoop').of()
  let last = performance.eventLoopUtilization()
  return () => {
    const spent = process.cpuUsage()
    const now = performance.eventLoopUtilization()
    memory.set(process.memoryUsage.rss())
    user.set(spent.user / 1e6)
    system.set(spent.system / 1e6)
    loop.set(performance.eventLoopUtilization(now, last).utilization)
    last = now
  }
}
