/** What is held of every parser: it gives a value or refuses it in the engine's own words, soon, and the same each time. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { EngineError } from '../../src/base/error.ts'
import { fc } from '../support/fuzz.ts'
import { changes, mutated } from '../support/mutate.ts'

export interface Parser {
  readonly name: string
  /** What it takes, and near-misses: such with one rule broken. */
  readonly input: fc.Arbitrary<Buffer>
  /** A value or null, or a throw of `EngineError`; it may look at the value itself. */
  parse(bytes: Buffer): unknown
  /** Of one whose every look costs a file or a process. */
  readonly share?: number
}

const hangMs = 1000
const runs = Number(process.env.FUZZ_RUNS ?? 200)

/** What is right as it stands, what is nearly so, and both with their bytes changed. Throws with seed and shrunk input. */
export function fuzz({ input, parse, share = 1 }: Parser): void {
  const property = fc.property(input, changes(0, 4), (bytes, each) => {
    look(parse, mutated(bytes, each))
  })
  fc.assert(property, { numRuns: Math.ceil(runs * share) })
}

function look(parse: (bytes: Buffer) => unknown, bytes: Buffer): void {
  const fromMs = performance.now()
  const verdict = verdictOf(parse, Buffer.from(bytes))
  const tookMs = performance.now() - fromMs
  assert.ok(tookMs < hangMs, `it took ${Math.round(tookMs)} ms`)
  assert.ok(isDeepStrictEqual(verdictOf(parse, Buffer.from(bytes)), verdict), 'another verdict on the same bytes')
}

function verdictOf(parse: (bytes: Buffer) => unknown, bytes: Buffer): unknown {
  try {
    return { value: parse(bytes) }
  } catch (error) {
    if (!(error instanceof EngineError) || error.retryable) throw error
    assert.match(error.code, /^[a-z][a-z0-9_]*$/)
    return { code: error.code }
  }
}

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype]

/** Names on the prototypes that everything shares, and the heap without what nobody holds any more. */
export function traces(): { readonly names: readonly number[]; readonly heapBytes: number } {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return { names: prototypes.map((each) => Reflect.ownKeys(each).length), heapBytes: process.memoryUsage().heapUsed }
}
