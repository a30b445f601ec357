/** The workflow file and its functions fit together: each is given what it asks for, by steps that give it. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'

interface Call {
  readonly uses: string
  readonly with?: Record<string, unknown>
}

const file = new URL('../../../workflows/video-stream.yaml', import.meta.url)
const text = await readFile(file, 'utf8')
const calls = [...callsIn(parse(text).steps)]

test('each step and each compensation gives its function the inputs that it asks for', async () => {
  assert.ok(calls.length > 15)
  for (const { uses, with: given = {} } of calls) {
    const { shape } = (await inputOf(uses)) as z.ZodObject
    const needed = Object.keys(shape).filter((name) => !z.safeParse(shape[name]!, undefined).success)
    const names = Object.keys(given)
    assert.deepEqual(
      needed.filter((name) => !names.includes(name)),
      [],
      `${uses} needs them`,
    )
    assert.deepEqual(
      names.filter((name) => !(name in shape)),
      [],
      `${uses} does not know them`,
    )
  }
})

test('steps refer to outputs that other steps give', async () => {
  const byId = new Map([...text.matchAll(/- id: (\w+)\n\s+uses: (\S+)/g)].map(([, id, uses]) => [id, uses]))
  for (const [whole, step, field] of text.matchAll(/steps\.(\w+)\.output\.(\w+)/g)) {
    const uses = byId.get(step)
    assert.ok(uses !== undefined, whole)
    const { default: definition } = await import(`../../workflows/functions/${uses}.js`)
    assert.ok(field! in (definition.output as z.ZodObject).shape, whole)
  }
})

/** What names a function, however deep; a bare name is given `output`, of which such functions need nothing. */
function* callsIn(value: unknown): Generator<Call> {
  if (typeof value !== 'object' || value === null) return
  if ('uses' in value) yield value as Call
  for (const inner of Object.values(value)) yield* callsIn(inner)
}

async function inputOf(uses: string): Promise<z.ZodType> {
  return (await import(`../../workflows/functions/${uses}.js`)).default.input
}
