/**
 * The film whole, as the demo plays it: its workflow and functions as they are, the demo's provider, its viewers who leave
 * early, watch again, or never leave. How each request is to end is known beforehand.
 */
import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Message } from 'kafkajs'
import type { Provider } from '../../../demo/provider/spawn.ts'
import { Viewers } from '../../../demo/viewers.ts'
import { type DemoRequest, makeRequests } from '../../../demo/world/requests.ts'
import { type DemoWorld, makeWorld, writeSecrets, writeWorld } from '../../../demo/world/world.ts'
import { packageRoot } from '../../../src/base/package-root.ts'
import type { Arena } from '../arena.ts'
import type { Held } from '../held.ts'
import { type Project, writeFiles } from '../project.ts'
import type { Fate, SagaRow } from './oracle.ts'

/** Who never leaves is waited for so long, which must be longer than any fault holds up whoever does. */
const waitSeconds = 60

const topics = ['teardown', 'locations', 'receipts', 'failures'] as const

export class Film {
  readonly project: Project
  readonly #world: DemoWorld
  readonly #requests: ReadonlyMap<string, DemoRequest>
  readonly #inOrder: readonly DemoRequest[]

  private constructor(world: DemoWorld, requests: readonly DemoRequest[]) {
    this.#world = world
    this.#inOrder = requests
    this.#requests = new Map(requests.map((request) => [request.id, request]))
    this.project = {
      workflows: ['video-stream'],
      functionsEnv: 'DEMO_WORLD,PROVIDER_URL,ADS_URL,SESSIONS_URL',
      topics: (topic) => topics.map((name) => `${topic}.${name}`),
      write: (dir, topic) => writeFilm(dir, topic, world),
      env: ({ adsUrl, sessionsUrl }, dir) => ({
        DEMO_WORLD: worldFile(dir),
        ADS_URL: adsUrl,
        SESSIONS_URL: sessionsUrl,
        MILLRACE_FUNCTIONS_PROCESSES_MAX: '20',
        MILLRACE_SECRETS_DIR: secretsDir(dir),
        MILLRACE_SEAL_KEY: 'so long that nobody guesses it under any fault',
      }),
    }
  }

  /** `requestsMax`: more are not published, however long it takes. */
  static async make(seed: string, requestsMax: number): Promise<Film> {
    const world = await makeWorld({ seed })
    return new Film(world, await makeRequests({ events: requestsMax, world }))
  }

  messageOf(n: number): readonly Message[] {
    const request = this.#inOrder[n]
    return request ? [{ key: request.key, value: request.value, headers: request.headers }] : []
  }

  /** Players that hear and speak until the arena is closed; the provider hangs up now and then. */
  async open(arena: Arena): Promise<void> {
    const where = { locations: `${arena.id}.locations`, teardowns: `${arena.id}.teardown`, quiet: true }
    const viewers = new Viewers(arena.ground.brokers, this.#inOrder, this.#world.run, where)
    await viewers.start()
    arena.defer(() => viewers.stop())
    await misbehave(arena.provider, this.#world)
  }

  fateOf({ eventId }: Held): Fate {
    const { end, code = null } = this.#requestOf(eventId ?? '').expect
    return { state: end, code }
  }

  /** Sessions are closed, receipts hold, and viewers have paid for what they watched. */
  async wrong(arena: Arena, rows: readonly SagaRow[]): Promise<string[]> {
    const { open } = await arena.provider.sessions()
    const paid = await paidBy(arena)
    const completed = rows.filter(({ state }) => state === 'completed')
    return [
      ...(open > 0 ? [`${open} sessions are open`] : []),
      ...completed.flatMap(({ id, eventId }) => {
        const { currency = '', amount = 0 } = this.#requestOf(eventId).expect.charged ?? {}
        const has = paid.get(id) ?? nobody
        const same = has.amount === amount && (amount === 0 || has.currency === currency)
        return same ? [] : [`${id} has charged its viewer ${has.amount} ${has.currency}, due are ${amount} ${currency}`]
      }),
    ]
  }

  #requestOf(eventId: string): DemoRequest {
    const request = this.#requests.get(eventId)
    if (request === undefined) throw new Error(`nobody asked for ${eventId}`)
    return request
  }
}

/** Beside the project: what lies in it is taken for workflows. */
const worldFile = (dir: string) => join(dir, '..', 'world.json')
const secretsDir = (dir: string) => `${worldFile(dir)}.secrets`

async function misbehave(provider: Provider, { adsDownIn, seed }: DemoWorld): Promise<void> {
  await provider.controlAds({ mode: 'down', countries: [...adsDownIn] })
  await provider.control({ mode: 'lose-connection', share: 0.05, seed })
}

async function writeFilm(dir: string, topic: string, world: DemoWorld): Promise<void> {
  const own = join(packageRoot(), 'workflows')
  const text = await readFile(join(own, 'video-stream.yaml'), 'utf8')
  const renamed = topics.reduce((so, name) => so.replaceAll(`video.${name}`, `${topic}.${name}`), text)
  const film = renamed
    .replace('topic: video.requests', `topic: ${topic}`)
    .replace(/timeout: 4h/, `timeout: ${waitSeconds}s`)
    // The HTTP door has rows of its own.
    .replace(/ {2}# From web pages[\s\S]*?(?=\n# Who asks)/, '')
  await writeFiles(dir, { 'video-stream.yaml': film })
  await symlink(join(own, 'functions'), join(dir, 'functions'))
  await writeWorld(world, worldFile(dir))
  await writeSecrets(world, secretsDir(dir))
}

const nobody = { currency: '', amount: 0 }

/** What each transaction has charged its viewer in the end, where that is anything. */
async function paidBy(arena: Arena): Promise<Map<string, { currency: string; amount: number }>> {
  const rows = await arena.query<{ id: string; currency: string; amount: number }>(
    `select transaction_id as id, currency, sum(case when debit like 'viewer:%' then amount else -amount end)::int as amount
     from millrace.postings where debit like 'viewer:%' or credit like 'viewer:%'
     group by 1, 2 having sum(case when debit like 'viewer:%' then amount else -amount end) <> 0`,
  )
  return new Map(rows.map(({ id, ...paid }) => [id, paid]))
}
