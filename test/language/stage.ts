/** One engine for many cases, on one Kafka and one Postgres: each case has workflows and topics of its own. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import type { Producer } from 'kafkajs'
import { hashKey } from '../../src/auth/stored.ts'
import { until } from '../../src/base/poll.ts'
import { type Connections, connect } from '../../src/ledger/connect.ts'
import { freePorts } from '../../src/local/free-ports.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import { atEnd } from '../support/at-end.ts'
import { freshAdmin, freshProducer } from '../support/kafka.ts'
import { freshProject } from '../support/project.ts'
import { freshLedger, servers, unique } from '../support/servers.ts'
import { Book } from './book.ts'
import { type Case, languageDir } from './case.ts'
import { Engine } from './engine.ts'
import { type Names, namesOf, qualified } from './qualify.ts'
import type { Query, TransactionRow } from './read.ts'
import { referenceFunctions } from './reference.ts'
import { Watch } from './watch.ts'

export interface Stage {
  readonly engine: Engine
  /** Of its HTTP door. */
  readonly doorPort: number
  readonly databaseUrl: string
  /** The workflows folder. */
  readonly dir: string
  readonly query: Query
  readonly db: Connections
  readonly book: Book
  readonly producer: Producer
  names(caseName: string): Names
  /** Waits until what it answers for the engine's transactions is true. */
  until(what: string, holds: (rows: readonly TransactionRow[]) => boolean, forMs?: number): Promise<void>
}

export async function freshStage(cases: readonly Case[]): Promise<Stage> {
  const { brokers } = await servers()
  const ledger = await freshLedger()
  const run = unique('language')
  const names = (caseName: string) => namesOf(run, caseName)
  const { files, topics, read } = filesOf(cases, names)
  const dir = await freshProject({ ...files, ...(await functionFiles()), ...referenceFunctions() })
  await makeTopics(topics)
  const book = new Book(await mkdtemp(join(tmpdir(), 'millrace-book-')))
  atEnd(() => rm(book.dir, { recursive: true, force: true }))
  const producer = await freshProducer()
  const db = connect({ databaseUrl: ledger.databaseUrl, connectionsMax: 2, answerMsMax: 30_000 })
  atEnd(() => db.end())
  const [doorPort = 0] = await freePorts(1)
  const env = {
    KAFKA_BROKERS: brokers.join(','),
    DATABASE_URL: ledger.databaseUrl,
    MILLRACE_ENGINE: run,
    MILLRACE_DOOR_PORT: String(doorPort),
    MILLRACE_FUNCTIONS_ENV: 'BOOK',
    MILLRACE_SEAL_KEY: unique('seal-key-long-enough'),
    KAFKA_SESSION_TIMEOUT: '6s',
    BOOK: book.dir,
    MILLRACE_SECRET_LANGUAGE_KEYS: `ann ${hashKey('key of ann')} billing\nbob ${hashKey('key of bob')}`,
  }
  const engine = new Engine({ name: run, dir, env, lanes: read, query: ledger.query })
  await engine.start()
  const watch = new Watch(ledger.query, engine)
  return {
    engine,
    doorPort,
    databaseUrl: ledger.databaseUrl,
    dir,
    query: ledger.query,
    db,
    book,
    producer,
    names,
    until: (what, holds, forMs) => watch.until(what, holds, forMs),
  }
}

/** `topics`: all that they name; `read`: how many of them are read. */
function filesOf(cases: readonly Case[], names: (caseName: string) => Names) {
  const files: Record<string, string> = {}
  const [topics, read] = [new Set<string>(), new Set<string>()]
  for (const each of cases) {
    for (const [file, text] of each.workflows) {
      const long = qualified(text, names(each.name))
      const path = `${each.name}--${file}.yaml`
      files[path] = long.text
      for (const topic of long.topics) topics.add(topic)
      const { on, signals } = planFromSource(long.text, path)
      for (const source of [...(on.kafka ? [on.kafka] : []), ...signals]) read.add(source.topic)
    }
  }
  return { files, topics: [...topics], read: read.size }
}

async function functionFiles(): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const folder of ['functions', 'outside']) {
    for (const each of await readdir(join(languageDir, folder), { recursive: true, withFileTypes: true })) {
      const path = join(each.parentPath, each.name)
      if (each.isFile()) files[relative(languageDir, path)] = await readFile(path, 'utf8')
    }
  }
  return files
}

async function makeTopics(topics: readonly string[]): Promise<void> {
  const admin = await freshAdmin()
  atEnd(() => admin.deleteTopics({ topics: [...topics] }).catch(() => undefined))
  await admin.createTopics({
    topics: topics.map((topic) => ({ topic, numPartitions: 1 })),
    waitForLeaders: false,
  })
  const haveLeaders = async () => {
    const { topics: found } = await admin.fetchTopicMetadata({ topics: [...topics] })
    return found.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0))
  }
  await until('topics', () => haveLeaders().catch(() => false), { forMs: 20_000 })
}
