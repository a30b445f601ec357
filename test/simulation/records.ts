/** Records as producers write them, good and bad, with copies of each other now and then. */
import type { RawRecord } from '../../src/envelope/record.ts'
import { unsendable } from './kafka/outlet.ts'
import { epochUs } from './process.ts'
import type { Random } from './random.ts'
import { type Need, needs } from './registry.ts'
import { poison } from './workers.ts'

export type NewRecord = Omit<RawRecord, 'offset' | 'fetchedUs'>

export const valueBytesMax = 4000

const kinds = {
  good: 60,
  copied: 12,
  wanted: 14,
  'no JSON': 2,
  'no UTF-8': 2,
  tombstone: 2,
  'too large': 1,
  'bad key': 3,
  poisoned: 2,
  'bad event': 2,
  answered: 8,
  refused: 2,
  never: 1,
}
type Kind = keyof typeof kinds

export class Producer {
  readonly #random: Random
  readonly keys: readonly string[]
  #count = 0

  constructor(random: Random, keys: number) {
    this.#random = random
    this.keys = Array.from({ length: keys }, (_, at) => `k${at}`)
  }

  next(nowUs: number): NewRecord {
    const kind = this.#random.weighted<Kind>(kinds)
    const key = this.#random.chance(0.3) ? null : Buffer.from(this.#random.pick(this.keys))
    // Some claim to be much older than they are; most are a little late.
    const late = this.#random.chance(0.05) ? this.#random.between(0, 2_000_000_000) : this.#random.between(0, 50_000)
    const timestampUs = this.#random.chance(0.03) ? null : epochUs + nowUs - late
    return { key, timestampUs, value: this.#value(kind), headers: this.#headers(kind) }
  }

  /** An event for those who wait with this key. */
  wanted(key: string, nowUs: number): NewRecord {
    const value = Buffer.from(JSON.stringify({ ...this.#data('good'), key }))
    return { key: null, timestampUs: epochUs + nowUs, value, headers: [] }
  }

  #value(kind: Kind): Buffer | null {
    if (kind === 'tombstone') return null
    if (kind === 'no JSON') return Buffer.from('{')
    if (kind === 'no UTF-8') return Buffer.from([0xff, 0xfe])
    const text = JSON.stringify(this.#data(kind))
    return Buffer.from(isNeed(kind) ? `\0${text}` : text)
  }

  #data(kind: Kind) {
    const n = ++this.#count
    const random = this.#random
    const key = kind === 'bad key' ? [1] : random.pick(this.keys)
    return {
      n,
      key,
      ...(random.chance(0.5) ? { owner: random.pick(this.keys) } : {}),
      same: kind === 'copied' ? `copy-${random.between(1, 4)}` : `event-${n}`,
      list: Array.from({ length: random.pick([0, 1, 2, 2, 3, 4]) }, (_, at) => `${n}-${at}`),
      pair: ['a', 'b'],
      none: [],
      skip: random.chance(0.3) ? ['s0', 's1', 's2'].filter(() => random.chance(0.5)) : [],
      ...(random.chance(0.7) ? { rare: 1 } : {}),
      ...(isNeed(kind) ? { need: kind } : {}),
      ...(kind === 'poisoned' ? { text: poison } : {}),
      ...(random.chance(0.03) ? { rare: unsendable } : {}),
      ...(kind === 'too large' ? { text: 'x'.repeat(valueBytesMax) } : {}),
    }
  }

  #headers(kind: Kind) {
    if (kind !== 'wanted' && kind !== 'copied' && kind !== 'bad event') return []
    const id = kind === 'copied' ? `id-${this.#random.between(1, 4)}` : `id-${this.#count}-`
    const attributes = { ce_specversion: '1.0', ce_id: id, ce_source: 'shop', ce_type: 'wanted' }
    const named = Object.entries(kind === 'bad event' ? { ...attributes, ce_id: '' } : attributes)
    return named.map(([name, text]) => ({ name, value: Buffer.from(text) }))
  }
}

/** It is asked about before it can be read. */
function isNeed(kind: Kind): kind is Need & Kind {
  return (needs as readonly string[]).includes(kind)
}
