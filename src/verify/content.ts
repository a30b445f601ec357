/** What was made of a record, against the record: of every n-th one, so that the look stays short, or of all. */
import type { RawRecord } from '../envelope/record.ts'
import type { Sealer } from '../envelope/seal.ts'
import { findingOf } from './check.ts'
import { kinds, type Said, wrongsOf } from './content-rules.ts'
import type { Finding, Judgement } from './finding.ts'
import type { Span } from './kafka.ts'
import { readSaid } from './said.ts'
import type { World } from './world.ts'

/** Compared in one query. */
const recordsMax = 20_000
const bytesMax = 16 * 1024 * 1024

export interface Placed {
  readonly topic: string
  readonly partition: number
  readonly record: RawRecord
}

export class Content {
  readonly #world: World
  readonly #sealer: Sealer | null
  /** How far apart those are that are compared. */
  readonly #stride: number
  #waiting: Placed[] = []
  #bytes = 0
  #compared = 0
  #tookMs = 0
  readonly #kinds = new Map<string, number>()
  readonly #findings: Finding[] = []

  /** Of what lies in the spans about so many records are compared; infinity for all. */
  constructor(world: World, spans: readonly Span[], sample: number, sealer: Sealer | null) {
    this.#world = world
    this.#sealer = sealer
    const all = spans.reduce((sum, { fromOffset, toOffset }) => sum + toOffset - fromOffset, 0)
    this.#stride = Math.max(Math.ceil(all / sample), 1)
  }

  async take({ topic, partition, records }: Span & { readonly records: readonly RawRecord[] }): Promise<void> {
    for (const record of records) {
      if (record.offset % this.#stride !== 0) continue
      this.#waiting.push({ topic, partition, record })
      this.#bytes += record.value?.length ?? 0
      if (this.#waiting.length >= recordsMax || this.#bytes >= bytesMax) await this.#compare()
    }
  }

  async judge(): Promise<Judgement> {
    await this.#compare()
    const order = Object.keys(kinds)
    const found = [...this.#kinds].toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    return {
      check: 'content',
      holds: `what was made of a record is what the record says: of ${this.#stride === 1 ? 'all' : `every ${this.#stride}th`}, ${this.#compared} records`,
      wrong: found.reduce((sum, [, count]) => sum + count, 0),
      kinds: Object.fromEntries(found),
      findings: this.#findings.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)),
      tookMs: Math.round(this.#tookMs),
    }
  }

  async #compare(): Promise<void> {
    const startedMs = performance.now()
    const waiting = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    this.#compared += waiting.length
    const said = await readSaid(this.#world, waiting)
    for (const { placed, rows } of said) this.#judge(placed, rows)
    this.#tookMs += performance.now() - startedMs
  }

  #judge(placed: Placed, rows: readonly Said[]): void {
    for (const wrong of wrongsOf(placed, rows, this.#world, this.#sealer)) {
      const times = this.#kinds.get(wrong.kind) ?? 0
      this.#kinds.set(wrong.kind, times + 1)
      if (times === 0) this.#findings.push(findingOf({ name: 'content', kinds }, wrong, this.#world))
    }
  }
}
