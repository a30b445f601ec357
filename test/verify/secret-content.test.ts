/** Secret fields in the ledger, held against the event that they came with. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Envelope } from '../../src/envelope/envelope.ts'
import { createSealer } from '../../src/envelope/seal.ts'
import { textWithSealed } from '../../src/envelope/sealed-fields.ts'
import { parseSecretPath, type SecretPath } from '../../src/envelope/secret-path.ts'
import { concealed } from '../../src/envelope/secrets.ts'
import { secretsDiffer } from '../../src/verify/secret-content.ts'

const sealer = createSealer('a long random text')
const secrets = [parseSecretPath('data.card') as SecretPath]
const sent: Envelope = {
  ...{ id: 'e', type: null, source: null, time: '2026-01-01T00:00:00.000Z', key: null, meta: {}, auth: null },
  data: { card: 'canary', n: 1 },
}
const stored = (event: Envelope, id = 't1') => textWithSealed(concealed(event, secrets), secrets, sealer, id)

test('the same is the same, with the key and without', () => {
  assert.equal(secretsDiffer(stored(sent), sent, secrets, sealer, 't1'), null)
  assert.equal(secretsDiffer(stored(sent), sent, secrets, null, 't1'), null)
})

const wrong: readonly [string, string, boolean][] = [
  ['in plain', JSON.stringify({ meta: {}, data: sent.data }), true],
  ['gone', JSON.stringify({ meta: {}, data: { n: 1 } }), true],
  ['beside something else', stored({ ...sent, data: { card: 'canary', n: 2 } }), true],
  ['another one', stored({ ...sent, data: { card: 'other', n: 1 } }), false],
  ['that of another transaction', stored(sent, 't2'), false],
  ['no event at all', 'null', true],
]
for (const [what, text, isSeenWithoutKey] of wrong) {
  test(`one that is ${what} is told, and not what it is`, () => {
    const found = secretsDiffer(text, sent, secrets, sealer, 't1')
    assert.ok(found !== null && !JSON.stringify(found).includes('canary'), JSON.stringify(found))
    assert.equal(secretsDiffer(text, sent, secrets, null, 't1') !== null, isSeenWithoutKey)
  })
}
