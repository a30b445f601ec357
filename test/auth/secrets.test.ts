/** Secrets by name: the environment goes first, a file that changes is read again, and none is ever said. */
import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecrets } from '../../src/secrets.ts'

const dir = await mkdtemp(join(tmpdir(), 'millrace-secrets-'))
after(() => rm(dir, { recursive: true, force: true }))
const lookAgainMs = 30
const env: NodeJS.ProcessEnv = { MILLRACE_SECRET_OF_ENV: 'from the environment\n' }
const secrets = createSecrets({ dir, env, lookAgainMs })

test('from the environment, or a file, without its last line break', async () => {
  await writeFile(join(dir, 'of_file'), 'from a file\r\n')
  await writeFile(join(dir, 'of_env'), 'never')
  assert.equal(secrets.get('of_env').text, 'from the environment')
  assert.equal(secrets.get('of_file').text, 'from a file')
  assert.equal(secrets.get('of_file'), secrets.get('of_file'), 'what is parsed of it is parsed once')
})

test('a file is read again when it has changed, also when another was moved into its place', async () => {
  const file = join(dir, 'changes')
  await writeFile(file, 'one')
  const first = secrets.get('changes')
  await sleep(lookAgainMs * 2)
  assert.equal(secrets.get('changes'), first)
  await writeFile(`${file}.new`, 'two')
  await rename(`${file}.new`, file)
  await sleep(lookAgainMs * 2)
  assert.equal(secrets.get('changes').text, 'two')
  env.MILLRACE_SECRET_CHANGES = 'three'
  assert.equal(secrets.get('changes').text, 'three')
})

test('one that is not there, or goes away, may come: that is an outage which says where it is looked for', async () => {
  const missing = {
    code: 'secret_missing',
    retryable: true,
    message: /MILLRACE_SECRET_NOBODY, or write the file nobody/,
  }
  assert.throws(() => secrets.get('nobody'), missing)
  assert.throws(() => createSecrets({ dir: null, env: {} }).get('nobody'), { message: /MILLRACE_SECRETS_DIR/ })
  await writeFile(join(dir, 'goes'), 'x')
  secrets.get('goes')
  await rm(join(dir, 'goes'))
  await sleep(lookAgainMs * 2)
  assert.throws(() => secrets.get('goes'), { code: 'secret_missing' })
})
