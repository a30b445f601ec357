/** A pool on the fixtures, in a temporary folder, whose processes are all gone when the test is over. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../../src/base/poll.ts'
import { type FactName, type Facts, subscribe } from '../../src/telemetry/channels.ts'
import { createPool, type Pool, type PoolOptions } from '../../src/worker/pool.ts'
import type { Invocation, InvocationResult } from '../../src/worker/port.ts'

/** The sources, not what the build made of them: authors' functions run as they are written. */
export const fixtures = fileURLToPath(new URL('../../../test/worker/fixtures/', import.meta.url))

/** Within what the build makes, and removes. */
export const cacheDir = fileURLToPath(new URL('./cache', import.meta.url))

export interface Bench extends AsyncDisposable {
  readonly pool: Pool
  /** Every result so far, in the order of arrival. */
  readonly results: InvocationResult[]
  /** Builds an invocation and hands it over; the result when it comes. */
  run(name: string, input: unknown, more?: Partial<Invocation>): Promise<InvocationResult>
  /** The same for many, in one call. */
  runAll(invocations: readonly (Partial<Invocation> & { function: string })[]): Promise<InvocationResult[]>
}

export async function bench(options: Partial<PoolOptions> = {}): Promise<Bench> {
  const pool = createPool({ functionsDir: join(fixtures, 'functions'), cacheDir, ...options })
  const results: InvocationResult[] = []
  const waiting = new Map<number, (result: InvocationResult) => void>()
  pool.onResults((batch) => {
    for (const result of batch) {
      results.push(result)
      assert.ok(waiting.has(result.id), `one result for ${result.id}, and no second one`)
      waiting.get(result.id)!(result)
      waiting.delete(result.id)
    }
  })
  await pool.start()
  let lastId = 0
  const runAll: Bench['runAll'] = (parts) => {
    const invocations = parts.map((part) => invocationOf(++lastId, part))
    const coming = invocations.map(({ id }) => new Promise<InvocationResult>((resolve) => waiting.set(id, resolve)))
    pool.invoke(invocations)
    return Promise.all(coming)
  }
  return {
    pool,
    results,
    runAll,
    run: async (name, input, more) => (await runAll([{ ...more, function: name, input: JSON.stringify(input) }]))[0]!,
    async [Symbol.asyncDispose]() {
      await pool.stop()
      assert.equal(pool.stats().processes, 0)
    },
  }
}

function invocationOf(id: number, part: Partial<Invocation> & { function: string }): Invocation {
  return {
    id,
    transactionId: '0192-transaction',
    workflow: 'order',
    step: 'reserve',
    attempt: 1,
    idempotencySeed: `key-${id}`,
    forwardSeed: null,
    input: 'null',
    timeoutMs: 10_000,
    notAfterUs: null,
    alone: false,
    ahead: false,
    isSecret: false,
    trace: null,
    ...part,
  }
}

/** A zombie is dead: where nobody collects orphans, they stay so. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

export function untilDead(pid: number, forMs: number): Promise<void> {
  return until(`process ${pid} to be gone`, () => !isAlive(pid), { forMs, everyMs: 10 })
}

/** Collects a channel's facts until disposed. */
export function facts<Name extends FactName>(name: Name): { all: Facts[Name][] } & Disposable {
  const all: Facts[Name][] = []
  const unsubscribe = subscribe(name, (fact) => all.push(fact))
  return { all, [Symbol.dispose]: unsubscribe }
}
