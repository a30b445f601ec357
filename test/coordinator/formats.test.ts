/** Several workflows read one topic, each in its own format and by its own schema: what one cannot read is its own dead letter. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Place, type ReadingRoom, read } from '../../src/coordinator/arrival.ts'
import { catalogueOf } from '../../src/coordinator/catalogue.ts'
import type { RawRecord } from '../../src/envelope/record.ts'
import { handedOn } from '../../src/telemetry/trace/traces.ts'
import { planFromSource } from '../../src/workflow/parse.ts'

const workflow = (name: string, trigger: string) =>
  `name: ${name}\non: { kafka: { topic: t${trigger} } }\nsteps: [{ id: s, uses: f }]\n`
const plain = workflow('plain', '')
const yaml = workflow('yaml', ', format: yaml')
const raw = workflow('raw', ', format: raw')
const strict = workflow('strict', ', schema: { type: object, required: [film] }')
const waiter = `name: waiter\nsignals: { t: { format: xml, key: event.data.film } }\nsteps: [{ id: s, wait: { topic: t, key: event.key } }]\n`

function room(sources: readonly string[]): ReadingRoom {
  const plans = sources.map((source, at) => planFromSource(source, `w${at}.yaml`))
  const ids = new Map(plans.map(({ version }, at) => [version, { workflowId: at, versionId: at }]))
  return { catalogue: catalogueOf(plans, ids), sealer: null, valueBytesMax: 1000, traces: handedOn }
}

const place: Place = {
  origin: { engine: 'e', topic: 't', incarnation: '', partition: 0, offset: 7 },
  subscriptions: new Map(['plain', 'yaml', 'raw', 'strict', 'waiter'].map((name) => [name, 0])),
  admittedUs: 1_777_629_600_000_000,
  gone: [],
  redrivenFrom: null,
}

function record(text: string): RawRecord {
  return { offset: 7, key: Buffer.from('k'), value: Buffer.from(text), headers: [], timestampUs: 1, fetchedUs: 1 }
}

/** Of each workflow the data it starts with, or the code of its dead letter; of nobody's `-`. */
function fates(text: string, ...sources: string[]): object {
  const { transactions, deadLetters, signals } = read(record(text), place, room(sources))
  const names = sources.map((source) => /name: (\w+)/.exec(source)?.[1] as string)
  return Object.fromEntries([
    ...transactions.map(({ plan, envelope }) => [plan.name, envelope.data]),
    ...deadLetters.map(({ workflowId, code }) => [workflowId === null ? '-' : names[workflowId], code]),
    ...signals.map(({ workflowId, key }) => [names[workflowId], `key ${key}`]),
  ])
}

test('each reads a record in its own way', () => {
  const film = { film: 'Solaris' }
  assert.deepEqual(fates('film: Solaris', plain, yaml, raw, strict), {
    plain: 'value_not_json',
    yaml: film,
    raw: 'film: Solaris',
    strict: 'value_not_json',
  })
  assert.deepEqual(fates('{"film":"Solaris"}', plain, yaml, raw, strict), {
    plain: film,
    yaml: film,
    raw: '{"film":"Solaris"}',
    strict: film,
  })
  assert.deepEqual(fates('{"movie":1}', plain, strict), { plain: { movie: 1 }, strict: 'schema_mismatch' })
})

test('what nobody can read, where nobody has a format of their own, is one dead letter of nobody', () => {
  assert.deepEqual(fates('film: Solaris', plain, strict), { '-': 'value_not_json' })
})

test('who waits for an event reads it in its own way, too', () => {
  assert.deepEqual(fates('<film>Solaris</film>', plain, waiter), { plain: 'value_not_json', waiter: 'key Solaris' })
  assert.deepEqual(fates('{"film":"Solaris"}', plain, waiter), { plain: { film: 'Solaris' }, waiter: 'value_not_xml' })
})
