import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../../src/base/package-root.ts'
import { configurationText } from '../../src/cli/configuration-text.ts'
import { program } from '../../src/cli/program.ts'
import { freshProject } from '../support/project.ts'
import { millrace } from './millrace.ts'

test('--help says what it is, every command in its group, examples, and where settings are told', async () => {
  const { code, stdout } = await millrace('.', ['--help'])
  assert.equal(code, 0)
  assert.match(stdout, /Runs a workflow of functions for each event of a Kafka topic/)
  const groups = [...stdout.matchAll(/^(\w+):$/gm)].map((match) => match[1])
  assert.deepEqual(groups, ['Options', 'Run', 'Author', 'Look', 'Steer', 'Mend', 'Keep', 'Examples'])
  for (const command of program().commands) assert.match(stdout, new RegExp(`^ {2}${command.name()} `, 'm'))
  assert.match(stdout, /millrace settings/)
})

test('every command and option has a sentence of help', () => {
  for (const command of program().commands) {
    assert.ok(command.description(), command.name())
    for (const option of command.options) assert.ok(option.description, `${command.name()} ${option.flags}`)
  }
})

test('--version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'))
  assert.equal((await millrace('.', ['--version'])).stdout, `${version}\n`)
})

const misuses: [string[], RegExp][] = [
  [['lisst'], /unknown command 'lisst'\n\(Did you mean list\?\)/],
  [['list', '--stat', 'failed'], /unknown option '--stat'\n\(Did you mean --state\?\)/],
  [['list', '--state', 'done'], /Allowed choices are running/],
  [['list', '--limit', '0'], /Expected a whole number from 1/],
  [['dev', '--kafka-port', 'x'], /Expected a whole number from 1 to 65535/],
  [['show', 'foo'], /foo is not the id of a transaction/],
  [['cancel', 'foo'], /foo is not the id of a transaction/],
  [['compensate'], /missing required argument 'id'/],
  [['retry', 'foo', '--input', 'none.json'], /foo is not the id of a transaction/],
  [['pause'], /missing required argument 'workflow'/],
  [['resume', 'pay'], /DATABASE_URL is not set/],
  [['list'], /DATABASE_URL is not set, and no `millrace dev` runs in this folder/],
  [['publish', 't', '--data', '1'], /KAFKA_BROKERS is not set, and no `millrace dev` runs in this folder/],
  [['run'], /KAFKA_BROKERS is not set/],
]

for (const [args, message] of misuses) {
  test(`millrace ${args.join(' ')}: exit code 2 and what was wrong`, async () => {
    const cwd = await freshProject({})
    const { code, stderr } = await millrace(cwd, args)
    assert.match(stderr, message)
    assert.doesNotMatch(stderr, /^ {4}at /m)
    assert.equal(code, 2)
  })
}

test('a setting that does not fit is named with what was expected', async () => {
  const cwd = await freshProject({})
  const fromEnv = await millrace(cwd, ['list'], { env: { KAFKA_SESSION_TIMEOUT: 'soon' } })
  assert.match(fromEnv.stderr, /^error: KAFKA_SESSION_TIMEOUT: "soon" is not valid, expected a duration such as 500ms/)
  assert.equal(fromEnv.code, 2)
  writeFileSync(join(cwd, 'millrace.config.yaml'), 'kafka: { broker: x }\n')
  const fromFile = await millrace(cwd, ['list'])
  assert.match(
    fromFile.stderr,
    /millrace\.config\.yaml: unknown setting kafka\.broker; did you mean "kafka\.brokers"\?/,
  )
  assert.equal(fromFile.code, 2)
})

test('servers that are away: the address, exit code 1', async () => {
  const cwd = await freshProject({})
  const list = await millrace(cwd, ['list'], { env: { DATABASE_URL: 'postgres://u:secret@127.0.0.1:1/db' } })
  assert.match(list.stderr, /^error: Postgres at 127\.0\.0\.1:1\/db: .*\(ledger_outage\)$/m)
  assert.doesNotMatch(list.stderr, /secret/)
  assert.equal(list.code, 1)
  const publish = await millrace(cwd, ['publish', 't', '--data', '1'], { env: { KAFKA_BROKERS: '127.0.0.1:1' } })
  assert.match(publish.stderr, /^error: Kafka at 127\.0\.0\.1:1: .*\(kafka_outage\)$/m)
  assert.equal(publish.code, 1)
})

test('run waits for servers that are away, says which, and gives up in time', async () => {
  const cwd = await freshProject({ 'workflows/a.yaml': 'name: a\non: { kafka: t }\nsteps: [{ id: s, uses: f }]\n' })
  const env = {
    KAFKA_BROKERS: '127.0.0.1:1',
    DATABASE_URL: 'postgres://u:p@127.0.0.1:1/db',
    MILLRACE_START_TIMEOUT: '1s',
    MILLRACE_HTTP_PORT: '0',
  }
  const refused = await millrace(cwd, ['run'], { env })
  assert.match(refused.stderr, /workflows\/a\.yaml:3:\d+: there is no function "f"/)
  assert.equal(refused.code, 1)
  mkdirSync(join(cwd, 'workflows/functions'))
  writeFileSync(join(cwd, 'workflows/functions/f.js'), 'export default { run: () => 1 }\n')
  const away = await millrace(cwd, ['run'], { env })
  assert.match(away.stdout, /Postgres at 127\.0\.0\.1:1\/db: .*; trying again in 200 ms/)
  assert.match(away.stderr, /^error: Postgres at 127\.0\.0\.1:1\/db: .*\(ledger_outage\)$/m)
  assert.equal(away.code, 1)
})

test('without a folder of workflows: how to make one', async () => {
  const { code, stderr } = await millrace(await freshProject({}), ['dev'])
  assert.match(stderr, /there is no folder workflows: make it with `mkdir -p workflows\/functions`/)
  assert.equal(code, 1)
})

test('docs/configuration.md is what the table of settings says', () => {
  assert.equal(readFileSync(join(packageRoot(), 'docs/configuration.md'), 'utf8'), configurationText())
})
