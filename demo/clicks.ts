/** Requests that come over HTTP: sent as a web page would, each answered with where its film is. */
import type { DemoRequest } from './world/requests.ts'

export interface Answered {
  readonly status: number
  readonly ms: number
  /** Where the film is, when it was told at once. */
  readonly location: string | null
}

export class Clicks {
  readonly #url: string
  readonly #answers: Answered[] = []
  readonly #sent: Promise<void>[] = []

  /** Of the door. */
  constructor(url: string) {
    this.#url = url
  }

  get answers(): readonly Answered[] {
    return this.#answers
  }

  /** Rejects when nobody answers at all. */
  send(request: DemoRequest): void {
    const answered = this.#send(request)
    answered.catch(() => undefined)
    this.#sent.push(answered)
  }

  async all(): Promise<void> {
    await Promise.all(this.#sent)
  }

  async #send({ id, value, headers }: DemoRequest): Promise<void> {
    const from = performance.now()
    const response = await fetch(`${this.#url}/films`, {
      method: 'POST',
      body: value,
      // Whoever is not sure may send it again.
      headers: { ...httpHeaders(headers), 'idempotency-key': id },
    })
    const answer = (await response.json()) as { location?: string }
    const location = response.status === 200 ? (answer.location ?? null) : null
    this.#answers.push({ status: response.status, ms: performance.now() - from, location })
  }
}

/** CloudEvents attributes are `ce-…` over HTTP. */
function httpHeaders(headers: DemoRequest['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.replace(/^ce_/, 'ce-'), value]))
}
