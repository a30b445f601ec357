/** What Kafka says is taken for what it is: a lag, another topic of the same name, a compacted one, a record that was never read. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { KafkaView } from '../../src/verify/kafka.ts'
import { millrace } from '../cli/millrace.ts'
import { freshProject } from '../support/project.ts'
import { freshGround, type Ground, tampered } from './ground.ts'

const ground = await freshGround()

function withKafka(change: Partial<KafkaView>): Ground {
  return { ...ground, kafka: { ...ground.kafka, ...change } }
}

test('the command: 0 and a line a check when all is well, 1 and the place when not, one document with --json', async () => {
  const dir = await freshProject({})
  const book = join(dir, 'book.jsonl')
  await writeFile(book, `${ground.book.join('\n')}\n`)
  const well = await millrace(dir, ['verify', '--topic', ground.topic, '--provider-book', book, '--deep'], {
    env: ground.env,
  })
  assert.equal(well.code, 0, well.stdout + well.stderr)
  assert.match(well.stdout, /^ok +positions .* is recorded exactly once/m)
  assert.match(well.stdout, /^all is well: \d+ transactions, \d+ records of Kafka, 2 lanes in/m)
  const [gone] = await ground.ledger.query<{ id: string }>(
    `delete from millrace_data.ending where transaction_id = (select id from millrace.transactions where workflow = 'typed' order by id limit 1) returning transaction_id as id`,
  )
  try {
    await seen(dir, gone?.id ?? '')
  } finally {
    await ground.ledger.query(
      `insert into millrace_data.ending select $1, 1, null, null, now(), max(commit_id)
       from millrace_data.attempt where transaction_id = $1`,
      [gone?.id],
    )
  }
})

async function seen(dir: string, id: string): Promise<void> {
  const wrong = await millrace(dir, ['verify'], { env: ground.env })
  assert.equal(wrong.code, 1)
  assert.match(wrong.stdout, /^WRONG +endings +1 open_though_done$/m)
  assert.match(
    wrong.stdout,
    new RegExp(
      `where .*offset \\d+, workflow \\w+, ${id}\n.*expected .*\n.*found .*\n.*look at .*millrace_data.ending`,
    ),
  )
  const json = await millrace(dir, ['verify', '--json'], { env: ground.env })
  assert.equal(json.code, 1)
  const report = JSON.parse(json.stdout)
  assert.deepEqual([report.ok, report.first.kind, report.first.id], [false, 'open_though_done', id])
}

test('the command: a topic that the ledger does not know, a book that is none, servers that are away', async () => {
  const dir = await freshProject({ 'book.jsonl': 'no json\n' })
  const topic = await millrace(dir, ['verify', '--topic', 'nothing'], { env: ground.env })
  assert.match(topic.stderr, /the ledger has no lane of topic nothing \(unknown_topic\)/)
  assert.equal(topic.code, 1)
  const book = await millrace(dir, ['verify', '--provider-book', 'book.jsonl'], { env: ground.env })
  assert.match(book.stderr, /book\.jsonl:1: expected a JSON object with a text "key" \(book_corrupt\)/)
  const none = await millrace(dir, ['verify', '--provider-book', 'none.jsonl'], { env: ground.env })
  assert.match(none.stderr, /none\.jsonl cannot be read/)
  const away = await millrace(dir, ['verify'], {
    env: { ...ground.env, DATABASE_URL: 'postgres://u:p@127.0.0.1:1/db' },
  })
  assert.match(away.stderr, /ledger_outage/)
  const kafka = await millrace(dir, ['verify'], { env: { ...ground.env, KAFKA_BROKERS: '127.0.0.1:1' } })
  assert.match(kafka.stderr, /kafka_outage/)
  const skew = await millrace(dir, ['verify', '--skew', 'much'], { env: ground.env })
  assert.equal(skew.code, 2)
})

test('records that the ledger has not read yet are lag, and no wrong', async () => {
  const bounds = await ground.kafka.bounds(ground.topic)
  const more = new Map([...(bounds ?? [])].map(([at, { earliest, latest }]) => [at, { earliest, latest: latest + 5 }]))
  const { report } = await tampered(withKafka({ bounds: async () => more }), 'select 1')
  assert.ok(report.ok)
  assert.deepEqual(
    report.lanes.map((lane) => lane.lag),
    [5, 5],
  )
})

test('a lane beyond the end of its partition is named', async () => {
  const bounds = await ground.kafka.bounds(ground.topic)
  const fewer = new Map([...(bounds ?? [])].map(([at, { earliest, latest }]) => [at, { earliest, latest: latest - 5 }]))
  const { report } = await tampered(withKafka({ bounds: async () => fewer }), 'select 1')
  assert.equal(report.first?.kind, 'beyond_end')
  assert.equal(report.first?.topic, ground.topic)
})

test('of a topic that was made again nothing is held against the ledger, and that is said', async () => {
  const { report } = await tampered(withKafka({ incarnation: async () => 'another' }), 'select 1')
  assert.equal(report.records, 0)
  assert.match(
    report.lanes[0]?.notCompared ?? '',
    /of an earlier topic of this name \([0-9a-f-]{36}\): Kafka has another now/,
  )
  assert.ok(report.ok)
  const gone = await tampered(withKafka({ bounds: async () => null }), 'select 1')
  assert.equal(gone.report.lanes[0]?.notCompared, 'Kafka has no such topic')
})

test('a record that Kafka holds no more is a wrong, but not of a compacted topic', async () => {
  const holes: Partial<KafkaView> = {
    read: (spans, take) =>
      ground.kafka.read(spans, (part) => take({ ...part, records: part.records.filter(({ offset }) => offset !== 5) })),
  }
  const { report } = await tampered(withKafka(holes), 'select 1')
  assert.equal(report.first?.kind, 'no_such_record')
  assert.equal(report.first?.offset, 5)
  const compacted = await tampered(withKafka({ ...holes, isCompacted: async () => true }), 'select 1')
  assert.ok(compacted.report.ok)
  assert.match(compacted.report.notes.join(), /is compacted/)
})

test('what Kafka says is there and does not give is an outage, not a verdict', async () => {
  const mute = withKafka({ read: async (spans) => spans })
  await assert.rejects(tampered(mute, 'select 1'), { code: 'kafka_outage' })
})

test('a sample is spread over the topic', async () => {
  const { report } = await tampered(ground, 'select 1', { sample: 10 })
  assert.match(report.checks.find(({ check }) => check === 'content')?.holds ?? '', /of every \d+th, 1\d records$/)
})

const books: [string, (lines: string[]) => string[], string | null][] = [
  ['as it was', (lines) => [...lines, ''], null],
  ['with a torn last line', (lines) => [...lines, '{"key":"tor'], null],
  ['with a declined card', (lines) => [...lines, '{"key":"00","status":"declined"}', ''], null],
  ['with a line twice', (lines) => [...lines, lines[3] as string, ''], 'charged_twice'],
  [
    'with a charge that nobody made',
    (lines) => [...lines, '{"key":"00112233445566778899aabbccddeeff:viewer"}', ''],
    'charged_by_nobody',
  ],
  ['without a line', (lines) => [...lines.toSpliced(3, 1), ''], 'not_charged'],
]

for (const [name, change, kind] of books) {
  test(`the provider’s book ${name}: ${kind ?? 'well'}`, async () => {
    const dir = await freshProject({ 'book.jsonl': change([...ground.book]).join('\n') })
    const { report } = await tampered(ground, 'select 1', { bookFile: join(dir, 'book.jsonl') })
    assert.equal(report.first?.kind ?? null, kind)
    const { reference } = JSON.parse(ground.book[3] as string)
    if (kind === 'charged_twice' || kind === 'not_charged') assert.equal(report.first?.id, reference)
    if (kind === 'charged_by_nobody') assert.match(report.first?.id ?? '', /^00112233/)
  })
}

test('an attempt that the ledger has lost is seen in the provider’s book', async () => {
  const dir = await freshProject({ 'book.jsonl': `${ground.book.join('\n')}\n` })
  const { reference } = JSON.parse(ground.book[3] as string)
  const sql = `delete from millrace_data.attempt where transaction_id = '${reference}' and step = 2`
  const { report } = await tampered(ground, sql, { bookFile: join(dir, 'book.jsonl') })
  assert.ok(report.checks.find(({ check }) => check === 'book')?.kinds.charged_by_nobody)
})
