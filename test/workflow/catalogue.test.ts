import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkFile, loadCatalogue } from '../../src/workflow/catalogue.ts'
import { listFunctions } from '../../src/workflow/functions.ts'
import { formatProblem } from '../../src/workflow/problem.ts'

const workflow = (name: string, topic: string, uses = 'echo') =>
  `name: ${name}\non: { kafka: ${topic} }\nsteps:\n  - { id: one, uses: ${uses} }\n`

async function folder(t: TestContext, files: Record<string, string | Buffer>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-catalogue-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), content)
  }
  return dir
}

test('given a folder, then its workflows are there by topic, in one order', async (t) => {
  const dir = await folder(t, {
    'b.yaml': workflow('beta', 'films'),
    'a.yml': workflow('gamma', 'films'),
    'c.json': '{"name":"alpha","on":{"kafka":{"topic":"songs"}},"steps":[{"id":"one","uses":"stock/reserve"}]}',
    'notes.txt': 'not a workflow',
    '.hidden.yaml': 'neither',
    'functions/echo.ts': '',
    'functions/stock/reserve.mjs': '',
    'functions/settings.yaml': 'not read',
  })
  const { plans, problems, byTopic, files } = await loadCatalogue(dir)
  assert.deepEqual(problems, [])
  assert.deepEqual(
    plans.map(({ name }) => name),
    ['alpha', 'beta', 'gamma'],
  )
  assert.deepEqual(
    [...byTopic].map(([topic, some]) => [topic, some.map(({ name }) => name)]),
    [
      ['songs', ['alpha']],
      ['films', ['beta', 'gamma']],
    ],
  )
  assert.deepEqual(
    files,
    ['a.yml', 'b.yaml', 'c.json'].map((name) => join(dir, name)),
  )
})

test('given a file with a problem, then the others load', async (t) => {
  const dir = await folder(t, {
    'bad.yaml': workflow('bad', 'films', 'ecko'),
    'good.yaml': workflow('good', 'films'),
    'large.yaml': `# ${'x'.repeat(300 * 1024)}`,
    'latin.yaml': Buffer.from([0x6e, 0xe9]),
    'functions/echo.ts': '',
  })
  const { plans, problems, files } = await loadCatalogue(dir)
  assert.deepEqual(
    plans.map(({ name }) => name),
    ['good'],
  )
  assert.equal(files.length, 4)
  assert.deepEqual(
    problems.map(formatProblem).map((line) => line.slice(dir.length + 1)),
    [
      'bad.yaml:4:22: there is no function "ecko"; expected a file functions/ecko.ts (or .js, .mjs); did you mean "echo"?',
      'large.yaml:1:1: the file has 307202 bytes; expected at most 262144; split the workflow',
      'latin.yaml:1:1: the file is not text; expected UTF-8; save the file as UTF-8',
    ],
  )
})

test('given one name in two files, then the first file has it and the second is told', async (t) => {
  const dir = await folder(t, {
    'a.yaml': workflow('film', 'films'),
    'b.yaml': `# a copy\n${workflow('film', 'songs')}`,
    'functions/echo.js': '',
  })
  const { plans, problems } = await loadCatalogue(dir)
  assert.deepEqual(
    plans.map((plan) => plan.on.kafka?.topic),
    ['films'],
  )
  assert.equal(problems.length, 1)
  assert.match(formatProblem(problems[0]!), /b\.yaml:2:1: the name "film" is taken by .*a\.yaml/)
})

test('a topic tells whom it starts and who waits for its events', async (t) => {
  const wait = (name: string, topic: string) =>
    `name: ${name}\non: { kafka: films }\nsteps:\n  - { id: one, wait: { topic: ${topic}, key: event.key } }\n`
  const dir = await folder(t, { 'a.yaml': wait('a', 'films.done'), 'b.yaml': wait('b', 'films') })
  const { byTopic, signalsByTopic, problems } = await loadCatalogue(dir)
  assert.deepEqual(problems, [])
  const named = (plans: typeof byTopic) => [...plans].map(([topic, some]) => [topic, some.map(({ name }) => name)])
  assert.deepEqual(named(byTopic), [['films', ['a', 'b']]])
  assert.deepEqual(named(signalsByTopic), [
    ['films.done', ['a']],
    ['films', ['b']],
  ])
})

const caller = (name: string, called: string, on = `on: { kafka: ${name} }\n`) =>
  `name: ${name}\n${on}steps:\n  - id: one\n    call: ${called}\n`

const secret = (name: string, topic: string, ...paths: string[]) =>
  `name: ${name}\non: { kafka: ${topic} }\nclassify: { ${paths.map((path) => `'${path}': secret`).join(', ')} }\nsteps:\n  - { id: one, uses: echo }\n`
const waiter = (name: string, topic: string, classify = '') =>
  `name: ${name}\non: { kafka: ${name} }\n${classify}steps:\n  - { id: one, wait: { topic: ${topic}, key: event.key } }\n`

/** What is told of what ties a folder's files together, by their names without an ending. */
const folders: [string, Record<string, string>, string[]][] = [
  [
    'a call of one that has no topic',
    { a: caller('a', 'b'), b: workflow('b', 't').replace('on: { kafka: t }\n', '') },
    [],
  ],
  [
    'a call of one whose file is broken',
    { a: caller('a', 'b'), b: workflow('b', 't', 'ecko') },
    ['b.yaml:4:22 unknown_function'],
  ],
  [
    'a call of what is not there',
    { a: caller('a', 'bb'), bbb: workflow('bbb', 't') },
    ['a.yaml:5:11 unknown_workflow'],
  ],
  ['a call of itself', { a: caller('a', 'a') }, ['a.yaml:5:11 call_ring']],
  [
    'calls in a ring, and one that leads into it',
    { a: caller('a', 'b'), b: caller('b', 'c'), c: caller('c', 'a'), d: caller('d', 'a') },
    ['a.yaml:5:11 call_ring', 'b.yaml:5:11 call_ring', 'c.yaml:5:11 call_ring'],
  ],
  [
    'a topic whose events have fields that are secret for one and not for another',
    { a: secret('a', 't', 'data.card'), b: workflow('b', 't'), c: workflow('c', 'other') },
    ['b.yaml:2:14 not_classified'],
  ],
  [
    'one that waits for such events, and says nothing of them',
    { a: secret('a', 't', 'data.card'), b: waiter('b', 't') },
    ['b.yaml:4:31 not_classified'],
  ],
  [
    'the same fields in other words, or more of them',
    {
      a: secret('a', 't', 'data.cards[*].number'),
      b: waiter('b', 't', 'signals: { t: { classify: { data.cards: secret } } }\n'),
    },
    ['a.yaml:2:14 not_classified'],
  ],
  [
    'a call that gives secret fields to one that does not keep them so',
    {
      a: `${secret('a', 't', 'data.card')}  - { id: two, call: b, with: { list: ["\${{ event.data.card }}"] } }\n`,
      b: workflow('b', 'other'),
    },
    ['a.yaml:6:22 not_classified'],
  ],
  [
    'a call that gives them to one that does',
    {
      a: `${secret('a', 't', 'data.card')}  - { id: two, call: b, with: { list: ["\${{ event.data.card }}"] } }\n`,
      b: secret('b', 'other', 'data.list'),
    },
    [],
  ],
  ['secret in both', { a: secret('a', 't', 'data.a', 'meta.b'), b: secret('b', 't', 'meta.B', 'data.a') }, []],
  [
    'one that nothing starts',
    { a: workflow('a', 't').replace('on: { kafka: t }\n', ''), b: workflow('b', 't') },
    ['a.yaml:1:1 never_started'],
  ],
]

for (const [what, files, expected] of folders) {
  test(`${what}: ${expected.length === 0 ? 'is well' : expected.join(', ')}`, async (t) => {
    const named = Object.entries(files).map(([name, text]) => [`${name}.yaml`, text])
    const dir = await folder(t, { ...Object.fromEntries(named), 'functions/echo.ts': '' })
    const { problems, plans } = await loadCatalogue(dir)
    const told = problems.map(
      ({ file, line, column, code }) => `${file.slice(dir.length + 1)}:${line}:${column} ${code}`,
    )
    assert.deepEqual(told, expected)
    const broken = new Set(problems.map(({ file }) => file))
    assert.equal(plans.length, named.length - broken.size)
    for (const file of named.map(([name]) => join(dir, name!))) {
      const alone = await checkFile(file)
      assert.deepEqual(
        alone.problems,
        problems.filter((problem) => problem.file === file),
        file,
      )
    }
  })
}

test('the way of a ring is told', async (t) => {
  const dir = await folder(t, { 'a.yaml': caller('a', 'b'), 'b.yaml': caller('b', 'a') })
  const { problems } = await loadCatalogue(dir)
  assert.match(formatProblem(problems[0]!), /a\.yaml:5:11: the call leads back to itself: a > b > a; expected/)
})

test('a folder that is missing or empty is a problem of its own', async (t) => {
  const dir = await folder(t, { 'functions/echo.ts': '' })
  const empty = await loadCatalogue(dir)
  assert.deepEqual([empty.plans, empty.files], [[], []])
  assert.match(formatProblem(empty.problems[0]!), /no workflow in this folder; expected files in \.yaml/)
  const missing = await loadCatalogue(join(dir, 'nowhere'))
  assert.match(formatProblem(missing.problems[0]!), /nowhere:1:1: the folder cannot be read .*ENOENT/)
})

test('one file is checked against the functions beside it', async (t) => {
  const dir = await folder(t, {
    'a.yaml': workflow('film', 'films', 'stock/reserve'),
    'functions/stock/reserve.ts': '',
  })
  assert.equal((await checkFile(join(dir, 'a.yaml'))).plan?.name, 'film')
  const missing = await checkFile(join(dir, 'b.yaml'))
  assert.match(formatProblem(missing.problems[0]!), /b\.yaml:1:1: the file cannot be read .*ENOENT/)
})

test('a function is a source file whose path can be a name', async (t) => {
  const dir = await folder(t, {
    'functions/echo.ts': '',
    'functions/echo.js': '',
    'functions/deep/er/one.mjs': '',
    'functions/types.d.ts': '',
    'functions/echo.test.ts': '',
    'functions/Upper.ts': '',
    'functions/readme.md': '',
    'functions/node_modules/pkg/index.js': '',
  })
  const functions = await listFunctions(dir)
  assert.deepEqual([...functions.keys()], ['deep/er/one', 'echo'])
  assert.equal(functions.get('echo'), join(dir, 'functions', 'echo.js'))
})
