import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../src/base/poll.ts'
import { watch } from '../../src/cli/watch.ts'
import { freshProject } from '../support/project.ts'

test('a burst of saves is one change, in new folders too; drafts and packages are none', async () => {
  const dir = await freshProject({ 'a.yaml': '1' })
  const bursts: string[][] = []
  const stop = new AbortController()
  const watching = watch(dir, stop.signal, async (paths) => void bursts.push(paths))
  await sleep(300)
  mkdirSync(join(dir, 'functions/deep'), { recursive: true })
  mkdirSync(join(dir, 'node_modules'))
  writeFileSync(join(dir, 'node_modules/x.js'), '')
  writeFileSync(join(dir, '.a.yaml.swp'), '')
  for (let save = 0; save < 5; save++) writeFileSync(join(dir, 'functions/deep/f.ts'), `${save}`)
  writeFileSync(join(dir, 'a.yaml'), '22')
  await until('the first burst', () => bursts.length === 1, { forMs: 10_000 })
  rmSync(join(dir, 'a.yaml'))
  await until('the second burst', () => bursts.length === 2, { forMs: 10_000 })
  stop.abort()
  await watching
  assert.deepEqual(bursts, [[join(dir, 'a.yaml'), join(dir, 'functions/deep/f.ts')], [join(dir, 'a.yaml')]])
})
