/** Functions that cannot be run: their invocations are held until somebody mends them. And files that change. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { until } from '../../src/base/poll.ts'
import { bench, facts } from './harness.ts'

const answers = (value: number, more = '') =>
  `import { defineFunction } from 'millrace'\n${more}\nexport default defineFunction({ run: () => ${value} })\n`

/** A folder of functions to be written into. */
async function workshop() {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-functions-'))
  return {
    dir,
    write: (file: string, text: string) => writeFile(join(dir, file), text),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}

describe('a function that cannot be loaded', { timeout: 20_000 }, () => {
  const wrongs = {
    'throws-at-import': ['function_throws_at_import', /SHOP_URL is not set/],
    'no-default': ['function_not_defined', /default export/],
    'exits-at-import': ['function_exits_at_import', /code 7.*not good enough/],
    ecko: ['function_missing', /did you mean echo/],
    'two words': ['function_missing', /there is no function 'two words'/],
  } as const
  for (const [name, [code, message]] of Object.entries(wrongs)) {
    it(`is an outage with ${code} (${name})`, async () => {
      await using at = await bench()
      using outages = facts('function.outage')
      const held = at.run(name, null, { notAfterUs: Date.now() * 1000 + 700_000 })
      await until('the outage', () => outages.all.length > 0, { forMs: 5000 })
      assert.equal(outages.all[0]!.code, code)
      assert.match(outages.all[0]!.message, message)
      assert.equal((await held).errorCode, 'queue_timeout')
      assert.equal(outages.all.length, 1, 'the same outage is told once')
    })
  }

  it('is tried again by itself, and at once on reload', async () => {
    await using shop = await workshop()
    await using at = await bench({
      functionsDir: shop.dir,
      limits: { outage: { shape: 'fixed', initialMs: 100, maxMs: 100, jitter: false } },
    })
    using back = facts('function.back')
    const first = at.run('late', null)
    await until('the outage', () => at.pool.stats().functions[0]?.outage !== null, { forMs: 5000 })
    await shop.write('late.ts', answers(1))
    assert.equal((await first).output, '1')
    assert.deepEqual(back.all, [{ function: 'late' }])
  })

  it('is tried at once on reload, and back when it is mended', async () => {
    await using shop = await workshop()
    const slow = { shape: 'fixed', initialMs: 60_000, maxMs: 60_000, jitter: false } as const
    await using at = await bench({ functionsDir: shop.dir, limits: { outage: slow } })
    await shop.write('broken.ts', 'export default {')
    const held = at.run('broken', null)
    await until('the outage', () => at.pool.stats().functions[0]?.outage?.code === 'function_does_not_compile', {
      forMs: 5000,
    })
    await shop.write('broken.ts', answers(2))
    assert.deepEqual(await at.pool.reload(), ['broken'])
    assert.equal((await held).output, '2')
  })
})

describe('reload', { timeout: 20_000 }, () => {
  it('lets running attempts end on the old file, and runs new ones on the new', async () => {
    await using shop = await workshop()
    await using at = await bench({ functionsDir: shop.dir })
    const slow = (value: number) => `import { defineFunction } from 'millrace'
import { value } from './lib/value.ts'
export default defineFunction({ async run() { await new Promise((r) => setTimeout(r, ${value})); return value } })`
    await mkdir(join(shop.dir, 'lib'))
    await shop.write('lib/value.ts', 'export const value = "old"')
    await shop.write('slow.ts', slow(300))
    await shop.write('other.ts', answers(7))
    assert.equal((await at.run('other', null)).output, '7')
    const running = at.run('slow', null)
    await until('it to run', () => at.pool.stats().running === 1, { forMs: 5000 })
    await shop.write('lib/value.ts', 'export const value = "new"')
    assert.deepEqual(await at.pool.reload(), ['slow'])
    assert.equal((await at.run('slow', null)).output, '"new"')
    assert.equal((await running).output, '"old"')
    assert.deepEqual(await at.pool.reload(['slow', 'other']), [])
  })
})
