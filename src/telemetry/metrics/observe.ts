/** What is looked at when somebody collects: how the engine stands, and its process. */
import { performance } from 'node:perf_hooks'
import type { Meter } from '@opentelemetry/api'
import { attributes as name } from '../names.ts'
import type { Instruments } from './instruments.ts'

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

/** `standing`: null while it has not started. */
export function observe(meter: Meter, make: Instruments, standing: () => Standing | null): void {
  const lanes = make.observed('lanes')
  const assigned = make.observed('assigned')
  const running = make.observed('running')
  const queued = make.observed('queued')
  const processes = make.observed('processes')
  const busy = make.observed('busy')
  const waiting = make.observed('waiting')
  const all = [lanes, assigned, running, queued, processes, busy, waiting]
  meter.addBatchObservableCallback((result) => {
    const now = standing()
    if (now === null) return
    result.observe(lanes, now.lanes)
    result.observe(assigned, now.assigned)
    result.observe(running, now.running)
    result.observe(queued, now.queued)
    for (const each of now.functions) {
      const of = { [name.function]: each.name }
      result.observe(processes, each.processes, of)
      result.observe(busy, each.running, of)
      result.observe(waiting, each.waiting, of)
    }
  }, all)
  observeProcess(meter, make)
}

function observeProcess(meter: Meter, make: Instruments): void {
  const memory = make.observed('memory')
  const cpu = make.total('cpu')
  const loop = make.observed('eventLoop')
  let last = performance.eventLoopUtilization()
  meter.addBatchObservableCallback(
    (result) => {
      const { user, system } = process.cpuUsage()
      const now = performance.eventLoopUtilization()
      result.observe(memory, process.memoryUsage.rss())
      result.observe(cpu, user / 1e6, { 'cpu.mode': 'user' })
      result.observe(cpu, system / 1e6, { 'cpu.mode': 'system' })
      result.observe(loop, performance.eventLoopUtilization(now, last).utilization)
      last = now
    },
    [memory, cpu, loop],
  )
}
