/** Everything a worker process says, on its pipe, on its stdout and stderr, and by ending. Believed only after a look. */
import type { PoolLimits } from '../limits.ts'
import type { Emitted, InvocationResult, Posted } from '../port.ts'
import { storable } from '../text.ts'
import {
  type Answer,
  type EmittedMessage,
  isGood,
  type Note,
  type PostedMovement,
  pairReader,
  readGood,
} from '../wire.ts'
import { answered, answeredWell, clock, type Entry } from './entry.ts'
import { tailBytes } from './fate.ts'
import { readRaw, Tail } from './raw.ts'
import { type Child, killGroup } from './spawn.ts'

export interface Heard {
  hello(concurrency: number | null, idempotent: boolean, effectFree: boolean): void
  unfit(code: string, message: string): void
  result(entry: Entry, result: InvocationResult): void
  /** It has heard what it was asked: its loop turns. */
  pong(): void
  /** JSON text, not looked at; and how many there was no room for. */
  spans(text: string, dropped: number): void
  turned(): void
  /** `what`: what follows on "it wrote what is not a result". */
  garbage(what: string): void
  /** All it had written before has been heard. */
  ended(code: number | null, signal: NodeJS.Signals | null, tail: string): void
}

/** The process that is listened to. */
interface Listened {
  readonly running: Map<number, Entry>
  readonly holdsSecrets: boolean
}

/** After a process's exit its pipes are read to their end, but not longer than this. */
const pipesMsMax = 500

/** Beside the output: message and logs, what it emitted, what it posted, each character escaped at worst sixfold. */
function lineCharsMax(limits: PoolLimits): number {
  const { outputBytesMax, logBytesMax, messageCharsMax, emittedMax, emittedBytesMax, postedMax, postedBytesMax } =
    limits
  const { spanBytesMax } = limits
  const said = 6 * (logBytesMax + messageCharsMax + 2000)
  return Math.max(
    outputBytesMax,
    spanBytesMax,
    said,
    6 * emittedBytesMax + 20 * emittedMax,
    6 * postedBytesMax + 40 * postedMax,
  )
}

export function listenTo(child: Child, of: Listened, limits: PoolLimits, heard: Heard) {
  const { running } = of
  let deaf = false
  let receivedUs = 0
  const read = pairReader(lineCharsMax(limits), (head, body) => hearPair(head, body, running, heard, receivedUs))
  child.fromChild.setEncoding('utf8' as BufferEncoding)
  child.fromChild.on('data', (chunk: string) => {
    if (deaf) return
    receivedUs = clock.nowUs()
    deaf = !read(chunk)
    if (deaf) heard.garbage(of.holdsSecrets ? '' : `: ${JSON.stringify(chunk.slice(0, 100))}`)
    heard.turned()
  })
  const tail = new Tail(tailBytes)
  const onRaw = (bytes: Buffer) => giveRaw(bytes, running, of.holdsSecrets ? 0 : limits.logBytesMax)
  const rawLimit = { bytesMax: limits.rawBytesMax, pauseMs: limits.rawPauseMs }
  const hurry = [
    readRaw(child.stdout, rawLimit, onRaw),
    readRaw(child.stderr, rawLimit, (bytes) => {
      tail.add(bytes)
      onRaw(bytes)
    }),
  ]
  hearEnd(child, hurry, (code, signal) => heard.ended(code, signal, storable(tail.text())))
}

/** False when this is not what our child program writes. */
function hearPair(head: string, body: string, running: Map<number, Entry>, heard: Heard, receivedUs: number): boolean {
  if (isGood(head)) return hearGood(head, body, running, heard, receivedUs)
  const said = parsed(head)
  if (!Array.isArray(said)) return false
  if (typeof said[0] === 'number') return hearAnswer(said as unknown as Answer, body, running, heard, receivedUs)
  const [kind, first, second, third] = said as unknown as Note
  if (kind === 'hello') heard.hello(first, second !== false, third === true)
  else if (kind === 'unfit') heard.unfit(String(first), String(second))
  else if (kind === 'pong') heard.pong()
  else if (kind === 'emitted') return hearEmitted(running.get(first), body)
  else if (kind === 'posted') return hearPosted(running.get(first), body)
  else if (kind === 'spans') heard.spans(body, Number(first) || 0)
  else if (kind === 'logs') hearLogs(running.get(first), String(second))
  else return false
  return true
}

function hearEmitted(entry: Entry | undefined, body: string): boolean {
  const emitted = emittedOf(parsed(body))
  if (entry !== undefined) entry.emitted = emitted
  return emitted !== null
}

/** Null when it is not what our child program writes. */
function emittedOf(said: unknown): Emitted[] | null {
  if (!Array.isArray(said) || !said.every(isMessage)) return null
  return said.map(([topic, key, value, headers, form]) => ({ topic, key, value, headers, ...(form && { form }) }))
}

function isMessage(said: unknown): said is EmittedMessage {
  if (!Array.isArray(said) || said.length < 4 || said.length > 5) return false
  const [topic, key, value, headers, form] = said
  if (form !== undefined && (typeof form !== 'object' || form === null)) return false
  const isTextOrNull = (text: unknown) => text === null || typeof text === 'string'
  if (typeof topic !== 'string' || !isTextOrNull(key) || !isTextOrNull(value)) return false
  if (typeof headers !== 'object' || headers === null) return false
  return Object.values(headers).every((header) => typeof header === 'string')
}

function hearPosted(entry: Entry | undefined, body: string): boolean {
  const posted = postedOf(parsed(body))
  if (entry !== undefined) entry.posted = posted
  return posted !== null
}

/** Null when it is not what our child program writes. */
function postedOf(said: unknown): Posted[] | null {
  if (!Array.isArray(said) || !said.every(isMovement)) return null
  return said.map(([debit, credit, amount, currency, party, key]) => ({ debit, credit, amount, currency, party, key }))
}

function isMovement(said: unknown): said is PostedMovement {
  if (!Array.isArray(said) || said.length !== 6) return false
  const [debit, credit, amount, currency, party, key] = said
  const areTexts = [debit, credit, currency].every((text) => typeof text === 'string')
  const areTextsOrNull = [party, key].every((text) => text === null || typeof text === 'string')
  return areTexts && areTextsOrNull && typeof amount === 'string' && /^[1-9]\d*$/.test(amount)
}

function hearGood(head: string, body: string, running: Map<number, Entry>, heard: Heard, receivedUs: number): boolean {
  const [id, startedUs, finishedUs] = readGood(head)
  if (!Number.isSafeInteger(startedUs) || !Number.isSafeInteger(finishedUs)) return false
  const entry = running.get(id)
  if (entry !== undefined) heard.result(entry, answeredWell(entry, startedUs, finishedUs, body, receivedUs))
  return true
}

function hearAnswer(
  answer: Answer,
  body: string,
  running: Map<number, Entry>,
  heard: Heard,
  receivedUs: number,
): boolean {
  if (!isAnswer(answer)) return false
  const entry = running.get(answer[0])
  // It came too late: its attempt was over at its deadline.
  if (entry !== undefined) heard.result(entry, answered(entry, answer, body, receivedUs))
  return true
}

function isAnswer(answer: readonly unknown[]): answer is Answer {
  const [, outcome, code, message, afterMs, startedUs, finishedUs, logs, effectUnknown] = answer
  const isTextIn = (value: unknown) => value === null || typeof value === 'string'
  const isFailed =
    (outcome === 'retry' || outcome === 'fail' || outcome === 'timeout') &&
    typeof code === 'string' &&
    typeof message === 'string'
  const isWell = outcome === 'ok' && code === null && message === null
  if (answer.length !== 9 || !(isWell || isFailed) || typeof effectUnknown !== 'boolean') return false
  if (!isTextIn(logs) || !(afterMs === null || (typeof afterMs === 'number' && afterMs >= 0))) return false
  return Number.isSafeInteger(startedUs) && Number.isSafeInteger(finishedUs)
}

function hearLogs(entry: Entry | undefined, text: string): void {
  if (entry !== undefined) entry.logs += text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Raw output is known to be an attempt's only while that is the only one. */
function giveRaw(bytes: Buffer, running: Map<number, Entry>, bytesMax: number): void {
  if (running.size !== 1) return
  const [entry] = running.values() as Iterable<Entry> as [Entry]
  const room = Math.max(0, bytesMax - entry.rawBytes)
  entry.rawBytes += Math.min(bytes.length, room)
  entry.rawDropped += Math.max(0, bytes.length - room)
  if (room > 0) entry.logs += storable(bytes.subarray(0, room).toString('utf8'))
}

/** Once, when the process has exited and its pipes are empty. */
function hearEnd(
  child: Child,
  hurry: (() => void)[],
  onEnd: (code: number | null, signal: NodeJS.Signals | null) => void,
) {
  let done = false
  const end = (code: number | null, signal: NodeJS.Signals | null) => {
    if (done) return
    done = true
    onEnd(code, signal)
  }
  child.process.on('close', end)
  child.process.on('exit', (code, signal) => {
    killGroup(child)
    for (const readOn of hurry) readOn()
    setTimeout(end, pipesMsMax, code, signal).unref()
  })
}
