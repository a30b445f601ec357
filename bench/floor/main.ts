/**
 * The floor: the fastest loop we could write by hand that does the necessary and nothing else. One consumer, one child
 * process over a pipe, one group commit of all that waits, five steps one after the other, each result durable before the
 * next call. No order by key, no retries, no workflow files, no recovery. Frozen: the engine is measured against it.
 *
 * Where its time goes (drain, CPU s per 1,000, this machine's 2 cores): main .011, child .004, Postgres .021, of which a
 * third is the primary key of `attempt`. At 100 a second nothing but system calls is left in its profile.
 *
 * What was tried, by turns within one run:
 * - binary frames for JSON lines: outputs go from the pipe into the column and the next frame without becoming strings;
 * - columns filled in place and used again (./columns.ts), no object for a row: main .018 -> .011 with warm code;
 * - a frame answered in parts of 250, so that a commit begins while the rest runs: +10 to 40 %, for without it all that
 *   runs gathers in one wave, and child and Postgres take turns;
 * - 2,000 transactions at once for 250, 500, 1,000 (24,000, 27,000, 29,000 a second) and 4,000 (no more, and later);
 * - fetches of 256 KiB a partition for 64 KiB and 1 MiB: smaller cost CPU, larger hold the loop up;
 * - statements without the parts that nothing waits for: at low load five of six commits have no records;
 * - a generic plan by setting, so that no commit is planned;
 * - a primary key of fewer columns: nothing. No primary key: .014 and 43,000 a second, but then nobody finds a
 *   transaction's attempts, and nothing keeps one from being written twice.
 */
import { spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs'
import pg from 'pg'
import { calm } from '../../src/intake/calm.ts'
import { Fixed, Text } from './columns.ts'
import { CallFrame, frames, headBytes, resultBytes } from './frames.ts'
import { statements } from './tables.ts'

const { KAFKA_BROKERS = '', DATABASE_URL = '', FLOOR_TOPIC = '' } = process.env
const steps = Number(process.env.FLOOR_STEPS ?? 5)
/** Transactions that run at once; more only wait in longer queues. */
const liveMax = 2000
/** Of records that were fetched and not admitted. */
const waitingMax = 2 * liveMax
/** Quiet for so long, the last commit's return is written by itself. */
const quietMs = 250

const int8 = 20
const int2 = 21
const timestamptz = 1184

/** One set each for what waits now; pg has copied it when `query` returns. */
const records = {
  id: new Fixed(int8, 8, liveMax),
  offset: new Fixed(int8, 8, liveMax),
  produced: new Fixed(timestamptz, 8, liveMax),
  fetched: new Fixed(timestamptz, 8, liveMax),
  partition: new Fixed(int2, 2, liveMax),
  key: new Text(16 * liveMax),
  event: new Text(512 * liveMax),
}
const results = {
  id: new Fixed(int8, 8, liveMax),
  eligible: new Fixed(timestamptz, 8, liveMax),
  dispatched: new Fixed(timestamptz, 8, liveMax),
  started: new Fixed(timestamptz, 8, liveMax),
  finished: new Fixed(timestamptz, 8, liveMax),
  step: new Fixed(int2, 2, liveMax),
  output: new Text(32 * liveMax),
}
const partitionsMax = 1024
const positions = { partition: new Fixed(int2, 2, partitionsMax), position: new Fixed(int8, 8, partitionsMax) }

/** In the order of their parameters. */
const recordColumns = [...Object.values(positions), ...Object.values(records)]
const resultColumns = Object.values(results)

/** What runs, by slot. */
const idHigh = new Int32Array(liveMax)
const idLow = new Int32Array(liveMax)
const stepOf = new Int16Array(liveMax)
const eligibleUs = new Float64Array(liveMax)
const dispatchedUs = new Float64Array(liveMax)
const free = new Int32Array(liveMax).map((_, index) => index)
let freeCount = liveMax

interface Fetched {
  readonly partition: number
  readonly fetchedUs: number
  readonly messages: readonly KafkaMessage[]
  next: number
}

const waiting: Fetched[] = []
let waitingCount = 0
let roomFor: (() => void) | null = null

/** Filled by what is folded in; sent when the commit that holds it has returned. */
let filling = new CallFrame(liveMax)
let committing = new CallFrame(liveMax)
let resultCount = 0
let ended: number[] = []
let inFlight = false
let commitId = 0
let last: { id: number; returnedUs: number } | null = null
let quiet: NodeJS.Timeout | undefined
/** For the bench, which asks. */
const counted = { frames: 0, calls: 0 }

const db = new pg.Client({ connectionString: DATABASE_URL, options: '-c plan_cache_mode=force_generic_plan' })
const child = spawn(process.execPath, [fileURLToPath(new URL('./child.js', import.meta.url))], {
  env: { FLOOR_WAIT_MS: process.env.FLOOR_WAIT_MS },
  stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
})
const pipe = child.stdio[3] as Duplex

const nowUs = () => Math.round((performance.timeOrigin + performance.now()) * 1000)

function pump(): void {
  if (inFlight) return
  const admitted = admit()
  if (admitted + resultCount === 0) return
  inFlight = true
  void commit(admitted)
}

/** Positions of the commit that is made. */
const moved = new Map<number, number>()

/** Takes in what there is room for. */
function admit(): number {
  let count = 0
  while (freeCount > 0 && waiting.length > 0) {
    const from = waiting[0] as Fetched
    while (freeCount > 0 && from.next < from.messages.length) {
      admitOne(from, from.messages[from.next++] as KafkaMessage)
      count++
    }
    moved.set(from.partition, Number((from.messages[from.next - 1] as KafkaMessage).offset) + 1)
    if (from.next === from.messages.length) waiting.shift()
  }
  for (const [partition, position] of moved) {
    positions.partition.int2(partition)
    positions.position.number(position)
  }
  moved.clear()
  waitingCount -= count
  if (roomFor !== null && waitingCount < waitingMax) roomFor()
  return count
}

const encoder = new TextEncoder()
const scratch = Buffer.alloc(64)

function admitOne({ partition, fetchedUs }: Fetched, { key, value, offset, timestamp }: KafkaMessage): void {
  const slot = free[--freeCount] as number
  const event = value as Buffer
  const producedMs = Number(timestamp)
  const at = Number(offset)
  const high = Math.floor(producedMs / 1024)
  const low = ((producedMs % 1024) << 22) | (partition << 18) | (at & 0x3ffff)
  idHigh[slot] = high
  idLow[slot] = low
  stepOf[slot] = 0
  records.id.int8(high, low)
  records.offset.number(at)
  records.produced.stamp(producedMs * 1000)
  records.fetched.stamp(fetchedUs)
  records.partition.int2(partition)
  records.key.bytes(key as Buffer, 0, (key as Buffer).length)
  records.event.bytes(event, 0, event.length)
  const { n } = JSON.parse(event.toString())
  filling.add(slot, scratch, 0, encoder.encodeInto(`{"n":${n}}`, scratch).written)
}

async function commit(admitted: number): Promise<void> {
  clearTimeout(quiet)
  const id = ++commitId
  const sent = new Date().toISOString()
  const head = [id, last?.id ?? null, last === null ? null : isoOf(last.returnedUs), sent]
  const taken = [
    ...(admitted > 0 ? recordColumns.map((column) => column.take()) : []),
    ...(resultCount > 0 ? resultColumns.map((column) => column.take()) : []),
  ]
  const statement = admitted === 0 ? statements.results : resultCount === 0 ? statements.records : statements.both
  const calls = filling
  const done = ended
  filling = committing
  committing = calls
  ended = []
  resultCount = 0
  await db.query({ ...statement, values: [...head, ...taken] })
  inFlight = false
  last = { id, returnedUs: nowUs() }
  dispatch(calls, last.returnedUs)
  for (const slot of done) free[freeCount++] = slot
  if (freeCount === liveMax) quiet = setTimeout(complete, quietMs)
  pump()
}

function dispatch(calls: CallFrame, eligible: number): void {
  const { count } = calls
  if (count === 0) return
  const dispatched = nowUs()
  for (let index = 0; index < count; index++) {
    const slot = calls.slots[index] as number
    eligibleUs[slot] = eligible
    dispatchedUs[slot] = dispatched
  }
  counted.frames++
  counted.calls += count
  pipe.write(calls.take())
}

function onResults(frame: Buffer): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  const count = view.getInt32(4, true)
  let outputAt = headBytes + count * resultBytes
  for (let index = 0, at = headBytes; index < count; index++, at += resultBytes) {
    const slot = view.getInt32(at, true)
    const outputEnd = outputAt + view.getInt32(at + 4, true)
    const step = (stepOf[slot] as number) + 1
    stepOf[slot] = step
    results.id.int8(idHigh[slot] as number, idLow[slot] as number)
    results.eligible.stamp(eligibleUs[slot] as number)
    results.dispatched.stamp(dispatchedUs[slot] as number)
    results.started.stamp(view.getFloat64(at + 8, true))
    results.finished.stamp(view.getFloat64(at + 16, true))
    results.step.int2(step)
    results.output.bytes(frame, outputAt, outputEnd)
    if (step < steps) filling.add(slot, frame, outputAt, outputEnd)
    else ended.push(slot)
    outputAt = outputEnd
  }
  resultCount += count
  pump()
}

function complete(): void {
  if (last === null || inFlight) return
  const { id, returnedUs } = last
  last = null
  void db.query('update floor.commit set returned_at = $2 where id = $1', [id, isoOf(returnedUs)])
}

function isoOf(us: number): string {
  const micros = String(us % 1000).padStart(3, '0')
  return new Date(Math.floor(us / 1000)).toISOString().replace('Z', `${micros}Z`)
}

async function start(): Promise<void> {
  await db.connect()
  calm() // a mistake of the client's that would cost it a third of its CPU at low load, and no part of such a loop
  const kafka = new Kafka({ brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.ERROR })
  const admin = kafka.admin()
  await admin.connect()
  const found = await admin.fetchTopicOffsets(FLOOR_TOPIC)
  await admin.disconnect()
  await db.query('insert into floor.progress select unnest($1::int[]), 0 on conflict do nothing', [
    found.map(({ partition }) => partition),
  ])
  const consumer = kafka.consumer({
    groupId: `floor-${FLOOR_TOPIC}`,
    maxWaitTimeInMs: 100,
    maxBytesPerPartition: 256 * 1024,
  })
  await consumer.connect()
  await consumer.subscribe({ topic: FLOOR_TOPIC, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: 64,
    eachBatch: async ({ batch: { partition, messages } }) => {
      waiting.push({ partition, fetchedUs: nowUs(), messages, next: 0 })
      waitingCount += messages.length
      pump()
      if (waitingCount >= waitingMax) await room()
    },
  })
}

let full: Promise<void> | null = null

function room(): Promise<void> {
  full ??= new Promise((resolve) => {
    roomFor = () => {
      roomFor = null
      full = null
      resolve()
    }
  })
  return full
}

pipe.on('data', frames(onResults))
process.on('message', () => process.send?.(counted))
process.channel?.unref()
process.once('SIGTERM', () => process.exit())
await start()
