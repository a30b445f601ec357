/**
 * What a record must be asked about before it can be read: values that begin with a zero byte, as those of a schema registry do.
 * Some take their time, some are refused, some are never answered, and while the service is away nobody is.
 */
import { EngineError } from '../../src/base/error.ts'
import type { Preparer } from '../../src/coordinator/ports.ts'
import { parseJson } from '../../src/envelope/json.ts'
import type { Prepared, RawRecord } from '../../src/envelope/record.ts'
import type { Plan } from '../../src/workflow/plan.ts'
import type { Process } from './process.ts'

export const needs = ['answered', 'refused', 'never'] as const
export type Need = (typeof needs)[number]

/** Of the service all coordinators ask. */
export interface Registry {
  up: boolean
}

/** Within the least time that a coordinator may have patience for. */
const answerUsMax = 100_000

/** Null: it is read as it stands. */
export function needOf(value: Buffer | null): Need | null {
  if (value?.[0] !== 0) return null
  const asked = parseJson(textOf(value)) as { readonly need?: Need }
  return asked.need ?? 'answered'
}

/** Without the byte in front. */
export function textOf(value: Buffer): string {
  return value.toString('utf8', value[0] === 0 ? 1 : 0)
}

export class SimulatedPreparer implements Preparer {
  readonly #registry: Registry
  readonly #process: Process
  /** Records that it is asked about now. */
  underWay = 0

  constructor(registry: Registry, process: Process) {
    this.#registry = registry
    this.#process = process
  }

  isReady(record: RawRecord, plans: readonly Plan[]): boolean {
    return record.value?.[0] !== 0 || plans.every(({ version }) => record.prepared?.values.has(version))
  }

  async prepare(record: RawRecord, plans: readonly Plan[], _topic: string, signal: AbortSignal): Promise<void> {
    this.underWay++
    signal.addEventListener('abort', () => this.underWay--, { once: true })
    await this.#time()
    if (signal.aborted) return
    const need = this.#registry.up ? needOf(record.value) : null
    if (need === 'never') return new Promise(() => undefined)
    this.underWay--
    if (need === null)
      throw new EngineError('registry_outage', 'away', { retryable: true, details: { service: 'registry' } })
    const answer =
      need === 'refused' ? new EngineError('refused', 'nobody knows it') : parseJson(textOf(record.value as Buffer))
    const known = record.prepared ?? nothing
    record.prepared = {
      ...known,
      values: new Map([...known.values, ...plans.map((plan) => [plan.version, answer] as const)]),
    }
  }

  #time(): Promise<void> {
    const us = this.#process.schedule.random.between(0, answerUsMax)
    return new Promise((resolve) => this.#process.hear(us, '', resolve))
  }
}

const nothing: Prepared = { values: new Map(), auth: new Map() }
