/** What is looked at when somebody collects: how the engine stands, and its process. */
import { performance } from 'node:perf_hooks'
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
}

/** Returns what is to be called before each collection. `standing`: null while it has not started. */
export function observer(tallies: Tallies, standing: () => Standing | null): () => void {
  const engine = observeEngine(tallies)
  const own = observeProcess(tallies)
  return () => {
    const now = standing()
    if (now !== null) engine(now)
    own()
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
