/** Credentials and secret fields at rest: AES-256-GCM under a key that only the coordinators have. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { EngineError } from '../base/error.ts'
import type { StoredHeaders } from './headers.ts'

export interface Sealer {
  seal(fields: StoredHeaders): Buffer
  /** Throws `EngineError` `seal_broken` when the key is another one or the bytes were changed. */
  open<Fields extends StoredHeaders = Readonly<Record<string, string>>>(sealed: Buffer): Fields
  /** `bound`: what they belong to; in another place they do not open. */
  sealBytes(plain: Buffer, bound: string): Buffer
  /** Throws `EngineError` `seal_broken` as above, and when they were bound to something else. */
  openBytes(sealed: Buffer, bound: string): Buffer
  /** A name for a text that says nothing of it and is the same each time. */
  nameOf(text: string): string
}

/** Layout: version (1 byte), nonce (12), tag (16), ciphertext. */
export function createSealer(secret: string): Sealer {
  const key = keyFor(secret, 'seal v1')
  const nameKey = keyFor(secret, 'name v1')
  return {
    seal: (fields) => sealed(key, Buffer.from(JSON.stringify(fields), 'utf8'), null),
    open(bytes) {
      try {
        return JSON.parse(opened(key, bytes, null).toString('utf8'))
      } catch (cause) {
        throw new EngineError('seal_broken', 'sealed credentials cannot be opened with this seal key', { cause })
      }
    },
    sealBytes: (plain, bound) => sealed(key, plain, bound),
    openBytes(bytes, bound) {
      try {
        return opened(key, bytes, bound)
      } catch (cause) {
        throw new EngineError('seal_broken', 'sealed fields cannot be opened with this seal key', { cause })
      }
    },
    nameOf: (text) => createHmac('sha256', nameKey).update(text).digest('hex').slice(0, 16),
  }
}

function keyFor(secret: string, use: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'millrace', use, 32))
}

function sealed(key: Buffer, plain: Buffer, bound: string | null): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  if (bound !== null) cipher.setAAD(Buffer.from(bound, 'utf8'))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([version, nonce, cipher.getAuthTag(), body])
}

function opened(key: Buffer, bytes: Buffer, bound: string | null): Buffer {
  if (bytes[0] !== version[0]) throw new Error(`it is of version ${bytes[0]}`)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 13), { authTagLength: 16 })
  if (bound !== null) decipher.setAAD(Buffer.from(bound, 'utf8'))
  decipher.setAuthTag(bytes.subarray(13, 29))
  return Buffer.concat([decipher.update(bytes.subarray(29)), decipher.final()])
}

const version = Buffer.from([1])
