/** `millrace dev` as a person meets it: start, publish, look, change a file, stop, and go on the next day. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../../src/base/poll.ts'
import type { DevFile } from '../../src/cli/dev-folder.ts'
import { isAlive } from '../../src/local/life.ts'
import { eraseServers } from '../../src/local/servers.ts'
import { freshProject } from '../support/project.ts'
import { heard, millrace, start } from './millrace.ts'

const workflow = `name: greet\non: { kafka: greetings }\nsteps:\n  - id: hello\n    uses: hello\n    with: \${{ event.data }}\n`
const helloOf = (word: string) => `
import { defineFunction, z } from 'millrace'
export default defineFunction({
  input: z.object({ name: z.string() }),
  run({ input, context }) {
    context.log.info('greeting')
    return '${word} ' + input.name
  },
})
`

test('dev from the first start to the next day', { timeout: 180_000 }, async (t) => {
  const cwd = await freshProject({ 'workflows/greet.yaml': workflow, 'workflows/functions/hello.ts': helloOf('hello') })
  chmodSync(cwd, 0o755) // so that another account can go there, when root runs the tests
  t.after(() => eraseServers(join(cwd, '.millrace')))
  const first = await startDev(cwd)

  await t.test('it is ready and says where', async () => {
    const ready = await fetch(`${first.file.httpUrl}/readyz`)
    assert.equal(ready.status, 200, await ready.text())
    assert.equal(first.file.pid, first.child.pid)
    assert.equal(statSync(join(cwd, '.millrace/seal.key')).mode & 0o777, 0o600)
  })

  await t.test('a second one is refused', async () => {
    const { code, stderr } = await millrace(cwd, ['dev'])
    assert.match(stderr, /millrace dev runs in this folder already/)
    assert.equal(code, 1)
  })

  await t.test('what is published is found by list and show', async () => {
    const published = await millrace(cwd, ['publish', 'greetings', '--data', '{"name":"Ann"}', '--key', 'k', '--json'])
    assert.equal(published.code, 0, published.stderr)
    const [place] = JSON.parse(published.stdout)
    const { id } = await endedWithKey(cwd, 'k')
    const story = JSON.parse((await millrace(cwd, ['show', id, '--json'])).stdout)
    assert.deepEqual([story.kafka_partition, story.kafka_offset], [place.partition, place.offset])
    assert.deepEqual([story.attempts[0].output, story.steps[0].state], ['hello Ann', 'ok'])
    const { stdout } = await millrace(cwd, ['show', id.slice(0, 30)])
    assert.match(stdout, /hello {2}attempt 1 {2}ok .*ran .*\n.*output {2}"hello Ann"\n.*log {5}.*greeting/)
    assert.match((await millrace(cwd, ['list'])).stdout, new RegExp(`${id} +greet +completed .* k`))
  })

  await t.test('a topic that is not there is answered with the nearest', async () => {
    const { code, stderr } = await millrace(cwd, ['publish', 'greeting', '--data', '1'])
    assert.match(stderr, /has no topic greeting; did you mean "greetings"\?/)
    assert.equal(code, 1)
  })

  await t.test('saved files are run, and their errors told with their place', async () => {
    writeFileSync(join(cwd, 'workflows/functions/hello.ts'), helloOf('welcome'))
    await until('the reload', () => /changed: workflows\/functions\/hello\.ts/.test(first.said.stderr), {
      forMs: 20_000,
    })
    await until('the new version', () => /new versions of hello/.test(first.said.stderr), { forMs: 20_000 })
    await millrace(cwd, ['publish', 'greetings', '--key', 'later'], { input: '{"name":"Bo"}\n' })
    const { id } = await endedWithKey(cwd, 'later')
    const story = JSON.parse((await millrace(cwd, ['show', id, '--json'])).stdout)
    assert.equal(story.attempts[0].output, 'welcome Bo')
    writeFileSync(join(cwd, 'workflows/greet.yaml'), `${workflow}x: 1\n`)
    await until('the problem', () => /workflows\/greet\.yaml:7:1: unknown field/.test(first.said.stderr), {
      forMs: 20_000,
    })
  })

  await t.test('a new workflow has its topic made and is run', async () => {
    writeFileSync(join(cwd, 'workflows/greet.yaml'), workflow)
    writeFileSync(join(cwd, 'workflows/second.yaml'), workflow.replaceAll('greet', 'second'))
    await until('the topic', () => /topics made: secondings/.test(first.said.stderr), { forMs: 20_000 })
    await millrace(cwd, ['publish', 'secondings', '--data', '{"name":"Cy"}', '--key', 'second'])
    await endedWithKey(cwd, 'second')
  })

  await t.test('what is no JSON becomes a dead letter that can be read', async () => {
    await millrace(cwd, ['publish', 'greetings', '--raw', '--data', 'oops'])
    const letters = async () => JSON.parse((await millrace(cwd, ['dead-letters', '--json'])).stdout)
    await until('the dead letter', async () => (await letters()).length === 1, { forMs: 20_000, everyMs: 200 })
    assert.deepEqual([(await letters())[0].code, (await letters())[0].value], ['value_not_json', 'oops'])
  })

  await t.test('SIGTERM ends it, and nothing is left', async () => {
    const pids = serverPids(cwd)
    await stop(first.child)
    assert.deepEqual(pids.map(isAlive), [false, false])
    assert.equal(existsSync(join(cwd, '.millrace/dev.json')), false)
  })

  await t.test('the next day the data is there', async () => {
    const second = await startDev(cwd)
    const rows = JSON.parse((await millrace(cwd, ['list', '--state', 'completed', '--json'])).stdout)
    assert.deepEqual(rows.map((row: { key: string }) => row.key).sort(), ['k', 'later', 'second'])
    assert.match((await millrace(cwd, ['migrate'])).stdout, /is up to date/)
    await stop(second.child)
  })
})

async function startDev(cwd: string) {
  const child = start(cwd, ['dev', '--json'], { MILLRACE_LOG_FORMAT: 'json' })
  const said = heard(child)
  const isOver = () => child.exitCode !== null || said.stdout.includes('\n')
  await until('dev to be ready', isOver, { forMs: 150_000 })
  assert.equal(child.exitCode, null, said.stderr)
  const file = JSON.parse(said.stdout) as DevFile
  assert.deepEqual(JSON.parse(readFileSync(join(cwd, '.millrace/dev.json'), 'utf8')), file)
  await until('every lane', async () => (await fetch(`${file.httpUrl}/readyz`)).ok, { forMs: 30_000, everyMs: 100 })
  return { child, said, file }
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  const [code, signal] = await once(child, 'exit')
  assert.deepEqual([code, signal], [0, null])
}

async function endedWithKey(cwd: string, key: string): Promise<{ id: string }> {
  let found: { id: string } | undefined
  const look = async () => {
    const rows = JSON.parse((await millrace(cwd, ['list', '--state', 'completed', '--json'])).stdout)
    found = rows.find((row: { key: string }) => row.key === key)
    return found !== undefined
  }
  await until(`the end of ${key}`, look, { forMs: 30_000, everyMs: 200 })
  return found as { id: string }
}

function serverPids(cwd: string): number[] {
  const pidIn = (name: string) =>
    JSON.parse(readFileSync(join(cwd, '.millrace', name, 'in-use.json'), 'utf8')).server.pid
  return ['kafka', 'postgres'].map(pidIn)
}
