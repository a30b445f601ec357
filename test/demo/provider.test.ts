/** The provider as a process: idempotent, durable, and as badly behaved as it is told to be. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { effectsOf, gainOf, readBook } from '../../demo/provider/book.ts'
import type { Summary } from '../../demo/provider/payments.ts'
import { type Provider, startProvider } from '../../demo/provider/spawn.ts'
import { until } from '../../src/base/poll.ts'
import { tempFolder } from './folder.ts'

const order = { account: 'card_ok_1', amount: 199, currency: 'EUR', reference: 'tx-1' }

test('moves money once for each key', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  const first = await post(provider, '/charges', 'key-1', order)
  const again = await post(provider, '/charges', 'key-1', order)
  assert.equal(first.status, 201)
  assert.equal(again.status, 201)
  assert.deepEqual(again.body, first.body)
  assert.equal(first.headers.get('idempotent-replayed'), null)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assert.deepEqual(await provider.summary(), { entries: 1, declined: 0, totals: totals({ charge: { EUR: 199 } }) })
})

test('refuses a key that was used for something else', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  await post(provider, '/charges', 'key-1', order)
  assert.equal((await post(provider, '/charges', 'key-1', { ...order, amount: 200 })).status, 422)
  assert.equal((await post(provider, '/payouts', 'key-1', order)).status, 422)
  assert.equal((await provider.summary()).entries, 1)
})

test('declines a card, writes it down, and moves nothing', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  const declined = await post(provider, '/charges', 'key-1', { ...order, account: 'card_declined_1' })
  const again = await post(provider, '/charges', 'key-1', { ...order, account: 'card_declined_1' })
  assert.equal(declined.status, 402)
  assert.equal(declined.body.code, 'card_declined')
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assert.deepEqual(await provider.summary(), { entries: 1, declined: 1, totals: totals({}) })
  assert.deepEqual(effectsOf(await readBook(folder.file('book.jsonl'))), [])
})

test('asks for what is missing', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  assert.equal((await post(provider, '/charges', null, order)).body.code, 'idempotency_key_missing')
  assert.equal((await post(provider, '/charges', 'key-1', { ...order, amount: 1.5 })).status, 400)
  assert.equal((await post(provider, '/charges', 'key-1', { ...order, amount: -1 })).status, 400)
  assert.equal((await post(provider, '/control', null, { mode: 'odd' })).status, 400)
  assert.equal((await post(provider, '/gifts', 'key-1', order)).status, 404)
  assert.equal((await provider.summary()).entries, 0)
})

test('keeps its book through a kill, and cuts the line that was torn', async () => {
  await using folder = await tempFolder()
  const file = folder.file('book.jsonl')
  const killed = await startProvider({ book: file })
  const keys = Array.from({ length: 200 }, (_, at) => `key-${at}`)
  const answered = await Promise.all(keys.map((key) => post(killed, '/payouts', key, order)))
  await killed.kill()
  const whole = await readFile(file, 'utf8')
  await appendFile(file, whole.slice(0, 40))
  assert.equal((await readBook(file)).tornBytes, 40)

  await using provider = await startProvider({ book: file })
  const replayed = await Promise.all(keys.map((key) => post(provider, '/payouts', key, order)))
  assert.deepEqual(
    replayed.map(({ body }) => body),
    answered.map(({ body }) => body),
  )
  await post(provider, '/payouts', 'one-more', order)
  const book = await readBook(file)
  assert.equal(book.byKey.size, 201)
  assert.equal(book.duplicates.length, 0)
  assert.equal(book.tornBytes, 0)
  assert.deepEqual(
    [...book.byKey.values()].map(({ no }) => no),
    [...Array(201).keys()].map((no) => no + 1),
  )
})

test('does not start on a book that is broken in the middle', async () => {
  await using folder = await tempFolder()
  const file = folder.file('book.jsonl')
  await writeFile(file, '{"key":"a"}\nnonsense\n{"key":"b"}\n')
  await assert.rejects(readBook(file), { code: 'book_corrupt', message: /book\.jsonl:2/ })
})

test('finds a key that is in the book twice', async () => {
  await using folder = await tempFolder()
  const file = folder.file('book.jsonl')
  await writeFile(file, '{"no":1,"key":"a"}\n{"no":2,"key":"a"}\n')
  assert.deepEqual(
    (await readBook(file)).duplicates.map(({ no }) => no),
    [2],
  )
})

test('the same key at the same moment is one movement', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(provider, '/charges', 'key-1', order)))
  assert.equal(answers.filter(({ headers }) => headers.get('idempotent-replayed') === null).length, 1)
  assert.equal((await provider.summary()).entries, 1)
})

test('fails, is slow, and hangs up when told to', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  await provider.control({ mode: 'fail' })
  assert.equal((await post(provider, '/charges', 'failing', order)).status, 503)
  assert.equal((await provider.summary()).entries, 0)

  await provider.control({ mode: 'slow', delayMs: 100 })
  const before = performance.now()
  assert.equal((await post(provider, '/charges', 'slow', order)).status, 201)
  assert.ok(performance.now() - before >= 95)

  await provider.control({ mode: 'lose-connection' })
  await assert.rejects(post(provider, '/charges', 'lost', order), TypeError)
  await provider.control({ mode: 'ok' })
  const retried = await post(provider, '/charges', 'lost', order)
  assert.equal(retried.headers.get('idempotent-replayed'), 'true')
  assert.deepEqual((await provider.summary()).totals.charge, { EUR: 398 })
})

test('misbehaves for the share it was told, the same for the same seed', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  const keys = Array.from({ length: 100 }, (_, at) => `key-${at}`)
  const statuses = async () => {
    await provider.control({ mode: 'fail', share: 0.3, seed: 7 })
    return Promise.all(keys.map(async (key) => (await post(provider, '/charges', key, order)).status))
  }
  const first = await statuses()
  const failed = first.filter((status) => status === 503).length
  assert.ok(failed > 15 && failed < 45, `${failed} of 100 failed`)
  assert.deepEqual(await statuses(), first)
})

test('gives back parts of what was moved, and no more than that', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  await post(provider, '/charges', 'ch', { ...order, party: 'viewer:1' })
  await post(provider, '/charges', 'no', { ...order, account: 'card_declined_1' })
  const part = { of: 'ch', amount: 150, reference: 'tx-1' }
  assert.equal((await post(provider, '/refunds', 're', part)).status, 201)
  assert.equal((await post(provider, '/refunds', 're', part)).headers.get('idempotent-replayed'), 'true')
  assert.equal((await post(provider, '/refunds', 're', { ...part, amount: 1 })).body.code, 'idempotency_key_reused')
  assert.equal((await post(provider, '/refunds', 're-2', part)).body.code, 'more_than_is_left')
  for (const of of ['nobody', 'no', 're']) {
    assert.equal((await post(provider, '/refunds', `re-${of}`, { ...part, of })).body.code, 'no_such_movement', of)
  }
  const { totals: moved } = await provider.summary()
  assert.deepEqual(moved, totals({ charge: { EUR: 199 }, refund: { EUR: 150 } }))
  assert.equal(await gain(folder, 'viewer:1'), -49)
})

test('voids what was done under a key, once, less what was given back before', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  await post(provider, '/payouts', 'po', { ...order, party: 'carrier:1' })
  await post(provider, '/refunds', 're', { of: 'po', amount: 150, reference: 'tx-1' })
  const first = await post(provider, '/voids', 'vo', { of: 'po', reference: 'tx-1' })
  assert.deepEqual([first.status, first.body.amount], [201, 49])
  const other = await post(provider, '/voids', 'vo-2', { of: 'po', reference: 'tx-1' })
  assert.deepEqual(other.body, first.body)
  assert.equal(await gain(folder, 'carrier:1'), 0)
  assert.equal((await post(provider, '/payouts', 'po', { ...order, party: 'carrier:1' })).status, 410)
  assert.equal((await post(provider, '/refunds', 're-2', { of: 'po', amount: 1, reference: 'tx-1' })).status, 410)
  const refund = await post(provider, '/voids', 'vo-3', { of: 're', reference: 'tx-1' })
  assert.equal(refund.body.amount, 0, 'the refund went with what it was of')
})

test('takes a refund back, and the rest is whole again', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  await post(provider, '/charges', 'ch', { ...order, party: 'viewer:1' })
  await post(provider, '/refunds', 're', { of: 'ch', amount: 150, reference: 'tx-1' })
  assert.equal((await post(provider, '/voids', 'vo-1', { of: 're', reference: 'tx-1' })).body.amount, 150)
  assert.equal(await gain(folder, 'viewer:1'), -199)
  assert.equal((await post(provider, '/voids', 'vo-2', { of: 'ch', reference: 'tx-1' })).body.amount, 199)
  assert.equal(await gain(folder, 'viewer:1'), 0)
})

test('what was voided before it came moves nothing when it comes, also after a restart', async () => {
  await using folder = await tempFolder()
  const file = folder.file('book.jsonl')
  const killed = await startProvider({ book: file })
  const early = await post(killed, '/voids', 'vo', { of: 'late', reference: 'tx-1' })
  assert.deepEqual([early.status, early.body.amount], [201, 0])
  assert.equal((await post(killed, '/charges', 'late', order)).body.code, 'voided')
  await killed.kill()
  await using provider = await startProvider({ book: file })
  assert.equal((await post(provider, '/charges', 'late', order)).status, 410)
  assert.equal((await post(provider, '/refunds', 'late', { of: 'x', amount: 1, reference: 'tx-1' })).status, 410)
  assert.deepEqual(effectsOf(await readBook(file)), [])
})

test('charges and voids that race leave nothing, whoever is first', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  const charge = (n: number) => post(provider, '/charges', `ch-${n}`, { ...order, party: 'viewer:1' })
  const undo = (n: number) => post(provider, '/voids', `vo-${n}`, { of: `ch-${n}`, reference: 'tx-1' })
  const pairs = Array.from({ length: 60 }, (_, n) => (n % 2 ? [undo(n), charge(n)] : [charge(n), undo(n)]))
  await Promise.all(pairs.flat())
  assert.equal(await gain(folder, 'viewer:1'), 0)
  assert.equal((await readBook(folder.file('book.jsonl'))).duplicates.length, 0)
})

test('a card may take one charge alone', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  const once = { ...order, account: 'card_single_1' }
  assert.equal((await post(provider, '/charges', 'key-1', once)).status, 201)
  assert.equal((await post(provider, '/charges', 'key-2', once)).status, 402)
  assert.equal((await post(provider, '/charges', 'key-1', once)).status, 201)
})

test('opens a session once, and never one that was ended', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  const ask = async (method: string, id: string) => {
    return (await fetch(`${provider.sessionsUrl}/sessions/${id}`, { method })).status
  }
  assert.deepEqual([await ask('PUT', 'a'), await ask('PUT', 'a'), await ask('PUT', 'b')], [201, 200, 201])
  assert.deepEqual([await ask('DELETE', 'a'), await ask('DELETE', 'a'), await ask('PUT', 'a')], [200, 200, 410])
  assert.deepEqual([await ask('DELETE', 'early'), await ask('PUT', 'early')], [200, 410])
  assert.deepEqual([await ask('PUT', 'no/such'), await ask('POST', 'a')], [404, 404])
  assert.deepEqual(await provider.sessions(), { open: 1, ended: 1 })
})

test('streams its book', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  assert.equal(await (await fetch(`${provider.url}/book`)).text(), '')
  await post(provider, '/charges', 'key-1', order)
  await post(provider, '/payouts', 'key-2', order)
  const lines = (await (await fetch(`${provider.url}/book`)).text()).trim().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).key),
    ['key-1', 'key-2'],
  )
})

test('shows the same spots for the same question, and none where it is down', async () => {
  await using folder = await tempFolder()
  await using provider = await startProvider({ book: folder.file('book.jsonl') })
  const ads = (country: string) => fetch(`${provider.adsUrl}/ads?country=${country}&criteria=drama&currency=JPY`)
  const spots = await (await ads('JP')).json()
  assert.deepEqual(await (await ads('JP')).json(), spots)
  await provider.controlAds({ mode: 'down', countries: ['NZ'] })
  assert.equal((await ads('JP')).status, 200)
  await assert.rejects(ads('NZ'), TypeError)
  await provider.controlAds({ mode: 'down' })
  await assert.rejects(ads('JP'), TypeError)
})

test('dies with its parent', async () => {
  await using folder = await tempFolder()
  const fixture = fileURLToPath(new URL('./fixtures/parent.js', import.meta.url))
  const parent = spawn(process.execPath, [fixture, folder.file('book.jsonl')], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface({ input: parent.stdout }), 'line')
  parent.kill('SIGKILL')
  await until('the provider to be gone', () => !isAlive(Number(line)), { forMs: 5000 })
})

test('stops in good order, twice too', async () => {
  await using folder = await tempFolder()
  const provider = await startProvider({ book: folder.file('book.jsonl') })
  await provider.stop()
  await provider.stop()
  assert.equal(isAlive(provider.pid), false)
})

async function post(provider: Provider, path: string, key: string | null, body: unknown) {
  const headers = { 'content-type': 'application/json', ...(key === null ? {} : { 'idempotency-key': key }) }
  const response = await fetch(provider.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Body }
}

interface Body {
  readonly code?: string
  readonly amount?: number
}

function totals(some: Partial<Summary['totals']>): Summary['totals'] {
  return { charge: {}, payout: {}, refund: {}, void: {}, ...some }
}

async function gain(folder: { file(name: string): string }, party: string): Promise<number> {
  const book = await readBook(folder.file('book.jsonl'))
  const own = [...book.byKey.values()].filter((entry) => entry.party === party)
  return own.reduce((sum, entry) => sum + gainOf(entry, book), 0)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
