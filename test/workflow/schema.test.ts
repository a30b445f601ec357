import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseWorkflow } from '../../src/workflow/parse.ts'
import { formatProblem } from '../../src/workflow/problem.ts'
import { workflowSchema, workflowSchemaText } from '../../src/workflow/schema.ts'

const root = new URL('../../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

test('the checked-in schema is what the model generates (npm run build && node dist/scripts/write-schema.js)', () => {
  assert.equal(read('workflow.schema.json'), workflowSchemaText())
})

interface Schema {
  readonly $ref?: string
  readonly allOf?: Schema[]
  readonly additionalProperties?: Schema | boolean
  readonly description?: string
  readonly properties?: Record<string, Schema>
  readonly items?: Schema
  readonly anyOf?: Schema[]
}

type Field = [path: string, name: string, field: Schema]

/** Every field at every depth, by its path; what is defined once is walked once. */
function fieldsOf(root: Schema & { definitions?: Record<string, Schema> }): Field[] {
  const walked = new Set<string>()
  function* walk(schema: Schema, path: string): Iterable<Field> {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      yield [`${path}.${name}`, name, field]
      yield* walk(field, `${path}.${name}`)
    }
    for (const branch of [...(schema.anyOf ?? []), ...(schema.allOf ?? [])]) yield* walk(branch, path)
    if (schema.items) yield* walk(schema.items, `${path}[]`)
    if (typeof schema.additionalProperties === 'object') yield* walk(schema.additionalProperties, `${path}.*`)
    if (schema.$ref && !walked.has(schema.$ref)) {
      walked.add(schema.$ref)
      yield* walk(root.definitions![schema.$ref.slice('#/definitions/'.length)]!, path)
    }
  }
  return [...walk(root, '')]
}

test('every field of the schema says in words what it is', () => {
  const silent = fieldsOf(workflowSchema()).filter(([, , field]) => !field.description)
  assert.deepEqual(
    silent.map(([path]) => path),
    [],
  )
})

test('every example of the reference is a workflow', () => {
  const both = read('docs/workflow-reference.md') + read('docs/authentication.md')
  const examples = [...both.matchAll(/^```yaml workflow\n(.*?)^```/gms)]
  assert.ok(examples.length >= 20, `${examples.length} examples`)
  for (const [, text] of examples) {
    const { plan, problems } = parseWorkflow(text!, 'an example', null)
    assert.ok(plan, `${problems.map(formatProblem).join('\n')}\n${text}`)
  }
})

test('the reference names every field of the schema', () => {
  const reference = read('docs/workflow-reference.md') + read('docs/authentication.md')
  const names = new Set(fieldsOf(workflowSchema()).map(([, name]) => name))
  assert.ok(names.size >= 52, `${names.size} fields`)
  for (const name of names) assert.ok(reference.includes(`\`${name}\``), `"${name}" is in the reference`)
})
