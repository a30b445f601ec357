import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshProject } from '../support/project.ts'
import { millrace } from './millrace.ts'

const good = 'name: good\non: { kafka: t }\nsteps:\n  - { id: a, uses: fine }\n'
const fine = `import { defineFunction } from 'millrace'\nexport default defineFunction({ run: () => 1 })\n`

test('good files: exit code 0 and how many', async () => {
  const cwd = await freshProject({ 'workflows/good.yaml': good, 'workflows/functions/fine.ts': fine })
  const { code, stdout } = await millrace(cwd, ['validate'])
  assert.equal(stdout, '1 workflow checked, no problems\n')
  assert.equal(code, 0)
})

const bad = `name: bad
on: { kafka: t }
stepz: 1
steps:
  - id: a
    uses: fin
  - id: b
    uses: broken
    when: event.dat > 1
  - id: c
    uses: lost/import
`

test('every error of every file with its place, those of functions too', async () => {
  const cwd = await freshProject({
    'w/bad.yaml': bad,
    'w/torn.yaml': 'name: [\n',
    'w/good.yaml': good,
    'w/functions/fine.ts': fine,
    'w/functions/broken.ts': '\nexport default {{\n',
    'w/functions/lost/import.ts': `import x from 'not-there'\nimport y from './no.ts'\nexport default x + y\n`,
  })
  const { code, stdout, stderr } = await millrace(cwd, ['validate', 'w'])
  const lines = stdout.trimEnd().split('\n')
  const starts = [
    /^w\/bad\.yaml:3:1: unknown field "stepz".*did you mean "steps"\?/,
    /^w\/bad\.yaml:6:11: there is no function "fin"; expected .*; did you mean "fine"\?/,
    /^w\/bad\.yaml:9:17: the event has no field "dat"; .*; did you mean "data"\?/,
    /^w\/torn\.yaml:\d+:\d+: /,
    /^w\/functions\/broken\.ts:2:17: Expected identifier/,
    /^w\/functions\/lost\/import\.ts:1:15: Could not resolve "not-there"; .*npm i not-there/,
    /^w\/functions\/lost\/import\.ts:2:15: Could not resolve "\.\/no\.ts"; .*mend the path/,
  ]
  for (const start of starts)
    assert.ok(
      lines.some((line) => start.test(line)),
      `${start} in\n${stdout}`,
    )
  assert.match(lines.at(-1) ?? '', /^3 workflows checked, \d+ problems$/)
  assert.equal(stderr, '')
  assert.equal(code, 1)
})

test('single files, JSON, and a file that is not there', async () => {
  const cwd = await freshProject({ 'w/good.yaml': good, 'w/functions/fine.ts': fine })
  const { code, stdout } = await millrace(cwd, ['validate', 'w/good.yaml', join('w', 'none.yaml'), '--json'])
  const { workflows, problems } = JSON.parse(stdout)
  assert.equal(workflows, 2)
  assert.deepEqual(
    problems.map((problem: { file: string; code: string }) => [problem.file, problem.code]),
    [['w/none.yaml', 'unreadable_file']],
  )
  assert.equal(code, 1)
})
