/** `verify` beside coordinators at work on more than chains, one of which is killed: what runs, and what was lost, is no wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { millrace } from '../cli/millrace.ts'
import { kill } from '../support/scene.ts'
import { richGround } from './rich-ground.ts'

test('a ledger is well at any moment while coordinators come and go, and at the end', async () => {
  let looks = 0
  const ground = await richGround(async (scene, env) => {
    const first = scene.start()
    const second = scene.start()
    await scene.until('half of it', `select count(*) > 60 from millrace.transactions where ended_at is not null`)
    await kill(first)
    for (; looks < 8; looks++) {
      const { code, stdout, stderr } = await millrace('.', ['verify'], { env })
      assert.equal(code, 0, stdout + stderr)
    }
    return second
  })
  assert.equal(looks, 8)
  const end = await millrace('.', ['verify', '--deep', '--json'], { env: ground.env })
  const report = JSON.parse(end.stdout)
  assert.deepEqual([end.code, report.first], [0, null])
})
