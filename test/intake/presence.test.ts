/** Which topics are there, and whether they are still the same, by what brokers say one after the other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Presence } from '../../src/intake/presence.ts'
import type { Topics } from '../../src/intake/topics.ts'
import { subscribe } from '../../src/telemetry/channels.ts'

test('a topic is gone when it is missing for a second; one that was never there is missing at once', async () => {
  const { presence, kafka } = scene({ a: '1' })
  assert.deepEqual((await presence.look(['a', 'b'], [])).present, ['a'])
  kafka.clear()
  for (const nowMs of [0, 10, 990]) {
    assert.deepEqual((await presence.look(['a', 'b'], ['a'], () => nowMs)).present, ['a'])
    assert.equal(presence.has('a'), false)
  }
  assert.deepEqual((await presence.look(['a', 'b'], ['a'], () => 1000)).present, [])
  kafka.set('a', '1')
  assert.deepEqual(await presence.look(['a', 'b'], []), { present: ['a'], recreated: [] })
})

test('another id is told once, and a broker that lags behind tells nothing', async () => {
  const { presence, kafka } = scene({ a: '1' })
  await presence.look(['a'], [])
  kafka.set('a', '2')
  assert.deepEqual((await presence.look(['a'], ['a'])).recreated, ['a'])
  kafka.set('a', '1')
  assert.deepEqual((await presence.look(['a'], ['a'])).recreated, [])
  assert.deepEqual(await presence.incarnation('a'), { id: '2', recreated: false })
  kafka.set('a', '3')
  assert.deepEqual(await presence.incarnation('a'), { id: '3', recreated: true })
})

test('a broker that knows no ids says nothing about them', async () => {
  const { presence, kafka } = scene({ a: '' })
  assert.deepEqual(await presence.look(['a'], []), { present: ['a'], recreated: [] })
  assert.deepEqual(await presence.incarnation('a'), { id: '', recreated: false })
  kafka.delete('a')
  await assert.rejects(presence.incarnation('a'), { code: 'unknown_topic', retryable: true })
})

test('what is waited for is said once, and otherwise if it was there before', async () => {
  const { presence, kafka } = scene({ a: '1' })
  const said: string[] = []
  const stop = subscribe('notice', ({ message }) => said.push(message))
  for (let looks = 0; looks < 3; looks++) await presence.look(['a', 'b'], [])
  kafka.set('b', '2')
  kafka.delete('a')
  for (let looks = 0; looks < 3; looks++) await presence.look(['a', 'b'], ['a'], () => looks * 1000)
  stop()
  assert.deepEqual(said, [
    'waiting for topics that Kafka does not have yet: b',
    'Kafka does not have these topics any more, waiting for them: a',
  ])
})

function scene(ids: Record<string, string>) {
  const kafka = new Map(Object.entries(ids))
  const topics = { ids: async (names: string[]) => new Map([...kafka].filter(([name]) => names.includes(name))) }
  return { kafka, presence: new Presence(topics as unknown as Topics) }
}
