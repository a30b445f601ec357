/** How a function stands in the pool. */
import type { Fleet } from './fleet.ts'
import type { Outage } from './supply.ts'

export interface FunctionStats {
  readonly name: string
  readonly processes: number
  /** Processes that run something. */
  readonly busy: number
  /** Attempts in processes. */
  readonly running: number
  /** Those that a slot is kept for among them. */
  readonly waiting: number
  /** Why its invocations are held, or null. */
  readonly outage: Outage | null
}

export function statsOf({ name, processes, queue, supply }: Fleet): FunctionStats {
  const sizes = processes.map((process) => process.running.size)
  return {
    name,
    processes: processes.length,
    busy: processes.filter((process) => process.load > 0).length,
    running: sizes.reduce((sum, size) => sum + size, 0),
    waiting: queue.size + processes.reduce((sum, process) => sum + process.kept.size, 0),
    outage: supply.outage,
  }
}
