import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { majorOf } from '../../src/local/java.ts'
import { startKafka } from '../../src/local/kafka.ts'
import { folderFor } from './folder.ts'

test('the major version of every style of Java', () => {
  assert.equal(majorOf('java version "1.8.0_402"'), 8)
  assert.equal(majorOf('openjdk version "17.0.15" 2025-04-15'), 17)
  assert.equal(majorOf('openjdk version "24-ea" 2025-03-18'), 24)
  assert.ok(Number.isNaN(majorOf('no version here')))
})

test('without Java, one sentence says what to install', async (t) => {
  const dir = folderFor(t)
  environment(t, { PATH: dir, JAVA_HOME: undefined })
  await assert.rejects(startKafka({ dataDir: dir }), {
    code: 'java_missing',
    message:
      'There is no Java on the PATH: install Java 17 or newer, set JAVA_HOME to it, or set KAFKA_BROKERS to use a Kafka of your own.',
  })
})

test('a JAVA_HOME without Java is named', async (t) => {
  const dir = folderFor(t)
  environment(t, { JAVA_HOME: dir })
  await assert.rejects(startKafka({ dataDir: dir }), {
    code: 'java_missing',
    message: new RegExp(`JAVA_HOME is ${dir}`),
  })
})

test('an old Java is told from a missing one', async (t) => {
  const dir = folderFor(t)
  writeFileSync(join(dir, 'java'), '#!/bin/sh\necho \'openjdk version "11.0.2" 2019-01-15\' >&2\n')
  chmodSync(join(dir, 'java'), 0o755)
  environment(t, { PATH: dir, JAVA_HOME: undefined })
  await assert.rejects(startKafka({ dataDir: dir }), { code: 'java_too_old', message: /^Java 11 .* Java 17 or newer/ })
})

test('without Maven, one sentence says what to install', async (t) => {
  const dir = folderFor(t)
  symlinkSync(execFileSync('sh', ['-c', 'command -v java'], { encoding: 'utf8' }).trim(), join(dir, 'java'))
  environment(t, { PATH: dir, JAVA_HOME: undefined })
  await assert.rejects(startKafka({ dataDir: dir, cacheDir: join(dir, 'cache') }), {
    code: 'maven_missing',
    message: /install Maven, or set KAFKA_BROKERS/,
  })
})

function environment(t: TestContext, changes: Record<string, string | undefined>): void {
  const before = { ...process.env }
  t.after(() => {
    for (const name of Object.keys(changes)) set(name, before[name])
  })
  for (const [name, value] of Object.entries(changes)) set(name, value)
}

function set(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}
