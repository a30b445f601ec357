/** Every setting that is secret: it may come from a file, is never shown, and leaves the environment when it is read. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import { settingRows } from '../src/cli/setting-rows.ts'
import { loadConfig } from '../src/config.ts'
import { createSecrets } from '../src/secrets.ts'
import type { Setting } from '../src/setting-kinds.ts'
import { type SettingName, settings } from '../src/settings.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-settings-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const all = Object.entries(settings as unknown as Record<string, Setting<unknown>>)
const secrets = all.filter(([, { kind }]) => kind.isSecret)

/** A value that fits any of them. */
const canary = 'postgres://user:canary-3f9a@host:5432/ledger'
const secretFile = file('secret', `\n  ${canary}\r\n`)

test('what sounds like a secret is one', () => {
  const sounds = all.filter(([name]) => /(?:password|secret|sealKey|token|credential|passphrase)$/i.test(name))
  assert.deepEqual(
    sounds.map(([name]) => name).filter((name) => !secrets.some(([secret]) => secret === name)),
    [],
  )
  assert.ok(secrets.length >= 4)
})

for (const [name, { env }] of secrets) {
  const read = (from: NodeJS.ProcessEnv, config = 'none') => loadConfig(from, config)[name as SettingName]

  test(`${env}: from a file that a variable names, trimmed`, () => {
    assert.equal(read({ [`${env}_FILE`]: secretFile }), canary)
  })

  test(`${name}: from a file that millrace.config.yaml names`, () => {
    assert.equal(read({}, file(`${name}.yaml`, `${name}File: ${secretFile}\n`)), canary)
    assert.equal(
      read({ [env]: 'postgres://other' }, file(`${name}.yaml`, `${name}File: ${secretFile}\n`)),
      'postgres://other',
    )
  })

  test(`${env}: not two at once, not an empty file, not one that is missing`, () => {
    const both = { [env]: canary, [`${env}_FILE`]: secretFile }
    assertRefused(() => read(both), new RegExp(`${env} and ${env}_FILE are both set`))
    assertRefused(() => read({ [`${env}_FILE`]: file('empty', ' \n') }), new RegExp(`^${env}_FILE: .*empty is empty`))
    assertRefused(() => read({ [`${env}_FILE`]: join(dir, 'none') }), new RegExp(`^${env}_FILE: ENOENT`))
    assertRefused(() => read({ [`${env}_FILE`]: file('large', canary.repeat(2000)) }), /too large for a secret/)
  })

  test(`${env}: leaves the environment of this process when it is read, and is known all the same`, () => {
    process.env[env] = canary
    assert.equal(read(process.env), canary)
    assert.equal(process.env[env], undefined)
    assert.equal(read(process.env), canary)
    assert.ok(!inspect(process.report.getReport(), { depth: 10 }).includes('canary'))
  })

  test(`${env}: may not be listed for functions`, () => {
    assertRefused(() => read({ MILLRACE_FUNCTIONS_ENV: `PATH,${env}` }), new RegExp(`${env} is a secret of the engine`))
  })

  test(`${env}: has no default to be shown, and is marked`, () => {
    const row = settingRows().find((each) => each.name === name)
    assert.equal(row?.byDefault, '')
    assert.match(row?.expects ?? '', /\(secret\)$/)
  })
}

test('secrets that workflow files name leave the environment, too, and are known by their names', () => {
  process.env.MILLRACE_SECRET_FILM_KEYS = canary
  const { 'secrets.dir': folder } = loadConfig(process.env, 'none')
  assert.equal(process.env.MILLRACE_SECRET_FILM_KEYS, undefined)
  assert.equal(createSecrets({ dir: folder, env: process.env }).get('film_keys').text, canary)
  assertRefused(() => loadConfig({ MILLRACE_FUNCTIONS_ENV: 'MILLRACE_SECRET_X' }, 'none'), /is a secret of the engine/)
})

test('a DATABASE_URL that is none is refused without being shown', () => {
  const wrong = 'postgres://user:canary#1@host:5432/ledger'
  assertRefused(
    () => loadConfig({ DATABASE_URL: wrong }, 'none'),
    /^DATABASE_URL: \(hidden\) is not valid, expected postgres:/,
  )
})

test('only secrets have a file beside them', () => {
  const config = file('odd.yaml', 'engineFile: x\n')
  assertRefused(() => loadConfig({}, config), /unknown setting engineFile/)
})

function assertRefused(act: () => unknown, message: RegExp): void {
  assert.throws(act, (error: Error & { code?: string }) => {
    assert.equal(error.code, 'config_invalid')
    assert.match(error.message, message)
    assert.ok(!inspect(error, { depth: 10 }).includes('canary'), inspect(error))
    return true
  })
}

function file(name: string, text: string): string {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}
