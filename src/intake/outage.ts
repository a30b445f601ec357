/** Says once that Kafka is away, and once that it is back. */
import { publish } from '../telemetry/channels.ts'
import { said } from './said.ts'

export class Outage {
  readonly #address: string
  #sinceMs: number | null = null

  constructor(address: string) {
    this.#address = address
  }

  get present(): boolean {
    return this.#sinceMs !== null
  }

  /** A broker that has just started says for a second or two that its group is not loaded: that is no outage. */
  tell(error: unknown): void {
    if (this.#sinceMs !== null || isStarting(error)) return
    this.#sinceMs = performance.now()
    publish('outage', { service: 'kafka', address: this.#address, message: said(error) })
  }

  over(): void {
    if (this.#sinceMs === null) return
    const downMs = Math.round(performance.now() - this.#sinceMs)
    this.#sinceMs = null
    publish('recovered', { service: 'kafka', address: this.#address, downMs })
  }
}

function isStarting(error: unknown): boolean {
  const seen = [error, (error as { cause?: unknown }).cause].map(
    (each) => (each as { type?: unknown } | undefined)?.type,
  )
  return seen.includes('GROUP_LOAD_IN_PROGRESS') || seen.includes('GROUP_COORDINATOR_NOT_AVAILABLE')
}
