/** Each request ends as it should, and both books agree; what single functions refuse. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { compare } from '../../demo/compare.ts'
import { readBook } from '../../demo/provider/book.ts'
import { type Provider, startProvider } from '../../demo/provider/spawn.ts'
import type { Fate } from '../../demo/world/fates.ts'
import { type DemoRequest, makeRequests } from '../../demo/world/requests.ts'
import { type DemoWorld, makeWorld, writeWorld } from '../../demo/world/world.ts'
import authenticateSite from '../../workflows/functions/video/authenticate-site.ts'
import authenticateUser from '../../workflows/functions/video/authenticate-user.ts'
import billParty from '../../workflows/functions/video/bill-party.ts'
import getParties from '../../workflows/functions/video/parties.ts'
import request from '../../workflows/functions/video/request.ts'
import selectServer from '../../workflows/functions/video/select-server.ts'
import startSession from '../../workflows/functions/video/start-session.ts'
import { clearing } from '../../workflows/video/postings.ts'
import { type Run, runFilm } from './film.ts'
import { tempFolder } from './folder.ts'
import { runStep } from './step.ts'

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

test('every request ends as it is expected to, both books agree, and no session is left open', async () => {
  const parseable = requests.filter(({ expect }) => expect.end !== 'dead_letter')
  const runs = await Promise.all(parseable.map(run))
  for (const [at, { state, code, sums }] of runs.entries()) {
    const { expect, fate, key } = parseable[at]!
    assert.deepEqual([state, code], [expect.end, expect.code ?? null], fate)
    const own = sums.filter(({ account }) => account === `viewer:${key}`)
    assert.equal(-own.reduce((sum, one) => sum + one.sum, 0n), BigInt(expect.charged?.amount ?? 0), fate)
  }
  const rows = runs.map(({ id, state }) => ({ transactionId: id, state }))
  const sums = runs.flatMap((one) => one.sums)
  const { differences } = compare(rows, sums, await readBook(folder.file('book.jsonl')), clearing)
  assert.deepEqual(differences, [])
  assert.equal((await provider.sessions()).open, 0)
})

test('a good viewer is served from a near region, and all have their share', async () => {
  const request = requests.find((one) => one.fate === 'good' && planOf(one) === 'basic')!
  const { messages } = await run({ ...request, id: 'again' })
  const [{ location }] = messages['video.locations'] as [{ location: string }]
  const { viewer } = JSON.parse(request.value.toString())
  const region = world.facts.regions.find(({ host }) => host === new URL(location).hostname)!
  assert.ok(region.serves.includes(viewer.country))
  const party = { viewer: 'v', country: 'DE', plan: 'basic', card: 'card_ok_1', film: 'film-001', region: region.id }
  const spots = [3, 4, 5].map((price) => ({ advertiser: price < 5 ? 'a' : 'b', account: 'acct', price }))
  const input = { ...party, ads: { currency: 'EUR', spots } }
  const { total, billed, paid } = await runStep('parties', getParties, input, 'tx', 1)
  const amounts = billed.map(({ role, amount }) => [role, amount])
  assert.deepEqual(amounts.slice(1), [
    ['advertiser', 7],
    ['advertiser', 5],
  ])
  assert.equal(
    paid.reduce((sum, { amount }) => sum + amount, 0),
    total,
  )
  assert.deepEqual(
    paid.map(({ role }) => role),
    ['rights_holder', 'carrier', 'platform'],
  )
  const dollars = { ...input, ads: { currency: 'USD', spots } }
  await assert.rejects(runStep('parties', getParties, dollars, 'tx', 1), { code: 'currency_mismatch' })
})

test('a provider that is gone means try again', async () => {
  process.env.PROVIDER_URL = 'http://127.0.0.1:9'
  const party = { role: 'viewer', party: 'v', account: 'card_ok_1', amount: 1 }
  try {
    const bill = runStep('bill', billParty, { party, currency: 'EUR' }, 'tx', 2)
    await assert.rejects(bill, { step: 'bill', code: 'provider_connection_lost' })
  } finally {
    process.env.PROVIDER_URL = provider.url
  }
})

test('another viewer’s token and another site’s key are refused', async () => {
  const [one, other] = [firstOf('good'), firstOf('card_declined')]
  const user = { viewer: other.key, known: { principal: one.key, roles: [], claims: { plan: 'plus' } } }
  await assert.rejects(runStep('user', authenticateUser, user, 'tx', 1), { code: 'token_invalid' })
  const [site, stranger] = Object.keys(world.siteKeys) as [string, string]
  const input = { site, key_of: stranger }
  await assert.rejects(runStep('site', authenticateSite, input, 'tx', 1), { code: 'api_key_invalid' })
})

test('a request is the same in whatever format it came', async () => {
  const { value } = firstOf('good')
  const data = JSON.parse(value.toString())
  const texts = JSON.parse(value.toString(), (_, each) => (typeof each === 'number' ? String(each) : each))
  const plain = await runStep('request', request, { data }, 'tx', 1)
  assert.deepEqual(await runStep('request', request, { data: { request: texts } }, 'tx', 1), plain)
})

test('a plan is a claim of the token, or the role of who came with a password', async () => {
  const known = { principal: 'v', roles: ['premium'], claims: {} }
  const { plan } = await runStep('user', authenticateUser, { viewer: 'v', known }, 'tx', 1)
  assert.equal(plan, 'premium')
  const none = runStep('user', authenticateUser, { viewer: 'v', known: { ...known, roles: [] } }, 'tx', 1)
  await assert.rejects(none, { code: 'no_plan' })
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

function run(request: DemoRequest): Promise<Run> {
  const { watchedSeconds } = request.viewing
  return runFilm(request, watchedSeconds === null ? undefined : { watched_seconds: watchedSeconds })
}

function firstOf(fate: Fate): DemoRequest {
  return requests.find((request) => request.fate === fate)!
}

function planOf({ headers }: DemoRequest): string {
  return JSON.parse(Buffer.from(headers.authorization!.split('.')[1]!, 'base64url').toString()).plan
}
