/** Entries that come while a sync is under way share the next one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBook } from '../../demo/provider/book.ts'
import { makeEntry } from '../../demo/provider/entry.ts'
import { openWriter } from '../../demo/provider/writer.ts'
import { tempFolder } from './folder.ts'

test('the first goes alone, those behind it go together', async () => {
  await using folder = await tempFolder()
  const file = folder.file('book.jsonl')
  const writer = await openWriter(file, 0)
  const first = writer.append(entryOf(1))
  await Promise.resolve()
  const together = [2, 3, 4].map((no) => writer.append(entryOf(no)))
  await first
  const bytesOfOne = writer.bytes
  await together[0]
  assert.equal(writer.bytes, 4 * bytesOfOne)
  await Promise.all(together)
  await writer.close()
  await writer.close()
  assert.deepEqual([...(await readBook(file)).byKey.keys()], ['key-1', 'key-2', 'key-3', 'key-4'])
})

test('closing waits for what is under way', async () => {
  await using folder = await tempFolder()
  const writer = await openWriter(folder.file('book.jsonl'), 0)
  const appended = Promise.all([1, 2, 3].map((no) => writer.append(entryOf(no))))
  await writer.close()
  await appended
  assert.equal((await readBook(folder.file('book.jsonl'))).byKey.size, 3)
})

function entryOf(no: number) {
  const order = { account: 'card_ok_1', amount: 100, currency: 'EUR', reference: 'tx' }
  return makeEntry(no, new Date(0), 'charge', `key-${no}`, order)
}
