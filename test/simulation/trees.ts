// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts here are workflow files
/**
 * Steps of every kind, nested: what runs beside each other, for each item, or in one case; what sleeps, waits, calls another
 * workflow, and undoes. Made of chance, for workflow files.
 */
import type { Random } from './random.ts'

export type Fields = Record<string, unknown>

/** Its events are kept for those who wait for them; they start nothing. */
export const newsTopic = 'news'
/** How many workflows there are that only others call. */
export const callees = 12

export interface Tree {
  readonly steps: Fields[]
  /** Topics that some step of it waits for. */
  readonly waitsFor: ReadonlySet<string>
}

/** `topic`: what starts it; null: a step of another workflow. It calls only those of lower number than `below`. */
export function treeOf(random: Random, topic: string | null, below: number): Tree {
  const maker = new Maker(random, topic, below)
  const steps = maker.list(random.between(1, 2), [], [])
  return { steps, waitsFor: maker.waitsFor }
}

/** What is seen of a step that an event's data cannot say. */
type Seen = readonly string[]

class Maker {
  readonly waitsFor = new Set<string>()
  readonly #random: Random
  readonly #topic: string | null
  readonly #below: number
  #count = 0

  constructor(random: Random, topic: string | null, below: number) {
    this.#random = random
    this.#topic = topic
    this.#below = below
  }

  /** `seen`: steps whose output they may read; `items`: names of the items they are in. */
  list(depth: number, seen: Seen, items: readonly string[]): Fields[] {
    const known = [...seen]
    return Array.from({ length: this.#random.between(1, depth === 0 ? 2 : 3) }, () => {
      const { step, shows } = this.#step(depth, known, items)
      known.push(...shows)
      return step
    })
  }

  /** `shows`: what later steps may read of it, itself and what is inside. */
  #step(depth: number, seen: Seen, items: readonly string[]): { readonly step: Fields; readonly shows: string[] } {
    const id = `s${this.#count++}`
    const before = this.#count
    const random = this.#random
    const weights = { invoke: 8, sleep: 1, wait: 2, call: this.#below > 0 ? 1 : 0, parallel: 2, forEach: 2, switch: 1 }
    const kind =
      depth === 0 ? random.weighted({ ...weights, parallel: 0, forEach: 0, switch: 0 }) : random.weighted(weights)
    const when = random.chance(0.15) ? { when: `!event.data.skip.exists(each, each == "${id}")` } : {}
    // Without a draw, so that the others stay as they are.
    const require = before % 7 === 3 ? { require: 'event.data.n % 5 != 0' } : {}
    const optional = random.chance(0.15) ? { optional: true } : {}
    const publish = random.chance(0.1) ? { publish: { topic: 'told', value: `\${{ steps.${id}.output }}` } } : {}
    const step = { id, ...when, ...require, ...optional, ...publish, ...this.#what(kind, depth, seen, items) }
    const inside = Array.from({ length: this.#count - before }, (_, at) => `s${before + at}`)
    const hides = kind === 'forEach' ? new Set(inside) : this.#inItems(step)
    return { step, shows: [id, ...inside.filter((each) => !hides.has(each))] }
  }

  /** Steps inside of a `forEach` are seen by those of their item only. */
  #inItems(step: Fields): ReadonlySet<string> {
    const found = new Set<string>()
    const look = (value: unknown, isItem: boolean): void => {
      if (Array.isArray(value)) for (const each of value) look(each, isItem)
      else if (typeof value === 'object' && value !== null) {
        const fields = value as Fields
        if (isItem && typeof fields.id === 'string') found.add(fields.id)
        for (const [name, each] of Object.entries(fields))
          look(each, isItem || (name === 'steps' && 'forEach' in fields))
      }
    }
    look(step, false)
    return found
  }

  #what(kind: string, depth: number, seen: Seen, items: readonly string[]): Fields {
    const random = this.#random
    switch (kind) {
      case 'parallel': {
        const names = ['x', 'y', 'z'].slice(0, random.between(2, 3))
        const branches = Object.fromEntries(names.map((name) => [name, this.list(depth - 1, seen, items)]))
        return { parallel: branches, ...this.#joins(names.length) }
      }
      case 'forEach': {
        const list = random.weighted({ list: 8, pair: 3, none: 1, n: 0.3 })
        const as = `it${this.#count}`
        const atOnce = random.chance(0.5) ? { atOnce: random.between(1, 3) } : {}
        const steps = this.list(depth - 1, seen, [...items, as])
        return { forEach: `event.data.${list}`, as, ...atOnce, steps, ...this.#joins(2) }
      }
      case 'switch': {
        const last = random.chance(0.6) ? [{ steps: this.list(depth - 1, seen, items) }] : []
        const whens = ['event.data.n % 2 == 0', 'event.data.n % 3 == 0'].slice(0, random.between(1, 2))
        return { switch: [...whens.map((when) => ({ when, steps: this.list(depth - 1, seen, items) })), ...last] }
      }
      case 'sleep':
        return { sleep: random.pick(['150ms', '1s', '4s', { until: '"2026-05-01T10:00:06Z"' }]) }
      case 'wait':
        return { wait: this.#wait() }
      case 'call':
        return this.#call(items)
      default:
        return this.#invoke(seen, items)
    }
  }

  #joins(count: number): Fields {
    const random = this.#random
    const join = random.pick(['all', 'all', 'all', 'each', 'any', count - 1])
    return { join, ...(random.chance(0.4) ? { others: random.pick(['cancel', 'finish']) } : {}) }
  }

  /** Who waits for its own topic must not wait for ever: only what starts others would wake it. */
  #wait(): Fields {
    const random = this.#random
    const own = this.#topic !== null && random.chance(0.2) ? this.#topic : null
    const topic = own ?? newsTopic
    this.waitsFor.add(topic)
    const ends = own !== null || random.chance(0.7)
    const timeout = ends
      ? { timeout: random.pick(['200ms', '1s', '5s']), onTimeout: random.pick(['fail', 'continue']) }
      : {}
    const match = random.chance(0.3) ? { match: 'signal.data.n % 2 == 0' } : {}
    return { topic, key: 'event.data.key', ...match, ...timeout }
  }

  #call(items: readonly string[]): Fields {
    const passed = ['n', 'key', 'skip', 'list', 'pair', 'none'].map((name) => [name, `\${{ event.data.${name} }}`])
    const at = items.map((name) => [`${name}_at`, `\${{ ${name}_index }}`])
    return { call: `c${this.#random.between(0, this.#below - 1)}`, with: Object.fromEntries([...passed, ...at]) }
  }

  /** Its input says of which event and items it is and what came before it, so that it can be held against the ledger. */
  #invoke(seen: Seen, items: readonly string[]): Fields {
    const random = this.#random
    const uses = random.weighted({ 'work/a': 3, 'work/b': 2, 'pay/a': 3, 'pay/key': 1, 'once/work': 1, 'pure/a': 2 })
    const read = random.shuffled(seen).slice(0, 3)
    const input = {
      n: '${{ event.data.n }}',
      ...Object.fromEntries(items.map((name) => [name, `\${{ ${name} }}`])),
      ...Object.fromEntries(read.map((id) => [id, `\${{ steps.${id}.output }}`])),
      ...(random.chance(0.05) ? { x: '${{ event.data.rare }}' } : {}),
    }
    const undone = !uses.startsWith('pure/') && random.chance(0.6) ? { compensate: this.#undo(uses) } : {}
    return { uses, with: input, ...retryOf(random), timeout: random.pick(['300ms', '2s', '30s']), ...undone }
  }

  #undo(uses: string): unknown {
    const random = this.#random
    if (random.chance(0.3)) return 'undo/a'
    const input = { with: { n: '${{ event.data.n }}', output: '${{ output }}' } }
    const retry = random.chance(0.7) ? { retry: { attempts: 20, initial: '20ms', max: '1s' } } : retryOf(random)
    if (uses.startsWith('pay/') && random.chance(0.3))
      return { uses: 'undo/own', ...input, ...retry, postings: 'own', net: {} }
    return {
      uses: random.pick(['undo/a', 'undo/a', 'once/undo']),
      ...input,
      ...retry,
      timeout: random.pick(['300ms', '2s']),
    }
  }
}

function retryOf(random: Random): Fields {
  return random.pick([
    {},
    { retry: { attempts: 1 } },
    { retry: { attempts: 2, initial: '1ms', backoff: 'fixed', jitter: false } },
    { retry: { attempts: 5, initial: '20ms', max: '1s', never: ['gave_up', 'threw'] } },
    { retry: { attempts: 3, initial: '2s', on: ['not_yet', 'timeout'] } },
    { retry: { attempts: 9, initial: '100ms', budget: '500ms' } },
  ])
}
