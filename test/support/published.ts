/** The promise of the outbox as an oracle: the ledger's messages against what a reader of committed records has seen. */
import assert from 'node:assert/strict'
import { type Seen, text } from './reader.ts'
import type { Scene } from './scene.ts'

/** Every message of the ledger is there once, no other is, and those of one lane and key are in their order. */
export async function assertPublished({ ledger }: Scene, seen: readonly Seen[]): Promise<void> {
  const rows = await ledger.query<{ id: string; key: Buffer | null; lane: string; state: string }>(
    `select id, key, lane_topic || '/' || kafka_partition as lane, state from millrace.outbox order by kafka_partition, seq`,
  )
  assert.deepEqual(
    rows.filter((row) => row.state !== 'published'),
    [],
  )
  const ids = seen.map((each) => text(each, 'millrace-message-id') ?? '')
  const twice = ids.filter((id, at) => ids.indexOf(id) !== at)
  const places = seen.filter((each) => twice.includes(text(each, 'millrace-message-id') ?? ''))
  assert.deepEqual(
    places.map(({ partition, offset, value }) => `${partition}/${offset} ${value}`),
    [],
    'none is there twice',
  )
  assert.deepEqual([...ids].sort(), rows.map(({ id }) => id).sort(), 'all are there, and no others')
  const place = new Map(ids.map((id, at) => [id, at]))
  const last = new Map<string, number>()
  for (const { id, key, lane } of rows) {
    const line = `${lane} ${key}`
    const at = place.get(id) as number
    assert.ok(at > (last.get(line) ?? -1), `${id} of ${line} is in its order`)
    last.set(line, at)
  }
}
