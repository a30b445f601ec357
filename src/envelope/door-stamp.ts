/**
 * What the HTTP door says of an event that it has authenticated, in a header of the record that it writes: for one workflow and
 * one topic, and for these bytes alone. Sealed under a key made of the seal key, so that nobody who may write to the topic can
 * make one. Who may read the topic and write to it can send a record again with its stamp: it is the same event then.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { EngineError } from '../base/error.ts'
import type { Auth } from './auth.ts'
import { parseJson, stringifyJson } from './json.ts'
import type { RawHeader, RawRecord } from './record.ts'

export const doorHeader = 'millrace-door'

export interface Admitted {
  readonly workflow: string
  readonly topic: string
  readonly auth: Auth
  /** When it was authenticated. */
  readonly atUs: number
}

export interface DoorStamps {
  /** The header to write with the record, which is complete but for that, and not sealed yet. */
  stamp(admitted: Admitted, record: Stamped): RawHeader
  /** Throws `EngineError` `unauthenticated` for one that was made by nobody, or for another event. */
  open(header: Buffer, topic: string, record: Stamped): Admitted
}

type Stamped = Pick<RawRecord, 'value' | 'headers'>

/** Layout: version (1 byte), nonce (12), tag (16), ciphertext of the JSON. */
export function createDoorStamps(sealKey: string): DoorStamps {
  const key = Buffer.from(hkdfSync('sha256', sealKey, 'millrace', 'door stamp v1', 32))
  return {
    stamp(admitted, record) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const body = { ...admitted, digest: digestOf(record) } as never
      const text = Buffer.concat([cipher.update(stringifyJson(body), 'utf8'), cipher.final()])
      return { name: doorHeader, value: Buffer.concat([version, nonce, cipher.getAuthTag(), text]) }
    },
    open(header, topic, record) {
      const { digest, ...admitted } = opened(header, key)
      if (admitted.topic === topic && digest === digestOf(record)) return admitted
      throw broken('is that of another event')
    },
  }
}

const version = Buffer.from([1])
const headBytes = 29

function opened(header: Buffer, key: Buffer): Admitted & { readonly digest: string } {
  if (header.length < headBytes || header[0] !== version[0]) throw broken('is none')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, header.subarray(1, 13))
    decipher.setAuthTag(header.subarray(13, headBytes))
    const text = Buffer.concat([decipher.update(header.subarray(headBytes)), decipher.final()]).toString('utf8')
    return parseJson(text) as unknown as Admitted & { readonly digest: string }
  } catch (cause) {
    throw broken('was not made with this seal key', cause)
  }
}

function broken(why: string, cause?: unknown): EngineError {
  return new EngineError('unauthenticated', `the stamp of the HTTP door (${doorHeader}) ${why}`, { cause })
}

/** Of all that says what the event is: the bytes, and the headers that are read. */
function digestOf({ value, headers }: Stamped): string {
  const hash = createHash('sha256')
  const part = (bytes: Buffer | null) => {
    const length = Buffer.alloc(8)
    length.writeBigInt64BE(BigInt(bytes?.length ?? -1))
    hash.update(length).update(bytes ?? '')
  }
  part(value)
  for (const [name, bytes] of read(headers)) {
    part(Buffer.from(name))
    part(bytes)
  }
  return hash.digest('hex')
}

/** In an order of their own: by name, then as they stand. Those of traces may be added on the way. */
function read(headers: readonly RawHeader[]): [string, Buffer][] {
  const named = headers.map(({ name, value }): [string, Buffer] => [name.toLowerCase(), value])
  const said = named.filter(([name]) => /^ce_|^content-type$|^millrace-(?!door$|sealed$)/.test(name))
  return said.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}
