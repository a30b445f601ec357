/** A dead letter whose credentials cannot be had is no event without them: it is refused. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { catalogueOf } from '../../src/coordinator/catalogue.ts'
import type { Command, StoredLetter } from '../../src/coordinator/ports.ts'
import { redrive, redriven } from '../../src/coordinator/redrive.ts'
import { createSealer, type Sealer } from '../../src/envelope/seal.ts'
import { handedOn } from '../../src/telemetry/trace/traces.ts'
import { planFromSource } from '../../src/workflow/parse.ts'

const plan = planFromSource('name: w\non: { kafka: t }\nsteps: [{ id: s, uses: f }]\n', 'w.yaml')
const ours = createSealer(key())
const letter: StoredLetter = {
  workflow: 'w',
  offset: 7,
  key: null,
  value: Buffer.from('{"n":1}'),
  headers: '{"x-plain":"seen"}',
  sealed: ours.seal({ authorization: 'Bearer x' }),
  state: 'open',
}
const command: Command = {
  ...{ id: 1n, laneId: 1, kind: 'redrive', target: 'letter', args: '{}', askedBy: 'ann', why: null },
  letter,
}

function readBy(sealer: Sealer | null) {
  const catalogue = catalogueOf([plan], new Map([[plan.version, { workflowId: 1, versionId: 1 }]]))
  const origin = { engine: 'e', topic: 't', incarnation: '', partition: 0, offset: 7, redrivenFrom: 'letter' }
  const place = { origin, admittedUs: 1_777_629_600_000_000, gone: [], redrivenFrom: 'letter' }
  const room = { catalogue, sealer, valueBytesMax: 1000, traces: handedOn }
  return redrive(redriven(command, letter, 't', room, place.admittedUs), place, room)
}

test('with its key the letter is the event again', () => {
  const { transactions, rows } = readBy(ours)
  assert.equal(transactions[0]?.envelope.auth, null)
  assert.deepEqual({ ...transactions[0]?.envelope.meta }, { 'x-plain': 'seen' })
  assert.deepEqual([rows[0]?.redrivenFrom, rows[0]?.dedup], ['letter', null])
})

test('without a key, or with another, it is refused with the reason', () => {
  assert.throws(() => readBy(null), { code: 'redrive_refused', message: /set MILLRACE_SEAL_KEY/ })
  assert.throws(() => readBy(createSealer(key())), { message: /cannot be opened with this seal key/ })
})

function key(): string {
  return randomBytes(32).toString('base64url')
}
