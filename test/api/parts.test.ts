/** Small parts of the door, each by itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOf, statusUrl } from '../../src/api/address.ts'
import { altNamesOf, subjectText } from '../../src/api/certificate.ts'
import { eventsOf } from '../../src/api/event.ts'
import { keyOf, Once } from '../../src/api/once.ts'
import type { Claim, ClaimAnswer, DoorLedger } from '../../src/api/ports.ts'
import { problemOf, problemText, Refusal, refuse } from '../../src/api/problem.ts'
import { Rates } from '../../src/api/rate.ts'
import { Routes } from '../../src/api/routes.ts'
import { Watch } from '../../src/api/watch.ts'
import { EngineError } from '../../src/base/error.ts'
import { parseWorkflow } from '../../src/workflow/parse.ts'

test('a rate is a bucket: what was not used stays, up to the whole of it, and each caller has his own', () => {
  const rates = new Rates(2)
  const rate = { count: 2, perMs: 1000 }
  assert.deepEqual(
    [0, 0, 0].map(() => rates.take('a', rate, 0)),
    [0, 0, 500],
  )
  assert.equal(rates.take('a', rate, 500), 0)
  assert.deepEqual(
    [1, 2, 3].map(() => rates.take('a', rate, 100_000)),
    [0, 0, 500],
  )
  assert.equal(rates.take('b', rate, 100_000), 0)
  // A third caller: the longest unseen is forgotten, and no memory grows.
  assert.equal(rates.take('c', rate, 100_000), 0)
  assert.equal(rates.take('a', rate, 100_000), 0)
})

test('an Idempotency-Key is a text, in quotes or bare', () => {
  assert.equal(keyOf(undefined), null)
  assert.equal(keyOf('abc'), 'abc')
  assert.equal(keyOf('"a\\"b"'), 'a"b')
  for (const wrong of ['', 'ä', 'a\nb', 'x'.repeat(256)]) assert.throws(() => keyOf(wrong), Refusal)
})

test('a part of a certificate is not taken for another', () => {
  assert.equal(subjectText({ O: 'Example', CN: 'films' }), 'CN=films,O=Example')
  assert.equal(subjectText({ CN: 'films,O=Example+x\\' }), 'CN=films\\,O=Example\\+x\\\\')
  assert.doesNotMatch(subjectText({ CN: 'a\nO=Example' }), /\n/)
  assert.deepEqual(altNamesOf('DNS:a.example, IP Address:192.0.2.1'), ['DNS:a.example', 'IP Address:192.0.2.1'])
  assert.deepEqual(altNamesOf('DNS:"odd, DNS:evil.example, x", URI:y'), ['DNS:"odd, DNS:evil.example, x"', 'URI:y'])
})

test('a status URL leads back to the place of its record', () => {
  const origin = { workflow: 'film-plays', topic: 't', incarnation: 'i', partition: 3, offset: 1042 }
  const url = new URL(statusUrl('https://films.example', '01234567-0123-8123-8123-0123456789ab', origin))
  assert.deepEqual(atOf(url.searchParams.get('at')), { workflow: 'film-plays', partition: 3, offset: 1042 })
  for (const wrong of [undefined, 'x', 'film.1', 'film.-1.2', '../x.1.2', ['film.1.2']]) assert.equal(atOf(wrong), null)
})

const plan = (name: string, http: string) =>
  parseWorkflow(`name: ${name}\non:\n  http: ${http}\nsteps:\n  - { id: one, uses: echo }\n`, name, null).plan!

test('routes: by method and path, with what stands in the place of a name', () => {
  const routes = new Routes([
    plan('films', '{ path: "/films/{film}" }'),
    plan('all', '{ path: /films, method: [GET, PUT] }'),
  ])
  assert.deepEqual({ ...routes.match('POST', '/films/a%20b?x=1').path }, { film: 'a b' })
  assert.equal(routes.match('GET', '/films').plan.name, 'all')
  const refused = (method: string, url: string) => {
    try {
      routes.match(method, url)
    } catch (error) {
      return (error as Refusal).problem
    }
    return null
  }
  assert.deepEqual(refused('POST', '/films')?.headers, { allow: 'PUT, GET' })
  for (const path of [
    '/',
    '/Films',
    '/films/',
    '/films/a/b',
    '//films',
    '/films/../films',
    '/films/%2e%2e/x',
    '/films/%zz',
    '/films/a/',
  ]) {
    assert.equal(refused('POST', path)?.status, 404, path)
  }
  for (const method of ['DELETE', 'TRACE', 'CONNECT', 'NONSENSE', '__proto__'])
    assert.equal(refused(method, '/films')?.status, 405)
})

test('an outage says nothing of what is inside, a refusal for want of credentials nothing at all', () => {
  const outage = problemOf(
    new EngineError('ledger_outage', 'Postgres at db.internal:5432: refused', { retryable: true }),
  )
  assert.equal(outage?.status, 503)
  assert.doesNotMatch(problemText(outage!), /internal|Postgres/)
  assert.doesNotMatch(problemText(refuse(401, 'unauthenticated', 'the key of ann is wrong').problem), /ann/)
  assert.equal(problemOf(new TypeError('broken')), null)
})

test('a request is the record of its body; credentials and what nobody asked for stay outside', () => {
  const http = { method: 'POST', path: {}, query: {} }
  const rawHeaders = [
    'Content-Type',
    'application/json',
    'Authorization',
    'Bearer x',
    'Cookie',
    'a=b',
    'X-Api-Key',
    'k',
    'Traceparent',
    '00-1',
    'CE-Id',
    'a%20b',
  ]
  const { events } = eventsOf({ http, rawHeaders, body: Buffer.from('{}'), trace: null }, 10)
  const headers = Object.fromEntries(events[0]!.headers.map(({ name, value }) => [name, value.toString()]))
  assert.deepEqual(Object.keys(headers).sort(), ['ce_id', 'content-type', 'millrace-http', 'traceparent'])
  assert.equal(headers.ce_id, 'a b')
})

test('those who wait ask together, follow a copy to its first, and hear of an end at once', async () => {
  const questions: number[] = []
  let isEnded = false
  const ledger = {
    async standing(asked: readonly { id: string }[]) {
      questions.push(asked.length)
      return asked.map(({ id }) => {
        if (id === 'copy') return { is: 'duplicate', firstId: 'first' } as const
        if (!isEnded) return { is: 'open', after: null } as const
        return { is: 'ended', after: null, state: 'completed', code: null, message: null } as const
      })
    },
  }
  const watch = new Watch(ledger, { watchersMax: 3, lookEveryMs: 20, askedMax: 100 })
  const enough = ({ is }: { is: string }) => is === 'ended'
  const waits = ['first', 'copy', 'other'].map((id) => watch.wait({ id, after: null, from: null }, enough, 5000))
  assert.equal(await watch.wait({ id: 'late', after: null, from: null }, enough, 5000), null, 'there is room for three')
  await new Promise((resolve) => setTimeout(resolve, 100))
  isEnded = true
  watch.nudge('first')
  const seen = await Promise.all(waits)
  assert.deepEqual(
    seen.map((each) => each?.id),
    ['first', 'first', 'other'],
  )
  assert.ok(Math.max(...questions) === 3 && questions.length < 20, `${questions}`)
  assert.equal(watch.size, 0)
  const over = watch.wait({ id: 'never', after: null, from: null }, () => false, 30)
  assert.equal(await over, null)
  watch.stop()
})

test('two requests with one key at one door are one claim; with other bytes the second is refused', async () => {
  const rows = new Map<string, { digest: Buffer; id: string | null }>()
  const ledger = {
    async claim(claims: readonly Claim[]): Promise<ClaimAnswer[]> {
      assert.equal(new Set(claims.map(({ key }) => key)).size, claims.length, 'each key once')
      return claims.map(({ key, digest }) => {
        const row = rows.get(key)
        if (!row) {
          rows.set(key, { digest, id: null })
          return { is: 'ours', again: false }
        }
        if (!row.digest.equals(digest)) return { is: 'other_request' }
        return row.id === null ? { is: 'busy' } : { is: 'done', id: row.id, place: { partition: 0, offset: 7 } }
      })
    },
    async claimed(done: readonly { key: string; id: string }[]) {
      for (const { key, id } of done) rows.get(key)!.id = id
    },
  } as unknown as DoorLedger
  const once = new Once('engine', ledger, { askedMax: 100, busyMsMax: 500 })
  const same = Buffer.from('same')
  const [first, second, third] = [same, same, Buffer.from('other')].map((digest) =>
    once.begin('w', null, 'key', digest),
  )
  const other = assert.rejects(third!, (error: Refusal) => error.problem.code === 'idempotency_key_reused')
  const begun = await first!
  assert.equal(begun.is, 'ours')
  if (begun.is === 'ours') await once.end(begun.claim, 'id', { partition: 0, offset: 7 })
  assert.deepEqual(await second, { is: 'done', id: 'id', place: { partition: 0, offset: 7 } })
  await other
  assert.equal((await once.begin('w', 'somebody else', 'key', same)).is, 'ours')
  await assert.rejects(once.begin('w', 'somebody else', 'key', same), (error: Refusal) => error.problem.status === 409)
})
