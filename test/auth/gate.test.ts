/** Several ways at once: any of them, each of them, groups; and what is said when one of them cannot be asked. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGate } from '../../src/auth/gate.ts'
import type { Way } from '../../src/auth/way.ts'
import { EngineError } from '../../src/base/error.ts'
import type { Principal } from '../../src/envelope/auth.ts'
import type { WaySpec } from '../../src/envelope/auth-spec.ts'
import { requestWith } from './request.ts'

const ann: Principal = { principal: 'ann', family: 'jwt', roles: ['a'], claims: {} }
const bob: Principal = { principal: 'bob', family: 'apiKey', roles: ['b'], claims: {} }
const away = new EngineError('issuer_away', 'the issuer is away', { retryable: true })

type Answer = Principal | null | EngineError

/** At once, or after a while. */
function gateOf(groups: readonly (readonly Answer[])[], later = false) {
  let asked = 0
  const specs = groups.map((group, at) =>
    group.map((_, n): WaySpec => ({ id: `w${at}${n}`, family: 'basic', users: 'users' })),
  )
  const ways = groups.flat().map((answer, n): Way => {
    const answerNow = () => {
      asked++
      if (answer instanceof EngineError) throw answer
      return answer
    }
    return { id: specs.flat()[n]!.id, authenticate: later ? async () => answerNow() : answerNow }
  })
  const gate = createGate({ groups: specs }, ways)
  return { ask: async () => gate.authenticate(requestWith({})), asked: () => asked }
}

for (const later of [false, true]) {
  const when = later ? 'later' : 'at once'
  test(`any, ${when}: the first that finds somebody out, though another is away`, async () => {
    const { ask, asked } = gateOf([[null, away, ann, bob]], later)
    assert.deepEqual(await ask(), { ...ann, by: { w02: ann } })
    assert.equal(asked(), 3)
    await assert.rejects(gateOf([[null, away]], later).ask(), away)
    await assert.rejects(gateOf([[null, null]], later).ask(), {
      code: 'unauthenticated',
      message: 'nobody was found to have sent it: it takes w00 (basic) or w01 (basic)',
    })
  })

  test(`all, ${when}: each of them, and one that finds nobody refuses whoever is away`, async () => {
    assert.deepEqual(await gateOf([[ann], [bob]], later).ask(), { ...ann, by: { w00: ann, w10: bob } })
    await assert.rejects(gateOf([[ann], [away]], later).ask(), away)
    await assert.rejects(gateOf([[away], [null]], later).ask(), {
      code: 'unauthenticated',
      message: 'nobody was found to have sent it: it takes w00 (basic) and w10 (basic), and w10 (basic) found nobody',
    })
  })

  test(`groups, ${when}: of each any`, async () => {
    assert.deepEqual(
      await gateOf(
        [
          [null, ann],
          [away, bob],
        ],
        later,
      ).ask(),
      { ...ann, by: { w01: ann, w11: bob } },
    )
    await assert.rejects(gateOf([[ann], [null, away]], later).ask(), away)
    await assert.rejects(gateOf([[ann], [null, null]], later).ask(), { code: 'unauthenticated' })
  })
}

test('what is broken is neither a refusal nor an outage', async () => {
  const broken = {
    id: 'w',
    authenticate: () => {
      throw new TypeError('a bug')
    },
  }
  const gate = createGate({ groups: [[{ id: 'w', family: 'basic', users: 'u' }]] }, [broken])
  await assert.rejects(async () => gate.authenticate(requestWith({})), TypeError)
})
