/** Every limit of the worker pool, with its unit and its reason. */
import { availableParallelism } from 'node:os'
import type { Backoff } from '../base/backoff.ts'

export interface PoolLimits {
  /** Processes of all functions together: what one machine's memory carries at `rssMb` each, half of them idle. */
  readonly processesMax: number
  /** Processes of one function: more than cores gains nothing for code that computes, and I/O shares a process. */
  readonly processesPerFunctionMax: number
  /** Attempts one process is given at once where the function does not say: more when it takes them up without delay. */
  readonly concurrency: number
  /** A function is not believed beyond this: all its attempts are lost together when the process dies. */
  readonly concurrencyMax: number
  /** How long work waits for a slot before a further process is started: a burst of quick work needs none. */
  readonly growAfterMs: number
  /** An idle process goes after this: starting one costs about 50 ms, keeping one about 50 MB. */
  readonly idleMs: number
  /** From spawn to the function's module being loaded; longer is an outage of the function. */
  readonly startMs: number
  /** How long a process that is asked to go may take before it is killed. */
  readonly exitMs: number
  /** How long a process that several share may take to say that it hears, when one of them has come to its deadline. */
  readonly hearMs: number
  /** How long a process keeps a slot for an attempt that it may not call yet, for others wait: commits are much faster. */
  readonly keepMs: number
  /** V8's heap of one process. */
  readonly heapMb: number
  /** Resident memory of one process, heap and buffers together; looked at every `sweepMs` (Linux only). */
  readonly rssMb: number
  /** How often memory, idleness and fairness between functions are looked at. */
  readonly sweepMs: number
  /** JSON text of one output: it becomes a row, and an input of the next step. */
  readonly outputBytesMax: number
  /** What one attempt may write; the rest is counted and dropped. */
  readonly logBytesMax: number
  /** Of an error's message: it is a column people read, not a place for payloads. */
  readonly messageCharsMax: number
  /** Messages of one attempt, and their bytes together: they are rows of one commit. */
  readonly emittedMax: number
  readonly emittedBytesMax: number
  /** Postings of one attempt, and their bytes together: the same, and each has two sides. */
  readonly postedMax: number
  readonly postedBytesMax: number
  /** Spans of one process that were not sent yet, as JSON; further ones are dropped. */
  readonly spanBytesMax: number
  /** The signal is aborted this long before the kill (or a tenth of the timeout, if that is less). */
  readonly abortLeadMs: number
  /** What is read at once of a process's raw stdout and stderr before it is left alone for `rawPauseMs`. */
  readonly rawBytesMax: number
  readonly rawPauseMs: number
  /** Between two tries of a function that cannot be loaded. */
  readonly outage: Backoff
}

export const defaultLimits: PoolLimits = {
  processesMax: 32,
  processesPerFunctionMax: Math.max(2, availableParallelism()),
  concurrency: 32,
  concurrencyMax: 1024,
  growAfterMs: 20,
  idleMs: 60_000,
  startMs: 10_000,
  exitMs: 1000,
  hearMs: 200,
  keepMs: 5000,
  heapMb: 256,
  rssMb: 512,
  sweepMs: 1000,
  outputBytesMax: 1024 * 1024,
  logBytesMax: 16 * 1024,
  messageCharsMax: 4000,
  emittedMax: 1000,
  emittedBytesMax: 1024 * 1024,
  postedMax: 1000,
  postedBytesMax: 256 * 1024,
  spanBytesMax: 256 * 1024,
  abortLeadMs: 50,
  rawBytesMax: 256 * 1024,
  rawPauseMs: 50,
  outage: { shape: 'exponential', initialMs: 200, maxMs: 5000, jitter: false },
}
