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
import type { Plan } from '../../workflows/video/world.ts'
import { type Run, runFilm } from './film.ts'
import { tempFolder } from './folder.ts'
import { runStep } from './step.ts'

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
  const price = priceOf(good)
  const cases: readonly (readonly [string, unknown, number])[] = [
    ['to the end', { watched_seconds: seconds }, price],
    ['never leaves', undefined, price],
    ['says nothing', null, price],
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
    assert.deepEqual([run.state, run.code], ['completed', null], name)
    await agrees(run)
    assert.equal(0 - gains(await book(), run.id, `viewer:${request.key}`), due, name)
    const [first, last] = run.messages['video.receipts'] as { state: string; billed: number }[]
    assert.deepEqual([first!.state, last!.state], ['open', 'settled'])
    assert.equal(first!.billed - last!.billed, price - due, name)
    const [{ location, session }] = run.messages['video.locations'] as [{ location: string; session: string }]
    assert.equal(new URL(location).searchParams.get('session'), session)
  }
  assert.equal((await provider.sessions()).open, 0)
})

const compensated = /^(?:start_session|bill_party|pay_party|record|adjust_party)/

for (const trouble of ['cancelAfter', 'cancelDuring', 'lost', 'unheard', 'fails'] as const) {
  test(`${trouble}, at any step: what was done is undone in reverse, and both books come to nothing`, async () => {
    const teardown = { watched_seconds: 9000 }
    const whole = await runFilm(as(good, `whole ${trouble}`), teardown)
    const steps = whole.done.filter((step) => trouble === 'cancelAfter' || step !== 'select_ads')
    assert.ok(steps.length > 18, steps.join())
    const last = whole.done.at(-1)
    for (const step of steps) {
      const name = `${trouble} ${step}`
      const run = await runFilm(as(good, name), teardown, { [trouble]: step })
      if (run.state === 'completed') {
        assert.deepEqual([trouble.startsWith('cancel'), step], [true, last], name)
        continue
      }
      const owed = run.done.filter((one) => compensated.test(one)).reverse()
      const undone = run.undone.filter((one) => run.done.includes(one))
      assert.deepEqual(undone, owed, name)
      if ((trouble === 'lost' || trouble === 'unheard') && compensated.test(step))
        assert.ok(run.undone.includes(step), name)
      const expected = run.undone.length === 0 ? 'failed' : 'compensated'
      assert.equal(run.state, trouble.startsWith('cancel') ? 'cancelled' : expected, name)
      await comesToNothing(run)
    }
    assert.equal((await provider.sessions()).open, 0)
  })
}

test('a provider that hangs up or refuses, forward and back, doubles nothing', async () => {
  for (const mode of ['lose-connection', 'fail'] as const) {
    await provider.control({ mode, share: 0.4, seed: 5 })
    const run = await runFilm(as(good, mode), { watched_seconds: 9000 }, { cancelAfter: 'adjust_party[0]' })
    assert.equal(run.state, 'cancelled')
    await comesToNothing(run)
    const whole = await runFilm(as(good, `${mode} and goes on`), { watched_seconds: 60 })
    assert.equal(whole.state, 'completed')
    await agrees(whole)
  }
})

test('a provider that does each charge and hangs up, then fails, leaves nothing when the step gives up', async () => {
  await provider.control({ mode: 'lose-connection', share: 0.7, seed: 5 })
  const run = await runFilm(as(good, 'gives up'), undefined, { lost: 'bill_party[0]' })
  assert.deepEqual([run.state, run.code], ['compensated', 'step_timeout'])
  await comesToNothing(run)
})

test('a card that declines, at first or when the difference is due, leaves nothing', async () => {
  const value = (card: string) => {
    const data = JSON.parse(good.value.toString())
    return Buffer.from(JSON.stringify({ ...data, payment: { card } }))
  }
  const declined = await runFilm({ ...as(good, 'declined'), value: value('card_declined_1') }, undefined)
  assert.deepEqual([declined.state, declined.code], ['compensated', 'card_declined'])
  assert.ok(declined.undone.includes('start_session'))
  await comesToNothing(declined)
  const again = { watched_seconds: 2 * filmSeconds(good) }
  const late = await runFilm({ ...as(good, 'declined late'), value: value('card_single_1') }, again)
  assert.deepEqual([late.state, late.code], ['compensated', 'card_declined'])
  assert.ok(late.done.includes('record') && late.undone.includes('record'))
  assert.deepEqual((late.messages['video.receipts'] as { state: string }[]).at(-1)!.state, 'void')
  await comesToNothing(late)
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

async function agrees({ id, sums }: Run): Promise<void> {
  const found = imbalances(sums, await book(), clearing).filter(({ transactionId }) => transactionId === id)
  assert.deepEqual(found, [])
}

async function comesToNothing(run: Run): Promise<void> {
  const whole = await book()
  const own = [...whole.byKey.values()].filter(({ reference }) => reference === run.id)
  const parties = new Set(own.map(({ party }) => party))
  for (const party of parties) assert.equal(gains(whole, run.id, party), 0, `${run.done.at(-1)}: ${party}`)
  assert.deepEqual(
    run.sums.filter(({ sum }) => sum !== 0n),
    [],
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

function priceOf(request: DemoRequest): number {
  const { viewer } = JSON.parse(request.value.toString())
  return world.facts.prices[world.facts.currencies[viewer.country]!]![planOf(request) as Plan]!
}

function planOf({ headers }: DemoRequest): string {
  return JSON.parse(Buffer.from(headers.authorization!.split('.')[1]!, 'base64url').toString()).plan
}
