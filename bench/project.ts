/** The workflow that is measured, as an author would write it: a chain of steps in order of a key, each with its input. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Shape } from './side.ts'

export async function writeProject(
  dir: string,
  topic: string,
  { steps, waitMs, effectFree = false }: Shape,
): Promise<void> {
  await mkdir(join(dir, 'functions'), { recursive: true })
  await writeFile(join(dir, 'chain.yaml'), chain(topic, steps))
  await writeFile(join(dir, 'functions/work.ts'), work(waitMs, effectFree))
}

const chain = (topic: string, steps: number) => `
name: chain
on:
  kafka:
    topic: ${topic}
key: event.data.key
steps:
${Array.from({ length: steps }, (_, at) => step(at)).join('')}`

const step = (at: number) =>
  `  - { id: s${at + 1}, uses: work, with: { n: '\${{ ${at === 0 ? 'event.data.n' : `steps.s${at}.output.n`} }}' } }\n`

const work = (waitMs: number, effectFree: boolean) => `
import { setTimeout as sleep } from 'node:timers/promises'
import { defineFunction, z } from 'millrace'

export default defineFunction({${effectFree ? "\n  effects: 'none'," : ''}
  input: z.object({ n: z.number() }),
  output: z.object({ n: z.number() }),
  run: ${waitMs === 0 ? '({ input }) => ({ n: input.n })' : `async ({ input }) => (await sleep(${waitMs}), { n: input.n })`},
})
`
