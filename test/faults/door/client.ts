/**
 * A client of the door that writes down what it was told. Half of its requests have an Idempotency-Key, and are repeated until they are
 * accepted, some even then; of the others one try is all there is.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, post } from '../../support/door.ts'

/** `unknown`: nobody was told whether it was taken. */
export type Told = 'accepted' | 'refused' | 'unknown'

export interface Request {
  readonly n: number
  readonly key: string | null
  told: Told
  /** Of all its 2xx. */
  readonly ids: Set<string>
  /** Where its status is. */
  status: string | null
}

export interface ClientOptions {
  readonly ports: () => readonly number[]
  readonly perSecond: number
  readonly name: string
}

/** Longer than a door and its servers are away in any row. */
const insistMs = 90_000

export class DoorClient {
  readonly requests: Request[] = []
  readonly problems: string[] = []
  readonly #options: ClientOptions
  readonly #stopping = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  #loop: Promise<void> | undefined

  constructor(options: ClientOptions) {
    this.#options = options
  }

  get accepted(): number {
    return this.requests.filter(({ told }) => told === 'accepted').length
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  /** Nothing new. */
  stop(): void {
    this.#stopping.abort()
  }

  /** And what is under way is brought to its end. */
  async finish(): Promise<void> {
    this.stop()
    await this.#loop
    await Promise.all(this.#underWay)
  }

  async #run(): Promise<void> {
    for (let n = 0; !this.#stopping.signal.aborted; n++) {
      const key = n % 2 === 0 ? `${this.#options.name}-${n}` : null
      const request: Request = { n, key, told: 'unknown', ids: new Set(), status: null }
      this.requests.push(request)
      const asked = (key === null ? this.#once(request) : this.#insist(request)).finally(() =>
        this.#underWay.delete(asked),
      )
      this.#underWay.add(asked)
      await sleep(1000 / this.#options.perSecond)
    }
  }

  async #once(request: Request): Promise<void> {
    request.told = await this.#ask(request)
  }

  async #insist(request: Request): Promise<void> {
    const untilMs = performance.now() + insistMs
    while (performance.now() < untilMs) {
      if ((await this.#ask(request)) === 'accepted') {
        request.told = 'accepted'
        // Who did not hear the answer asks once more.
        if (request.n % 10 === 0) await this.#ask(request)
        return
      }
      await sleep(200)
    }
    this.problems.push(`request ${request.n} was not accepted within ${insistMs / 1000} s`)
  }

  async #ask(request: Request): Promise<Told> {
    const ports = this.#options.ports()
    const port = ports[Math.floor(Math.random() * ports.length)] as number
    const headers: Record<string, string> = request.key === null ? {} : { 'idempotency-key': request.key }
    const body = { n: request.n, account: `account-${request.n % 50}` }
    try {
      return this.#heard(request, await post(port, '/charges', body, headers))
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'refused' : 'unknown'
    }
  }

  #heard(request: Request, { status, json, text }: Answer): Told {
    if (status === 202) {
      request.ids.add(json.id)
      request.status = json.status
      return 'accepted'
    }
    if (status === 409 || json?.code === 'write_unknown') return 'unknown'
    if (status !== 503) this.problems.push(`request ${request.n} was answered ${status}: ${text.slice(0, 200)}`)
    return 'refused'
  }
}
