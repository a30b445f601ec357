/** The examples of docs/formats.md: what each text becomes, and that each workflow is one. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { PlainFormat } from '../../../src/envelope/format.ts'
import { plainFormats } from '../../../src/envelope/formats/all.ts'
import { csv, plainCsv } from '../../../src/envelope/formats/csv.ts'
import { parseJson } from '../../../src/envelope/json.ts'
import { parseWorkflow } from '../../../src/workflow/parse.ts'
import { formatProblem } from '../../../src/workflow/problem.ts'
import { casesOf } from '../../corpus/cases.ts'

const text = readFileSync(new URL('../../../../docs/formats.md', import.meta.url), 'utf8')
const examples = [...text.matchAll(/^```(\w+)\n(.*?)\n```\n\nbecomes\n\n```value\n(.*?)\n```/gms)] as unknown as [
  string,
  string,
  string,
  string,
][]

test('there is an example of each format of texts', () => {
  assert.deepEqual(examples.map(([, kind]) => kind).sort(), ['csv', 'form', 'json', 'json5', 'xml', 'yaml'])
})

for (const [, kind, given, becomes] of examples) {
  test(`the example of ${kind} becomes what is said`, () => {
    const format = kind === 'csv' ? csv(plainCsv) : plainFormats[kind as PlainFormat]
    assert.deepEqual(format.decode(Buffer.from(given)), parseJson(becomes))
  })
}

test('its workflows are workflows', () => {
  const workflows = [...text.matchAll(/^```yaml workflow\n(.*?)^```/gms)]
  assert.equal(workflows.length, 2)
  for (const [, source] of workflows) {
    const { plan, problems } = parseWorkflow(source as string, 'docs/formats.md', null)
    assert.ok(plan, problems.map(formatProblem).join('\n'))
  }
})

test('it tells of every code with which a value of the corpus is refused', () => {
  const folders = ['json', 'json5', 'yaml', 'xml', 'csv', 'form', 'msgpack', 'cbor', 'avro', 'cloudevents']
  const codes = new Set(folders.flatMap((folder) => casesOf(folder).map(({ code }) => code)))
  for (const code of codes) assert.ok(text.includes(`\`${code}\``), code)
})
