// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow files are full of them
/** What was written is found by whoever asks, wherever it runs and whatever has become of it; and routes follow their files. */
import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../../src/base/poll.ts'
import { loadConfig } from '../../src/config.ts'
import { Engine } from '../../src/engine.ts'
import { httpHeaderOf } from '../../src/envelope/http.ts'
import { transactionId } from '../../src/transaction/ids.ts'
import { atEnd } from '../support/at-end.ts'
import { ask, doorOf, post } from '../support/door.ts'
import { freshProducer } from '../support/kafka.ts'
import { freshProject } from '../support/project.ts'
import { freshScene, terminate } from '../support/scene.ts'
import { freshLedger, servers, unique } from '../support/servers.ts'

const functions = {
  'functions/echo.ts': `
import { defineFunction } from 'millrace'
export default defineFunction({ run: ({ input }) => input })`,
}

const workflow = (topic: string, path = '/echo') => `
name: echo
on:
  http: { path: ${path}, topic: ${topic}, respond: { wait: 20s } }
steps:
  - { id: echo, uses: echo, with: { n: "\${{ event.data.n }}" } }
`

test('a result is found in whichever coordinator it was made', async () => {
  const topic = unique('both')
  const scene = await freshScene(
    { ...functions, 'echo.yaml': workflow(topic) },
    { MILLRACE_DOOR_PORT: '0', MILLRACE_DOOR_TOPIC_PARTITIONS: '4' },
  )
  const coordinators = [scene.start(), scene.start()]
  const ports = await Promise.all(coordinators.map((each) => doorOf(each)))
  await scene.opened(4)
  const shared = `select count(distinct owner) = 2 from millrace.lanes where topic = '${topic}'`
  await scene.until('both to have lanes', shared)
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => post(ports[n % 2]!, '/echo', { n })))
  for (const [n, { status, json, text }] of answers.entries()) assert.deepEqual([status, json], [200, { n }], text)
  await Promise.all(coordinators.map(terminate))
})

test('what has another id than was told, or could become no transaction, is found by its place', async () => {
  const topic = unique('place')
  const scene = await freshScene(
    { ...functions, 'echo.yaml': workflow(topic) },
    { MILLRACE_DOOR_PORT: '0', MILLRACE_DOOR_TOPIC_PARTITIONS: '1' },
  )
  const coordinator = scene.start()
  const port = await doorOf(coordinator)
  await scene.opened(1)
  const [lane] = await scene.ledger.query<{ incarnation: string }>('select incarnation from millrace.lanes')
  const incarnation = lane!.incarnation
  const http = httpHeaderOf({ method: 'POST', path: {}, query: {} })
  const producer = await freshProducer()
  // As a door writes it whose records wait for two hours until somebody reads them.
  const writtenMs = Date.now() - 2 * 60 * 60 * 1000
  const headers = { [http.name]: http.value }
  const message = (value: string) => ({ value, headers, timestamp: String(writtenMs) })
  await producer.send({ topic, acks: -1, messages: [message('{"n":7}'), message('{"n":')] })
  const told = (offset: number) => {
    const origin = { engine: scene.engine, topic, incarnation, partition: 0, offset, workflow: 'echo' }
    return transactionId(origin, writtenMs * 1000, writtenMs * 1000)
  }
  await scene.ended(1)
  await scene.until('the dead letter', 'select count(*) = 1 from millrace.dead_letters')
  const look = async (offset: number, id = told(offset)) =>
    (await ask(port, `/transactions/${id}?at=echo.0.${offset}`, { method: 'GET' })).json
  const [row] = await scene.ledger.query<{ id: string }>('select id from millrace.transactions')
  assert.notEqual(row!.id, told(0))
  assert.deepEqual([(await look(0)).id, (await look(0)).answer], [row!.id, { n: 7 }])
  assert.deepEqual([(await look(1)).state, (await look(1)).code], ['refused', 'value_not_json'])
  assert.equal((await look(0, told(1))).code, 'no_transaction', 'an id of another place')
  await terminate(coordinator)
})

test('a route comes and goes with its file, and a connection stays', async () => {
  const { brokers } = await servers()
  const ledger = await freshLedger()
  const dir = await freshProject({ ...functions, 'echo.yaml': workflow(unique('first')) })
  const config = loadConfig(
    {
      ...{ KAFKA_BROKERS: brokers.join(','), DATABASE_URL: ledger.databaseUrl, MILLRACE_ENGINE: unique('engine') },
      ...{ MILLRACE_DOOR_PORT: '0', MILLRACE_DOOR_TOPIC_PARTITIONS: '1' },
    },
    join(dir, 'no-file'),
  )
  const engine = new Engine({ config, workflowsDir: dir })
  atEnd(() => engine.stop())
  await engine.start()
  await until('the engine to be ready', () => engine.health().ready, { forMs: 30_000 })
  const port = engine.doorPort as number
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const sockets = new Set<unknown>()
  const status = (path: string) =>
    new Promise<number>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, method: 'POST', agent }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0))
      })
      asked
        .on('socket', (socket) => sockets.add(socket))
        .on('error', reject)
        .end('{"n":1}')
    })
  assert.deepEqual([await status('/echo'), await status('/more')], [200, 404])
  await writeFile(join(dir, 'more.yaml'), workflow(unique('second'), '/more').replace('name: echo', 'name: more'))
  await engine.reload()
  assert.deepEqual([await status('/echo'), await status('/more')], [200, 200])
  await rm(join(dir, 'more.yaml'))
  await engine.reload()
  assert.deepEqual([await status('/echo'), await status('/more')], [200, 404])
  assert.equal(sockets.size, 1, 'one connection')
  agent.destroy()
  await engine.stop()
})
