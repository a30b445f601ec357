/** The whole business of the film against a real provider: it balances to the cent, however and wherever it ends. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { imbalances } from '../../demo/balance.ts'
import { type Book, gainOf, readBook } from '../../demo/provider/book.ts'
import { type Provider, startProvider } from '../../demo/provider/spawn.ts'
import { type DemoRequest, makeRequests } from '../../demo/world/requests.ts'
import { type DemoWorld, makeWorld, writeWorld } from '../../demo/world/world.ts'
import billParty from '../../workflows/functions/video/bill-party.ts'
import endSession from '../../workflows/functions/video/end-session.ts'
import startSession from '../../workflows/functions/video/start-session.ts'
import unbillParty from '../../workflows/functions/video/unbill-party.ts'
import unrecord from '../../workflows/functions/video/unrecord.ts'
import { clearing } from '../../workflows/video/postings.ts'
import { sessionOf } from '../../workflows/video/sessions.ts'
import { runStep } from './chain.ts'
import { type Run, runFilm } from './film.ts'
import { tempFolder } from './folder.ts'

let folder: Awaited<ReturnType<typeof tempFolder>>
let provider: Provider
let world: DemoWorld
/** Of a viewer who sees spots, so that there is more than one to bill. */
let good: DemoRequest

before(async () => {
  folder = await tempFolder()
  provider = await startProvider({ book: folder.file('book.jsonl') })
  world = await makeWorld({ seed: 3 })
  const requests = await makeRequests({ events: 120, world })
  good = requests.find((one) => one.fate === 'good' && planOf(one) === 'basic')!
  await writeWorld(world, folder.file('world.json'))
  process.env.DEMO_WORLD = folder.file('world.json')
  process.env.PROVIDER_URL = provider.url
  process.env.ADS_URL = provider.adsUrl
  process.env.SESSIONS_URL = provider.sessionsUrl
})

beforeEach(() => provider.control({ mode: 'ok' }))

after(async () => {
  await provider?.stop()
  await folder?.[Symbol.asyncDispose]()
})

test('every party is billed, paid, posted and recorded, and the viewer pays for what was watched', async () => {
  const seconds = filmSeconds(good)
  const price = good.expect.charged!.amount
  const cases: readonly (readonly [string, unknown, number])[] = [
    ['to the end', { watched_seconds: seconds }, price],
    ['nobody said', null, price],
    ['nonsense', { watched_seconds: 'a lot' }, price],
    ['below nothing', { watched_seconds: -5 }, price],
    ['a quarter', { watched_seconds: seconds / 4 }, Math.round(price / 4)],
    ['nothing', { watched_seconds: 0 }, 0],
    ['twice', { watched_seconds: 2 * seconds }, 2 * price],
    ['for ever', { watched_seconds: 1e12 }, 3 * price],
  ]
  for (const [name, teardown, due] of cases) {
    const request = as(good, name)
    const run = await runFilm(request, teardown)
    assert.equal(run.state, 'completed', name)
    await agrees(run)
    assert.equal(0 - gains(await book(), name, `viewer:${request.key}`), due, name)
    const [first, last] = run.receipts as { billed: number; paid: number }[]
    assert.equal(last!.billed, last!.paid)
    assert.equal(first!.billed - last!.billed, price - due, name)
  }
  assert.equal((await provider.sessions()).open, 0)
})

test('fails after any step, and everything is undone in reverse: both books come to nothing', async () => {
  const { done } = await runFilm(as(good, 'whole'), { watched_seconds: 60 })
  assert.ok(done.length > 18, done.join())
  for (const step of done) {
    const run = await runFilm(as(good, `after ${step}`), { watched_seconds: 60 }, { after: step })
    assert.equal(run.code, 'trouble')
    const undoable = run.done.filter((one) => /^(?:start_session|bill|pay|record|adjust)/.test(one))
    assert.deepEqual(run.undone, undoable.reverse())
    assert.equal(run.state, undoable.length > 0 ? 'compensated' : 'failed')
    await comesToNothing(run, `after ${step}`)
  }
  assert.equal((await provider.sessions()).open, 0)
})

test('a step’s outcome is lost for good: what it did is undone all the same', async () => {
  const { done } = await runFilm(as(good, 'once more'), { watched_seconds: 9000 })
  for (const step of done.filter((one) => /^(?:start_session|bill|pay|adjust)/.test(one))) {
    const run = await runFilm(as(good, `lost ${step}`), { watched_seconds: 9000 }, { lost: step })
    assert.deepEqual([run.code, run.undone[0]], ['lost', step])
    await comesToNothing(run, `lost ${step}`)
  }
  assert.equal((await provider.sessions()).open, 0)
})

test('a provider that hangs up or refuses while it is undone doubles nothing', async () => {
  for (const mode of ['lose-connection', 'fail'] as const) {
    await provider.control({ mode, share: 0.4, seed: 5 })
    const run = await runFilm(as(good, mode), { watched_seconds: 9000 }, { after: 'adjust[1]' })
    assert.equal(run.state, 'compensated')
    await comesToNothing(run, mode)
  }
})

test('a card that declines, at first or when the difference is due, leaves nothing', async () => {
  const value = (card: string) => {
    const data = JSON.parse(good.value.toString())
    return Buffer.from(JSON.stringify({ ...data, payment: { card } }))
  }
  const declined = await runFilm({ ...as(good, 'declined'), value: value('card_declined_1') }, null)
  assert.deepEqual(
    [declined.state, declined.code, declined.undone],
    ['compensated', 'card_declined', ['start_session']],
  )
  await comesToNothing(declined, 'declined')
  const again = { watched_seconds: 2 * filmSeconds(good) }
  const late = await runFilm({ ...as(good, 'declined late'), value: value('card_single_1') }, again)
  assert.deepEqual([late.state, late.code], ['compensated', 'card_declined'])
  assert.ok(late.done.includes('record') && late.undone.includes('record'))
  await comesToNothing(late, 'declined late')
})

test('a charge and a session that come after they were undone are refused', async () => {
  const undo = { direction: 'undo', forwardKey: 'late:bill', idempotencyKey: 'late:unbill' } as const
  const run = () => runStep('bill', unbillParty, { output: null }, 'late', 1, undo)
  assert.deepEqual([await run(), await run()], [{ voided: 0 }, { voided: 0 }])
  const party = { role: 'viewer', party: 'v', account: 'card_ok_1', amount: 100 }
  const bill = runStep('bill', billParty, { party, currency: 'EUR' }, 'late', 1)
  await assert.rejects(bill, { code: 'voided' })
  assert.equal(gains(await book(), 'late', 'viewer:v'), 0)

  const end = { direction: 'undo', forwardKey: 'late:start' } as const
  const { session } = await runStep('start', endSession, { output: null }, 'late', 1, end)
  assert.equal(session, sessionOf('late:start'))
  const input = { host: 'eu-west.stream.example', film: 'film-001', language: 'fr' }
  await assert.rejects(runStep('start', startSession, input, 'late', 1), { code: 'session_ended' })
})

test('who posts says what a second charge would be known by, and a void receipt is told', async () => {
  const posted: unknown[] = []
  const party = { role: 'viewer', party: 'v', account: 'card_ok_1', amount: 100 }
  const post = (posting: unknown) => void posted.push(posting)
  const { id } = await runStep('bill', billParty, { party, currency: 'EUR' }, 'post', 1, { post })
  const movement = { debit: 'viewer:v', credit: clearing, amount: 100, currency: 'EUR' }
  assert.deepEqual(posted, [{ ...movement, party: 'v', key: `provider:${id}` }])

  const told: unknown[] = []
  const emit = (message: unknown) => void told.push(message)
  await runStep('record', unrecord, { topic: 'video.receipts', output: null }, 'post', 1, { emit })
  assert.deepEqual(told, [{ topic: 'video.receipts', key: 'post', value: { receipt: 'post', state: 'void' } }])
})

async function agrees({ sums }: Run): Promise<void> {
  const id = sums[0]!.transactionId
  const found = imbalances(sums, await book(), clearing).filter(({ transactionId }) => transactionId === id)
  assert.deepEqual(found, [])
}

async function comesToNothing(run: Run, id: string): Promise<void> {
  const whole = await book()
  const own = [...whole.byKey.values()].filter(({ reference }) => reference === id)
  const parties = new Set(own.map(({ party }) => party))
  for (const party of parties) assert.equal(gains(whole, id, party), 0, `${id}: ${party}`)
  const byAccount = new Map<string, bigint>()
  for (const { account, sum } of run.sums) byAccount.set(account, (byAccount.get(account) ?? 0n) + sum)
  assert.deepEqual(
    [...byAccount.values()].filter((sum) => sum !== 0n),
    [],
    id,
  )
}

function gains(whole: Book, id: string, party: string | undefined): number {
  const own = [...whole.byKey.values()].filter((entry) => entry.reference === id && entry.party === party)
  return own.reduce((sum, entry) => sum + gainOf(entry, whole), 0)
}

async function book(): Promise<Book> {
  const read = await readBook(folder.file('book.jsonl'))
  assert.deepEqual(read.duplicates, [])
  return read
}

/** The same request under another name, so that it is another transaction. */
function as(request: DemoRequest, id: string): DemoRequest {
  return { ...request, id }
}

function filmSeconds(request: DemoRequest): number {
  const { film } = JSON.parse(request.value.toString())
  return world.facts.films.find(({ id }) => id === film.id)!.seconds
}

function planOf({ headers }: DemoRequest): string {
  return JSON.parse(Buffer.from(headers.authorization!.split('.')[1]!, 'base64url').toString()).plan
}
