/** Credentials at rest: AES-256-GCM under a key that only the coordinators have. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { EngineError } from '../base/error.ts'
import type { StoredHeaders } from './headers.ts'

export interface Sealer {
  seal(fields: StoredHeaders): Buffer
  /** Throws `EngineError` `seal_broken` when the key is another one or the bytes were changed. */
  open<Fields extends StoredHeaders = Readonly<Record<string, string>>>(sealed: Buffer): Fields
}

/** Layout: version (1 byte), nonce (12), tag (16), ciphertext of the fields' JSON. */
export function createSealer(secret: string): Sealer {
  const key = Buffer.from(hkdfSync('sha256', secret, 'millrace', 'seal v1', 32))
  return {
    seal(fields) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const body = Buffer.concat([cipher.update(JSON.stringify(fields), 'utf8'), cipher.final()])
      return Buffer.concat([version, nonce, cipher.getAuthTag(), body])
    },
    open(sealed) {
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 13))
        decipher.setAuthTag(sealed.subarray(13, 29))
        return JSON.parse(Buffer.concat([decipher.update(sealed.subarray(29)), decipher.final()]).toString('utf8'))
      } catch (cause) {
        throw new EngineError('seal_broken', 'sealed credentials cannot be opened with this seal key', { cause })
      }
    },
  }
}

const version = Buffer.from([1])
