/** Partitions go while an engine is at work on them: commits go on, what is open goes on, and nothing is lost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../src/ledger/connect.ts'
import { bite } from '../../src/ledger/room/bites.ts'
import { commits, transactions } from '../../src/ledger/room/families.ts'
import { dropLeftovers, type Retired, retire } from '../../src/ledger/room/retire.ts'
import { millrace } from '../cli/millrace.ts'
import { atEnd } from '../support/at-end.ts'
import { cut } from '../support/partitions.ts'
import { freshScene, kill, terminate } from '../support/scene.ts'
import { freshTopic, servers, unique } from '../support/servers.ts'

const rounds = 6
const perRound = 400

test('an engine under load, a partition dropped every second or so', async () => {
  const topic = unique('pruned')
  const { producer } = await freshTopic(3, topic)
  const engine = unique('engine')
  const scene = await freshScene(
    {
      'pruned.yaml': `
name: pruned
on: { kafka: ${topic} }
deduplicate: { by: event.data.n, within: 1h }
steps:
  - { id: one, uses: work, with: '\${{ event.data }}', retry: { initial: 2s } }
  - { id: two, uses: work, with: '\${{ event.data }}' }
`,
      'functions/work.ts': `
import { defineFunction, retry } from 'millrace'
export default defineFunction({
  async run({ input, context }) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    return context.attempt === 1 && context.step === 'one' && input.n % 9 === 0 ? retry('busy', 'as asked') : null
  },
})`,
    },
    { MILLRACE_ENGINE: engine },
  )
  const db = connect({ databaseUrl: scene.ledger.databaseUrl, connectionsMax: 1, answerMsMax: 60_000 })
  atEnd(() => db.end())
  const { brokers } = await servers()
  const env = { KAFKA_BROKERS: brokers.join(','), DATABASE_URL: scene.ledger.databaseUrl, MILLRACE_ENGINE: engine }
  const coordinators = [scene.start(), scene.start()]
  await scene.opened(3)
  const retired: Retired[] = []
  let removed = 0
  for (let round = 0; round < rounds; round++) {
    const messages = Array.from({ length: perRound }, (_, at) => {
      const n = round * perRound + at
      return { key: `key-${at}`, value: JSON.stringify({ n: at % 40 === 39 ? n - 1 : n }) }
    })
    await producer.send({ topic, messages })
    await new Promise((resolve) => setTimeout(resolve, 700))
    // Some of this round are at work, some wait for a retry, and some have not even been read.
    const atMs = Date.now() - 300
    const suffix = `2020010${round + 1}`
    await cut(scene.ledger, transactions, atMs, suffix)
    await cut(scene.ledger, commits, atMs - 1000, suffix)
    retired.push(await retire(db, transactions, { suffix, toMs: atMs }, atMs))
    await retire(db, commits, { suffix, toMs: atMs - 1000 }, atMs - 1000)
    removed += (await bite(db, atMs)).transactions
    if (round === 3) {
      await kill(coordinators[0]!)
      coordinators[0] = scene.start()
    }
    const { code, stdout, stderr } = await millrace('.', ['verify'], { env })
    assert.equal(code, 0, stdout + stderr)
  }
  await scene.until('all to be read', `select sum(next_offset) = ${rounds * perRound} from millrace.lanes`)
  await scene.until('all to end', `select bool_and(ended_at is not null) from millrace.transactions`)
  for (const coordinator of coordinators) await terminate(coordinator)
  const [left] = await scene.ledger.query<{ count: number }>('select count(*)::int as count from millrace.transactions')
  const copies = await scene.ledger.query<{ count: number }>('select count(*)::int as count from millrace.duplicates')
  const dropped = retired.reduce((sum, { old }) => sum + old.dropped, 0)
  assert.equal(
    dropped + removed + (left?.count ?? 0),
    (rounds * perRound * 39) / 40,
    JSON.stringify({ dropped, removed, left, copies }),
  )
  assert.ok(dropped > 300 && retired.some(({ old }) => old.kept.some(({ why }) => why === 'running')))
  assert.deepEqual(await dropLeftovers(db), [])
  for (const { lockMs, dropMs } of retired)
    assert.ok(lockMs + dropMs < 1000, `${lockMs} ms locked, ${dropMs} ms dropped`)
  const end = await millrace('.', ['verify', '--deep', '--json'], { env })
  assert.deepEqual([end.code, JSON.parse(end.stdout).first], [0, null])
})
