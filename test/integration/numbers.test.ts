/** Integers stay exact from the event through expressions, functions and outputs to SQL, however long they are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic } from '../support/servers.ts'

const numbers = {
  small: '42',
  negative: '-7',
  safe: '9007199254740991',
  unsafe: '9007199254740993',
  least: '-9223372036854775808',
  most: '9223372036854775807',
  beyond: '123456789012345678901234567890',
  fraction: '0.1',
}
const bigints = ['unsafe', 'least', 'most', 'beyond']

const { name: topic, producer } = await freshTopic(1)
const scene = await freshScene({
  'exact.yaml': `
name: exact
on: { kafka: ${topic} }
key: event.data.unsafe
steps:
  - { id: first, uses: tell, with: '\${{ event.data }}' }
  - id: second
    uses: tell
    with:
      all: \${{ steps.first.output.input }}
      one: \${{ steps.first.output.input.unsafe }}
      text: no \${{ event.data.unsafe }} of \${{ event.data.beyond }}
      more: \${{ event.data.unsafe + 2 }}
      fewer: \${{ event.data.unsafe - event.data.safe }}
      plus: \${{ event.data.small + 1 }}
      half: \${{ double(event.data.small) / 4.0 }}
      whole: \${{ double(event.data.small) / 2.0 }}
      list: \${{ [event.data.most, event.data.small] }}
  - { id: over, uses: tell, with: '\${{ event.data.most + 1 }}', optional: true }
`,
  'functions/tell.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({
  run({ input }) {
    const types = typeof input === 'object' && input !== null
      ? Object.fromEntries(Object.entries(input).map(([name, value]) => [name, typeof value]))
      : {}
    return { input, types, sum: 'unsafe' in types ? (input as { unsafe: bigint }).unsafe + 1n : 0 }
  },
})`,
})
const coordinator = scene.start()
const fields = Object.entries(numbers).map(([name, text]) => `"${name}": ${text}`)
await producer.send({ topic, messages: [{ value: `{${fields.join(', ')}}` }] })
await scene.ended(1)

test('what is safe is an ordinary number in a function, what is not a bigint, and exact', async () => {
  assert.deepEqual(
    await read('first', `output -> 'types'`),
    Object.fromEntries(Object.keys(numbers).map((name) => [name, bigints.includes(name) ? 'bigint' : 'number'])),
  )
  assert.equal(await read('first', `output ->> 'sum'`), '9007199254740994')
})

test('SQL reads each digit, of the event, the key and the outputs', async () => {
  for (const [name, text] of Object.entries(numbers)) {
    assert.equal(await read('first', `event -> 'data' ->> '${name}'`), text, `${name} of the event`)
    assert.equal(await read('first', `output -> 'input' ->> '${name}'`), text, `${name} of the first output`)
    assert.equal(await read('second', `output -> 'input' -> 'all' ->> '${name}'`), text, `${name} of the second output`)
  }
  assert.equal(await read('first', 'key'), numbers.unsafe)
})

test('expressions reckon with them exactly, and refuse what leaves 64 bits', async () => {
  const of = (name: string) => read('second', `output -> 'input' ->> '${name}'`)
  assert.equal(await of('one'), numbers.unsafe)
  assert.equal(await of('text'), `no ${numbers.unsafe} of ${numbers.beyond}`)
  assert.equal(await of('more'), '9007199254740995')
  assert.equal(await of('fewer'), '2')
  assert.equal(await of('plus'), '43')
  assert.equal(await of('half'), '10.5')
  assert.equal(await of('whole'), '21')
  assert.equal(await of('list'), `[${numbers.most}, ${numbers.small}]`)
  const types = (await read('second', `output -> 'types'`)) as Record<string, string>
  assert.deepEqual([types.fewer, types.plus, types.half, types.more], ['number', 'number', 'number', 'bigint'])
  assert.equal(await read('over', 'a.error_code'), 'expression_failed')
  await terminate(coordinator)
})

async function read(step: string, sql: string): Promise<unknown> {
  const [row] = await scene.ledger.query(
    `select ${sql} as value from millrace.attempts a join millrace.transactions t on t.id = a.transaction_id where step = $1`,
    [step],
  )
  return row?.value
}
