/** The workflow file and its functions fit together. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { parse } from 'yaml'
import type { z } from 'zod'

interface Step {
  id: string
  uses: string
  when?: string
  with: Record<string, string>
}

const file = new URL('../../../workflows/video-stream.yaml', import.meta.url)
const steps: Step[] = parse(await readFile(file, 'utf8')).steps

test('each step gives its function the inputs that it asks for', async () => {
  for (const { uses, with: given } of steps) {
    const { default: definition } = await import(`../../workflows/functions/${uses}.js`)
    const { shape } = definition.input as z.ZodObject
    assert.deepEqual(Object.keys(given).sort(), Object.keys(shape).sort(), uses)
  }
})

test('steps refer to steps before them, by outputs that these give', async () => {
  for (const [at, { id, with: given, when }] of steps.entries()) {
    const references = [...Object.values(given), when ?? ''].join(' ').matchAll(/steps\.(\w+)\.output(?:\.(\w+))?/g)
    for (const [text, step, field] of references) {
      const before = steps.slice(0, at).find((one) => one.id === step)
      assert.ok(before, `${id} refers to ${text}`)
      const { default: definition } = await import(`../../workflows/functions/${before.uses}.js`)
      if (field) assert.ok(field in (definition.output as z.ZodObject).shape, `${id} refers to ${text}`)
    }
  }
})
