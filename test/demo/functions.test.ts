/** The video functions one after the other against a real provider, for good requests and for each kind of wrong. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { compare, type LedgerRow } from '../../demo/compare.ts'
import { effectsOf, readBook } from '../../demo/provider/book.ts'
import { type Provider, startProvider } from '../../demo/provider/spawn.ts'
import type { Fate } from '../../demo/world/fates.ts'
import { type DemoRequest, makeRequests } from '../../demo/world/requests.ts'
import { type DemoWorld, makeWorld, writeWorld } from '../../demo/world/world.ts'
import authenticateSite from '../../workflows/functions/video/authenticate-site.ts'
import authenticateUser from '../../workflows/functions/video/authenticate-user.ts'
import selectServer from '../../workflows/functions/video/select-server.ts'
import startSession from '../../workflows/functions/video/start-session.ts'
import { runChain, runStep, StepFailed } from './chain.ts'
import { tempFolder } from './folder.ts'

let folder: Awaited<ReturnType<typeof tempFolder>>
let provider: Provider
let world: DemoWorld
let requests: DemoRequest[]

before(async () => {
  folder = await tempFolder()
  provider = await startProvider({ book: folder.file('book.jsonl') })
  world = await makeWorld({ seed: 3 })
  requests = await makeRequests({ events: 120, world })
  await writeWorld(world, folder.file('world.json'))
  await provider.controlAds({ mode: 'down', countries: [...world.adsDownIn] })
  process.env.DEMO_WORLD = folder.file('world.json')
  process.env.PROVIDER_URL = provider.url
  process.env.ADS_URL = provider.adsUrl
  process.env.SESSIONS_URL = provider.sessionsUrl
})

after(async () => {
  await provider?.stop()
  await folder?.[Symbol.asyncDispose]()
})

test('a good viewer is served from a near region, billed, and all parties are paid', async () => {
  const request = firstOf('good')
  const { server, session, billed, paid, receipt } = await runChain(request)
  const { viewer } = JSON.parse(request.value.toString())
  assert.ok(world.facts.regions.find(({ id }) => id === server.region)!.serves.includes(viewer.country))
  assert.equal(new URL(session.location).hostname, server.host)
  assert.deepEqual(chargedOf(billed), request.expect.charged)
  assert.equal(paid.total, billed.total)
  assert.equal(receipt.billed, receipt.paid)
  assert.deepEqual(
    paid.entries.map(({ role }) => role),
    ['rights_holder', 'carrier', 'platform'],
  )
})

test('the advertisers are billed when spots were shown', async () => {
  const request = requests.find((one) => one.fate === 'good' && planOf(one) === 'basic')!
  const { ads, billed } = await runChain(request)
  assert.ok(ads !== null && ads.spots.length > 0)
  assert.equal(billed.entries.filter(({ role }) => role === 'advertiser').length, ads.spots.length)
  assert.equal(
    billed.total,
    billed.entries.reduce((sum, { amount }) => sum + amount, 0),
  )
})

test('every request ends as it is expected to, and the book agrees', async () => {
  const parseable = requests.filter(({ expect }) => expect.end !== 'dead_letter')
  const rows = await Promise.all(parseable.map(runToRow))
  for (const [at, { state, code, bill }] of rows.entries()) {
    const { expect, fate } = parseable[at]!
    assert.equal(state, expect.end, fate)
    assert.equal(code, expect.code, fate)
    if (bill) assert.deepEqual(chargedOf(bill), expect.charged)
  }
  const { differences } = compare(rows, await readBook(folder.file('book.jsonl')))
  assert.deepEqual(differences, [])
})

test('a lost connection and a failing provider do not double the book', async () => {
  const request = requests.findLast(({ fate }) => fate === 'good')!
  const again = { ...request, id: 'lossy' }
  for (const mode of ['lose-connection', 'fail', 'ok'] as const) {
    await provider.control({ mode, share: mode === 'ok' ? 1 : 0.5, seed: 11 })
    const { billed, paid } = await runChain(again, 40)
    const effects = effectsOf(await readBook(folder.file('book.jsonl'))).filter(
      ({ reference }) => reference === 'lossy',
    )
    assert.equal(effects.length, billed.entries.length + paid.entries.length)
  }
})

test('a provider that is gone means try again', async () => {
  process.env.PROVIDER_URL = 'http://127.0.0.1:9'
  try {
    await assert.rejects(runChain(firstOf('good'), 2), { step: 'bill', code: 'provider_connection_lost' })
  } finally {
    process.env.PROVIDER_URL = provider.url
  }
})

test('another viewer’s token, an odd header and another site’s key are refused', async () => {
  const [one, other] = [firstOf('good'), firstOf('card_declined')]
  const user = (input: unknown) => runStep('authenticate_user', authenticateUser, input, 'tx', 1)
  const { authorization } = one.headers
  await assert.rejects(user({ authorization, viewer: other.key }), { code: 'token_invalid' })
  await assert.rejects(user({ authorization: 'Basic dTpw', viewer: one.key }), { code: 'token_invalid' })
  await assert.rejects(user({ authorization: 'Bearer nonsense', viewer: one.key }), { code: 'token_invalid' })
  const [site, stranger] = Object.keys(world.siteKeys) as [string, string]
  const input = { site, api_key: world.siteKeys[stranger] }
  await assert.rejects(runStep('site', authenticateSite, input, 'tx', 1), { code: 'api_key_invalid' })
})

test('the nearest region is no use without the licence', async () => {
  // Detroit's neighbour across the river: us-east is nearer, but Canada's rights stay in Canada.
  const windsor = { country: 'CA', lat: 42.30008, lng: -83.01654 }
  assert.equal((await runStep('server', selectServer, windsor, 'tx', 1)).region, 'ca-central')
  assert.equal((await runStep('server', selectServer, { ...windsor, country: 'US' }, 'tx', 1)).region, 'us-east')
})

test('a second attempt opens the same session; an unknown film opens none', async () => {
  const input = { host: 'eu-west.stream.example', film: 'film-001', language: 'fr' }
  const [one, again, other] = await Promise.all(
    ['tx', 'tx', 'ty'].map((id) => runStep('session', startSession, input, id, 1)),
  )
  assert.deepEqual(one, again)
  assert.notEqual(one!.session, other!.session)
  const unknown = { ...input, film: 'film-999' }
  await assert.rejects(runStep('session', startSession, unknown, 'tx', 1), { code: 'unknown_film' })
})

async function runToRow(request: DemoRequest): Promise<LedgerRow & { code: string | undefined }> {
  const transactionId = request.id
  try {
    const { billed: bill, paid: pay } = await runChain(request)
    return { transactionId, state: 'completed', code: undefined, bill, pay }
  } catch (error) {
    assert.ok(error instanceof StepFailed, String(error))
    return { transactionId, state: 'failed', code: error.code, bill: null, pay: null }
  }
}

function chargedOf({ currency, entries }: NonNullable<LedgerRow['bill']>) {
  return { currency, amount: entries.find(({ role }) => role === 'viewer')!.amount }
}

function firstOf(fate: Fate): DemoRequest {
  return requests.find((request) => request.fate === fate)!
}

function planOf({ headers }: DemoRequest): string {
  return JSON.parse(Buffer.from(headers.authorization!.split('.')[1]!, 'base64url').toString()).plan
}
