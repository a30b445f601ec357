/** A real schema registry for a test file: that of the environment, else one of its own for as long as the file runs. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalRegistry, startRegistry } from '../../src/local/registry.ts'
import { atEnd } from './at-end.ts'

let started: Promise<string> | undefined

export function registryUrl(): Promise<string> {
  started ??= start()
  return started
}

async function start(): Promise<string> {
  const { TEST_REGISTRY_URL, SCHEMA_REGISTRY_URL } = process.env
  return TEST_REGISTRY_URL || SCHEMA_REGISTRY_URL || (await ownRegistry()).url
}

/** One that the test may stop. */
export async function ownRegistry(options: { dir?: string; port?: number } = {}): Promise<LocalRegistry> {
  const dataDir = options.dir ?? (await mkdtemp(join(tmpdir(), 'millrace-registry-')))
  const registry = await startRegistry({ dataDir, port: options.port })
  atEnd(async () => {
    await registry.stop()
    if (options.dir === undefined) await rm(dataDir, { recursive: true, force: true })
  })
  return registry
}

export interface NewSchema {
  readonly schemaType?: 'AVRO' | 'PROTOBUF' | 'JSON'
  readonly schema: string
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[]
}

/** Answers with its id. */
export async function register(url: string, subject: string, schema: NewSchema): Promise<number> {
  const response = await fetch(`${url}/subjects/${encodeURIComponent(subject)}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify(schema),
  })
  const answer = (await response.json()) as { readonly id?: number }
  assert.equal(response.status, 200, JSON.stringify(answer))
  return answer.id as number
}
