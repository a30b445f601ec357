// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow files are full of them
/** Events in one format, messages in others, on a real Kafka: by a file beside the workflow, by content-type, as CloudEvents. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainFormats } from '../../src/envelope/formats/all.ts'
import { avroFormat } from '../../src/envelope/formats/avro.ts'
import { freshReader, type Seen } from '../support/reader.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshTopic, unique } from '../support/servers.ts'

const avsc = JSON.stringify({
  type: 'record',
  name: 'Click',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 } },
  ],
})
const emits = `
import { defineFunction } from 'millrace'
export default defineFunction({
  run({ input, context }) {
    const { topic, id } = input as { topic: string; id: number | bigint }
    context.emit({ topic, key: 'cbor', value: { id }, format: 'cbor' })
    context.emit({ topic, key: 'event', value: { id }, cloudEvent: { type: 'click.counted', subject: 'a b' } })
    return null
  },
})`

test('an Avro click becomes YAML, CBOR and CloudEvents; what does not fit its schema is a dead letter', async () => {
  const clicks = await freshTopic(1)
  const out = (await freshTopic(1, unique('out'))).name
  const workflow = `
name: click
on:
  kafka:
    topic: ${clicks.name}
    format: { avro: { schema: schemas/click.avsc } }
    schema: { type: object, properties: { price: { pattern: "^[0-9]+[.][0-9]{2}$" } } }
steps:
  - id: count
    uses: emits
    with: { topic: ${out}, id: "\${{ event.data.id }}" }
    publish:
      - { topic: ${out}, key: '"yaml"', value: "\${{ event.data }}", format: yaml }
      - { topic: ${out}, key: '"whole"', value: "\${{ event.data }}", cloudevents: { type: click.seen, mode: structured } }
`
  const scene = await freshScene({
    'click.yaml': workflow,
    'schemas/click.avsc': avsc,
    'functions/emits.ts': emits,
  })
  const reader = await freshReader([out])
  const coordinator = scene.start()
  const id = 2n ** 62n + 1n
  const values = [
    avroFormat(avsc).encode({ id, price: '12.30' }),
    avroFormat(avsc).encode({ id: 2, price: '-1.00' }),
    Buffer.from('{}'),
  ]
  await clicks.producer.send({ topic: clicks.name, messages: values.map((value) => ({ value })) })
  await scene.ended(1)
  await reader.until(4)
  const of = (key: string) => reader.seen.find((each) => String(each.key) === key) as Seen
  const data = { id, price: '12.30' }
  assert.deepEqual(plainFormats.yaml.decode(of('yaml').value as Buffer), data)
  assert.equal(String(of('yaml').headers['content-type']), 'application/yaml')
  assert.deepEqual(plainFormats.cbor.decode(of('cbor').value as Buffer), { id })
  assert.equal(String(of('event').headers.ce_subject), 'a b')
  assert.equal(String(of('event').headers.ce_source), '/workflows/click')
  const whole = plainFormats.json.decode(of('whole').value as Buffer) as { [name: string]: unknown }
  assert.deepEqual([whole.type, whole.data], ['click.seen', data])
  await scene.until('the dead letters', 'select count(*) = 2 from millrace.dead_letters')
  const letters = await scene.ledger.query('select code from millrace.dead_letters order by kafka_offset')
  assert.deepEqual(
    letters.map(({ code }) => code),
    ['schema_mismatch', 'value_not_avro'],
  )
  await terminate(coordinator)
})
