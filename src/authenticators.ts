/**
 * Functions that authenticate, called in the pool's worker processes. What they print or fail with is not passed on: it may hold what
 * they were shown.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Authenticator } from './auth/function.ts'
import { EngineError } from './base/error.ts'
import type { Invocation, InvocationResult } from './coordinator/ports.ts'
import type { Pool } from './worker/pool.ts'
import { authenticationStep } from './worker/wire.ts'

export class Authenticators implements Authenticator {
  readonly #pool: Pick<Pool, 'invoke'>
  readonly #waiting = new Map<number, (result: InvocationResult) => void>()
  #last = 0

  constructor(pool: Pick<Pool, 'invoke'>) {
    this.#pool = pool
  }

  /** Takes the results that are its own; answers with the others. */
  receive(results: readonly InvocationResult[]): readonly InvocationResult[] {
    if (this.#waiting.size === 0) return results
    return results.filter((result) => {
      const heard = this.#waiting.get(result.id)
      this.#waiting.delete(result.id)
      heard?.(result)
      return heard === undefined
    })
  }

  async call(uses: string, input: string, timeoutMs: number): Promise<string | null> {
    for (let attempt = 1; ; attempt++) {
      const result = await this.#once(uses, input, timeoutMs, attempt)
      const { outcome, errorCode, output } = result
      if (outcome === 'ok') return output
      if (outcome === 'fail' && !brokenCodes.has(errorCode ?? '')) return null
      if (isAway(result) || attempt === attemptsMax) throw failed(uses, result)
      await sleep(pauseMs * attempt)
    }
  }

  /** Below 0: the coordinator counts its own upwards. */
  #once(uses: string, input: string, timeoutMs: number, attempt: number): Promise<InvocationResult> {
    const id = --this.#last
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#pool.invoke([invocationOf(id, uses, input, timeoutMs, attempt)])
    })
  }
}

function invocationOf(id: number, uses: string, input: string, timeoutMs: number, attempt: number): Invocation {
  const seed = `authentication-${id}`
  return {
    ...{ id, function: uses, transactionId: '', workflow: '', step: authenticationStep, attempt, input, timeoutMs },
    ...{ idempotencySeed: seed, forwardSeed: null, alone: attempt > 1, ahead: false, isSecret: true, trace: null },
    notAfterUs: (Date.now() + timeoutMs + startMsMax) * 1000,
  }
}

/** It says so itself (`retry`), it was never asked, or it is no function that authenticates: somebody will mend that. */
function isAway({ outcome, errorCode, effectUnknown }: InvocationResult): boolean {
  if (errorCode === 'queue_timeout' || errorCode === 'not_an_authenticator') return true
  return outcome === 'retry' && !effectUnknown
}

/** Nobody knows what it would have said. Tried again for ever it would hold up those behind it, so only an outage is. */
function failed(uses: string, result: InvocationResult): EngineError {
  const { outcome, errorCode } = result
  const why = outcome === 'fail' || errorCode === 'queue_timeout' ? errorCode : (words[outcome] ?? outcome)
  const options = { retryable: isAway(result), details: { service: 'function', address: uses } }
  return new EngineError(
    isAway(result) ? 'authenticator_away' : 'authenticator_failed',
    `${uses} gave no answer: ${why}`,
    options,
  )
}

const words: { readonly [outcome in InvocationResult['outcome']]?: string } = {
  retry: 'it threw an error',
  timeout: 'its time was over',
  crash: 'its process crashed',
  lost: 'its process was lost',
}

/** Failures that are no refusal of its own. */
const brokenCodes = new Set([
  'not_an_authenticator',
  'invalid_output',
  'output_not_serialisable',
  'output_too_large',
  'output_unstorable',
])

const attemptsMax = 3
const pauseMs = 200
/** It may have to be compiled, and its process started, which others wait for too. */
const startMsMax = 15_000
