/** Every example of docs/triggers.md, sent to a door: what is answered is what stands there. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { until } from '../../src/base/poll.ts'
import { type Answer, ask, doorOf } from '../support/door.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { unique } from '../support/servers.ts'

interface Block {
  readonly kind: string
  readonly text: string
}

const page = readFileSync(new URL('../../../docs/triggers.md', import.meta.url), 'utf8')
const blocks = [...page.matchAll(/^```(\S+(?: \S+)*)\n(.*?)^```/gms)].map(
  (match): Block => ({ kind: match[1] as string, text: match[2] as string }),
)

/** Files of the page; topics of their own, so that no other test meets them. */
function files(): Record<string, string> {
  const prefix = unique('docs')
  const named = blocks.flatMap(({ kind, text }): [string, string][] => {
    const path = /^(?:yaml workflow|ts) (\S+)$/.exec(kind)?.[1]
    return path === undefined ? [] : [[path, text.replaceAll('topic: films.', `topic: ${prefix}.`)]]
  })
  return Object.fromEntries(named)
}

test('the examples of docs/triggers.md are answered as they say', async () => {
  const env = { MILLRACE_DOOR_PORT: '0', MILLRACE_DOOR_TOPIC_PARTITIONS: '2' }
  const scene = await freshScene(files(), env)
  const coordinator = scene.start()
  const port = await doorOf(coordinator)
  await scene.opened(4)
  let status = ''
  let asked = 0
  for (const [at, block] of blocks.entries()) {
    if (block.kind !== 'http') continue
    const expected = blocks[at + 1]
    assert.equal(expected?.kind, 'http answer', block.text)
    if (block.text.startsWith('GET {status}')) await ended(port, status)
    const answer = await send(port, block.text.replace('{status}', status))
    holds(answer, expected?.text ?? '', block.text)
    if (typeof answer.json?.status === 'string') status = answer.json.status
    asked++
  }
  assert.ok(asked >= 10, `${asked} examples`)
  await terminate(coordinator)
})

async function ended(port: number, status: string): Promise<void> {
  const over = async () => (await ask(port, status, { method: 'GET' })).json?.state === 'completed'
  await until('the transaction of the page to end', over, { forMs: 30_000, everyMs: 50 })
}

function send(port: number, text: string): Promise<Answer> {
  const [head = '', ...body] = text.split('\n\n')
  const [first = '', ...lines] = head.trim().split('\n')
  const [method = '', path = ''] = first.split(' ')
  const headers = Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]))
  return ask(port, path, { method, headers, body: body.join('\n\n').trim() })
}

/** `…` stands for anything. */
function holds(answer: Answer, expected: string, asked: string): void {
  const [head = '', ...body] = expected.split('\n\n')
  const [status = '', ...lines] = head.trim().split('\n')
  assert.equal(answer.status, Number(status), `${asked}\n${answer.text}`)
  for (const line of lines) {
    const [name = '', value = ''] = line.split(': ')
    assert.match(String(answer.headers[name]), patternOf(value), `${asked}\n${name}`)
  }
  assert.match(normal(answer.text), patternOf(normal(body.join('\n\n'))), asked)
}

function patternOf(text: string): RegExp {
  const parts = text.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}

/** JSON without the spaces that make it legible. */
function normal(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text.replaceAll('…', '…')))
  } catch {
    return text
      .trim()
      .replace(/": /g, '":')
      .replace(/,\s+(["{[])/g, ',$1')
  }
}
