/** Services that records wait for while they are prepared: each outage is told once, however many lanes meet it. */
import type { Clock } from '../base/clock.ts'
import type { EngineError } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'

interface Away {
  readonly service: string
  readonly address: string
  readonly sinceUs: number
}

export class Outages {
  readonly #clock: Clock
  readonly #away = new Map<string, Away>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Answers with a name for it. The error's `details` say which service it is, and at which address. */
  began({ details, message, code }: EngineError): string {
    const service = String(details.service ?? code)
    const address = String(details.address ?? '')
    const name = `${service} ${address}`
    if (!this.#away.has(name)) {
      this.#away.set(name, { service, address, sinceUs: this.#clock.nowUs() })
      publish('outage', { service, address, message })
    }
    return name
  }

  /** Somebody who had met it got an answer. */
  ended(name: string): void {
    const away = this.#away.get(name)
    if (away === undefined) return
    this.#away.delete(name)
    const { service, address, sinceUs } = away
    publish('recovered', { service, address, downMs: Math.round((this.#clock.nowUs() - sinceUs) / 1000) })
  }
}
