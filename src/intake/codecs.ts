/**
 * Snappy, LZ4 and Zstandard for a client that brings only gzip: producers choose their compression, and a batch that
 * cannot be opened would stop its partition.
 */
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { decompress as unzstd } from 'fzstd'
import kafkajs, { CompressionTypes } from 'kafkajs'
import lz4 from 'lz4-napi'
import snappy from 'snappy'
import { assert } from '../base/assert.ts'

/** Makes them known to the client, for all its consumers and producers. Twice is safe. */
export function registerCodecs(): void {
  kafkajs.CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: async ({ buffer }: Encoder) => snappy.compress(buffer),
    decompress: unsnappy,
  })
  kafkajs.CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: async ({ buffer }: Encoder) => lz4.compressFrame(buffer),
    decompress: async (buffer: Buffer) => lz4.decompressFrame(buffer),
  })
  kafkajs.CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async () => assert(false, 'nothing here writes Zstandard'),
    decompress: decompressZstd,
  })
}

/** What kafkajs hands to a codec: the records, encoded. */
interface Encoder {
  readonly buffer: Buffer
}

/** snappy-java's stream: magic, two versions, then blocks each behind its length. Others write one plain block. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const xerialHeaderBytes = 16

export async function unsnappy(buffer: Buffer): Promise<Buffer> {
  if (!buffer.subarray(0, xerialMagic.length).equals(xerialMagic)) return block(buffer)
  const blocks: Buffer[] = []
  for (let at = xerialHeaderBytes; at < buffer.length; ) {
    const end = at + 4 + buffer.readUInt32BE(at)
    blocks.push(await block(buffer.subarray(at + 4, end)))
    at = end
  }
  return Buffer.concat(blocks)
}

async function block(buffer: Buffer): Promise<Buffer> {
  return (await snappy.uncompress(buffer, { asBuffer: true })) as Buffer
}

/** Node 22.15 and newer have it themselves. */
const native = (zlib as { zstdDecompress?: typeof zlib.gunzip }).zstdDecompress

export async function decompressZstd(buffer: Buffer): Promise<Buffer> {
  return native ? promisify<Buffer, Buffer>(native)(buffer) : Buffer.from(unzstd(buffer))
}
