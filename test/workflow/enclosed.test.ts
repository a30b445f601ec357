/** Files that a workflow names: part of its source and its version, read from its folder alone. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkFile, loadCatalogue } from '../../src/workflow/catalogue.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import { formatProblem } from '../../src/workflow/problem.ts'

const dir = await mkdtemp(join(tmpdir(), 'millrace-enclosed-'))
after(() => rm(dir, { recursive: true }))
await mkdir(join(dir, 'functions'))
await mkdir(join(dir, 'schemas'))
await writeFile(join(dir, 'functions', 'echo.mjs'), '')
await writeFile(
  join(dir, 'film.yaml'),
  `name: film
on: { kafka: { topic: films, format: { avro: { schema: schemas/film.avsc } }, schema: schemas/film.yaml } }
steps: [{ id: one, uses: echo, publish: { topic: said, value: 1, format: { avro: { schema: schemas/film.avsc } } } }]`,
)
const avsc = (name: string) => `{\n  "type": "record", "name": "${name}", "fields": []\n}\n`
await writeFile(join(dir, 'schemas', 'film.avsc'), avsc('Film'))
await writeFile(join(dir, 'schemas', 'film.yaml'), 'type: object\n')

test('the source holds them, so that a plan is made of it without them, and another schema is another version', async () => {
  const [plan] = (await loadCatalogue(dir)).plans
  assert.ok(plan)
  assert.deepEqual(plan.on.kafka?.format, { kind: 'avro', schema: avsc('Film') })
  const again = planFromSource(plan.source, 'ledger')
  assert.deepEqual(again.on.kafka?.format, plan.on.kafka?.format)
  assert.deepEqual([again.version, again.source], [plan.version, plan.source])
  assert.equal(again.steps[0]?.publish[0]?.format?.kind, 'avro')
  assert.ok(again.on.kafka?.schema)
  await writeFile(join(dir, 'schemas', 'film.avsc'), avsc('Movie'))
  const [changed] = (await loadCatalogue(dir)).plans
  assert.notEqual(changed?.version, plan.version)
})

async function mistakes(schema: string): Promise<string> {
  const file = join(dir, 'other.yaml')
  await writeFile(
    file,
    `name: other\non: { kafka: { topic: films, schema: ${schema} } }\nsteps: [{ id: one, uses: echo }]\n`,
  )
  const { problems } = await checkFile(file)
  await rm(file)
  return problems.map(formatProblem).join('\n')
}

test('a way out of the folder is refused, by name and by link', async () => {
  await symlink('/etc', join(dir, 'schemas', 'out'))
  for (const path of ['../x.json', '/etc/passwd', 'schemas/../../x.json', 'schemas/./x.json']) {
    assert.match(await mistakes(path), /expected a file beside this one/, path)
  }
  assert.match(await mistakes('schemas/out/passwd'), /leads out of the folder/)
})

test('a file that is missing, too large, no text or no schema is told', async () => {
  await writeFile(join(dir, 'schemas', 'large.json'), ' '.repeat(200_000))
  await writeFile(join(dir, 'schemas', 'bytes.json'), Buffer.from([0xff]))
  await writeFile(join(dir, 'schemas', 'half.json'), '{')
  assert.match(await mistakes('schemas/none.json'), /there is no file schemas\/none.json/)
  assert.match(await mistakes('schemas'), /cannot be read/)
  assert.match(await mistakes('schemas/large.json'), /has 200000 bytes; expected at most 131072/)
  assert.match(await mistakes('schemas/bytes.json'), /is not text/)
  assert.match(await mistakes('schemas/half.json'), /other.yaml:2:\d+: schemas\/half.json: the value is not JSON/)
})
