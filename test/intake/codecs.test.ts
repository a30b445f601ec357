/** Batches of producers that compress: each of Kafka's four ways, and snappy in both of its framings. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import kafkajs, { CompressionTypes } from 'kafkajs'
import snappy from 'snappy'
import { decompressZstd, registerCodecs, unsnappy } from '../../src/intake/codecs.ts'

const text = Buffer.from('a record, a record, a record, a record, a record, a record')

test('snappy: one plain block, as librdkafka writes it', async () => {
  assert.deepEqual(await unsnappy(await snappy.compress(text)), text)
})

test('snappy: blocks behind their lengths, as snappy-java writes it', async () => {
  const blocks = await Promise.all([snappy.compress(text), snappy.compress(text)])
  const framed = blocks.flatMap((block) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(block.length)
    return [length, block]
  })
  const header = Buffer.from('82534e415050590000000001000000 01'.replaceAll(' ', ''), 'hex')
  assert.deepEqual(await unsnappy(Buffer.concat([header, ...framed])), Buffer.concat([text, text]))
})

test('zstd: a frame of the reference implementation', async () => {
  const frame = Buffer.from('28b52ffd04588500005061207265636f72642c200100352a48826d5fe4', 'hex')
  assert.deepEqual(await decompressZstd(frame), text)
})

test('lz4 and snappy as the client will ask for them', async () => {
  registerCodecs()
  for (const type of [CompressionTypes.LZ4, CompressionTypes.Snappy] as const) {
    const codec = kafkajs.CompressionCodecs[type]()
    assert.deepEqual(await codec.decompress(await codec.compress({ buffer: text })), text)
  }
})
