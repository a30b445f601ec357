/** Lines of secrets, as `auth` reads them again; what they are made of is never an argument, and never shown but when it is new. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOf, sha256, storedIn } from '../../src/auth/stored.ts'
import { freshProject } from '../support/project.ts'
import { millrace } from './millrace.ts'

const dir = await freshProject({})
const lineOf = (text: string) => storedIn({ name: 'keys', text })

test('hash-key: of a key that exists, and of a new one, which is shown once', async () => {
  const known = await millrace(dir, ['hash-key', 'kiosk', '--roles', 'reader,billing'], { input: 'a key\n' })
  assert.deepEqual(lineOf(known.stdout), [
    { name: 'kiosk', hash: { kind: 'sha256', digest: sha256('a key') }, roles: ['reader', 'billing'] },
  ])
  const made = await millrace(dir, ['hash-key', 'north', '--generate'])
  assert.match(made.stderr, /^mk_[\w-]{43}\n$/)
  assert.deepEqual(lineOf(made.stdout)[0]?.hash, { kind: 'sha256', digest: sha256(made.stderr.trim()) })
})

test('hash-password: salted, so that the same password has another line each time', async () => {
  const [one, other] = await Promise.all(
    [1, 2].map(() => millrace(dir, ['hash-password', 'ann'], { input: 'open sesame' })),
  )
  assert.notEqual(one?.stdout, other?.stdout)
  const hash = lineOf(one?.stdout ?? '')[0]?.hash as Parameters<typeof isOf>[1]
  assert.ok((await isOf('open sesame', hash)) && !(await isOf('open sesam', hash)))
})

test('nothing on standard input, a name or roles that no line can hold: told, and nothing is made', async () => {
  for (const args of [['kiosk'], ['two words'], ['a:b'], ['#a'], ['kiosk', '--roles', 'a, b']]) {
    const { code, stdout, stderr } = await millrace(dir, ['hash-key', ...args], {
      input: args.length === 1 && args[0] === 'kiosk' ? '' : 'key',
    })
    assert.deepEqual([code, stdout], [2, ''], args.join())
    assert.match(stderr, /^error: /)
  }
})
