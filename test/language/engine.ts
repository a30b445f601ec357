/** The coordinator that runs all cases: started, stopped and killed as often as a test wants. */
import { until } from '../../src/base/poll.ts'
import { type RunningCoordinator, runCoordinator } from '../support/coordinator.ts'
import { kill, terminate } from '../support/scene.ts'
import type { Query } from './read.ts'

interface EngineParts {
  readonly name: string
  /** The workflows folder. */
  readonly dir: string
  readonly env: Readonly<Record<string, string>>
  /** Partitions that it reads. */
  readonly lanes: number
  readonly query: Query
}

export class Engine {
  readonly name: string
  readonly #parts: EngineParts
  readonly #all: RunningCoordinator[] = []
  /** It ended, and nobody had asked for that. */
  isGone = false

  constructor(parts: EngineParts) {
    this.name = parts.name
    this.#parts = parts
  }

  /** Until all of its lanes are open. */
  async start(): Promise<void> {
    const coordinator = runCoordinator(this.#parts.dir, this.#parts.env)
    this.#all.push(coordinator)
    void coordinator.exited.then(() => {
      this.isGone = this.#now === coordinator
    })
    await this.#opened(coordinator)
  }

  async stop(): Promise<void> {
    await terminate(this.#all.pop() as RunningCoordinator)
  }

  async kill(): Promise<void> {
    await kill(this.#all.pop() as RunningCoordinator)
  }

  /** Of the one that runs. */
  logs(): string {
    return this.#now?.logs() ?? ''
  }

  get #now(): RunningCoordinator | undefined {
    return this.#all.at(-1)
  }

  async #opened(coordinator: RunningCoordinator): Promise<void> {
    const opened = () => coordinator.logs().match(/"fact":"lane.opened"/g)?.length ?? 0
    const areOpen = () => {
      if (this.#now !== coordinator) return true
      if (this.isGone) throw new Error('the coordinator has ended')
      return opened() >= this.#parts.lanes
    }
    await until(`${this.#parts.lanes} lanes`, areOpen, { forMs: 60_000, everyMs: 100 }).catch((error: Error) => {
      throw new Error(`${error.message}\n${coordinator.logs().slice(-4000)}`)
    })
  }
}
