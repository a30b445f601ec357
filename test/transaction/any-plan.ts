/** Workflows out of chance: nested, of every kind of step, each with what may go wrong. */
import { planFromSource } from '../../src/workflow/parse.ts'
import type { Plan } from '../../src/workflow/plan.ts'
import type { Random } from '../simulation/random.ts'

export interface PlanWishes {
  /** Functions that are not idempotent. */
  readonly once: boolean
  /** A limit for the whole. */
  readonly limit: boolean
}

export const data = { yes: true, no: false, list: [1, 2, 3, 4], pair: ['a', 'b'], none: [] }

export function anyPlan(random: Random, wishes: PlanWishes): Plan {
  const file = new AnyFile(random, wishes)
  const timeout = wishes.limit && random.chance(0.3) ? { timeout: `${random.between(5, 60)}s` } : {}
  const steps = file.list(3)
  const signals = JSON.stringify(steps).includes('"topic":"s"') ? { signals: { s: {} } } : {}
  return planFromSource(
    JSON.stringify({ name: 'test', on: { kafka: { topic: 't' } }, ...signals, ...timeout, steps }),
    'test.yaml',
  )
}

type Fields = Record<string, unknown>

class AnyFile {
  readonly #random: Random
  readonly #wishes: PlanWishes
  #count = 0

  constructor(random: Random, wishes: PlanWishes) {
    this.#random = random
    this.#wishes = wishes
  }

  list(depth: number): Fields[] {
    const steps: Fields[] = []
    const most = this.#random.between(1, depth === 3 ? 4 : 3)
    while (steps.length < most) steps.push(this.#step(depth, steps))
    return steps
  }

  #step(depth: number, before: readonly Fields[]): Fields {
    const random = this.#random
    const id = `s${++this.#count}`
    const weights = { invoke: 6, sleep: 1, wait: 1, call: 1, parallel: 3, forEach: 2, switch: 1 }
    const kind = depth === 0 ? 'invoke' : random.weighted(weights)
    const optional = random.chance(0.2) ? { optional: true } : {}
    const when = random.chance(0.1) ? { when: random.pick(['event.data.yes', 'event.data.no']) } : {}
    return { id, ...optional, ...when, ...this.#what(kind, depth, before) }
  }

  #what(kind: string, depth: number, before: readonly Fields[]): Fields {
    const random = this.#random
    switch (kind) {
      case 'parallel': {
        const names = ['x', 'y', 'z'].slice(0, random.between(2, 3))
        const branches = Object.fromEntries(names.map((name) => [`${name}${++this.#count}`, this.list(depth - 1)]))
        return { parallel: branches, ...this.#joins([...names.keys()].map((at) => at + 1).slice(0, -1)) }
      }
      case 'forEach': {
        const list = random.pick(['list', 'list', 'pair', 'pair', 'none', 'yes'])
        const atOnce = random.between(1, 3)
        return {
          forEach: `event.data.${list}`,
          as: `it${++this.#count}`,
          atOnce,
          steps: this.list(depth - 1),
          ...this.#joins([1, 2]),
        }
      }
      case 'switch': {
        const cases: Fields[] = [
          { when: random.pick(['event.data.yes', 'event.data.no']), steps: this.list(depth - 1) },
        ]
        if (random.chance(0.5)) cases.push({ steps: this.list(depth - 1) })
        return { switch: cases }
      }
      case 'sleep':
        return { sleep: `${random.between(1, 20)}s` }
      case 'wait': {
        const onTimeout = random.pick(['fail', 'continue'])
        const timeout = random.chance(0.7) ? { timeout: `${random.between(1, 20)}s`, onTimeout } : {}
        return { wait: { topic: 's', key: "'k'", ...timeout } }
      }
      case 'call':
        return { call: 'other' }
      default:
        return this.#invoke(before)
    }
  }

  #joins(counts: readonly number[]): Fields {
    const random = this.#random
    return { join: random.pick(['all', 'all', 'each', 'any', ...counts]), others: random.pick(['cancel', 'finish']) }
  }

  #invoke(before: readonly Fields[]): Fields {
    const random = this.#random
    const seen = before.at(-1)
    const given = seen && random.chance(0.5) ? { with: { seen: `\${{ steps.${seen.id}.output }}` } } : {}
    const retry = { attempts: random.between(1, 3), initial: '1s', max: '4s' }
    const compensate = random.chance(0.6)
      ? { compensate: { uses: this.#uses('undo'), retry: { attempts: 2, initial: '1s' } } }
      : {}
    return { uses: this.#uses('do'), retry, ...given, ...compensate }
  }

  #uses(what: string): string {
    return this.#wishes.once && this.#random.chance(0.3) ? `${what}_once` : what
  }
}
