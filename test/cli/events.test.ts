import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readEvents } from '../../src/cli/events.ts'
import { freshProject } from '../support/project.ts'

test('one event, with key and headers; numbers stay as they are written', async () => {
  assert.deepEqual(await readEvents({ data: '{"n": 12345678901234567890}', key: 'k', header: ['a=b=c'] }), [
    { key: 'k', value: '{"n": 12345678901234567890}', headers: { a: 'b=c' } },
  ])
})

test('one a line, empty lines left out; or one over several lines', async () => {
  const file = await fileOf('{"a":1}\n\n2\r\n"three"\n')
  assert.deepEqual(
    (await readEvents({ file })).map(({ value }) => value),
    ['{"a":1}', '2', '"three"'],
  )
  const pretty = await fileOf('{\n  "a": 1\n}\n')
  assert.deepEqual(
    (await readEvents({ file: pretty })).map(({ value }) => value),
    ['{\n  "a": 1\n}'],
  )
})

test('a line that is not JSON is named, unless it is to go as it is', async () => {
  const file = await fileOf('1\n{oops\n')
  await assert.rejects(readEvents({ file }), { code: 'not_json', message: /events\.jsonl:2: .*--raw/ })
  assert.deepEqual(
    (await readEvents({ file, raw: true })).map(({ value }) => value),
    ['1', '{oops'],
  )
})

test('envelopes bring their own key and headers', async () => {
  const file = await fileOf('{"key":7,"value":{"id":12345678901234567890},"headers":{"h":"v"}}\n{"value":null}\n')
  assert.deepEqual(await readEvents({ file, envelope: true, key: 'k', header: ['x=y'] }), [
    { key: '7', value: '{"id":12345678901234567890}', headers: { x: 'y', h: 'v' } },
    { key: 'k', value: 'null', headers: { x: 'y' } },
  ])
  await assert.rejects(readEvents({ data: '{"key":1}', envelope: true }), { code: 'not_an_envelope' })
})

test('CloudEvents of a type have an id each', async () => {
  const events = await readEvents({ file: await fileOf('1\n2\n'), type: 't' })
  assert.deepEqual(
    events.map(({ headers }) => headers.ce_type),
    ['t', 't'],
  )
  assert.equal(new Set(events.map(({ headers }) => headers.ce_id)).size, 2)
})

test('misuse is said', async () => {
  await assert.rejects(readEvents({ data: '1', header: ['novalue'] }), { code: 'usage', message: /NAME=VALUE/ })
  await assert.rejects(readEvents({ data: '1', file: 'x' }), { code: 'usage' })
  await assert.rejects(readEvents({ file: '/nowhere/x.jsonl' }), { code: 'unreadable_file' })
})

async function fileOf(text: string): Promise<string> {
  const file = join(await freshProject({}), 'events.jsonl')
  writeFileSync(file, text)
  return file
}
