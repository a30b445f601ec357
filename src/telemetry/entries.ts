/**
 * What is said of each fact, and how loudly. Levels: `error` wants a person now, `warn` one soon, `info` is the story
 * of a day, `debug` is everything. What can come in floods has a plural, by which the rest of a flood is counted.
 */
import type { FactName, Facts } from './channels.ts'

export type Level = 'debug' | 'info' | 'warn' | 'error'

export interface Entry {
  readonly level: Level
  readonly message: string
}

interface Telling<Name extends FactName> {
  /** "312 more dead letters" */
  readonly many?: string
  say(fact: Facts[Name]): Entry
}

/** What comes for every event, and says nothing to a person, is for metrics and traces alone. */
export type ToldName = Exclude<FactName, 'durable' | 'served' | 'function.spans'>

export type Tellings = { readonly [Name in ToldName]: Telling<Name> }

export const tellings: Tellings = {
  'lane.opened': {
    say: (fact) => info(`lane ${lane(fact)} opened at offset ${fact.nextOffset}${goOn(fact.open)}`),
  },
  'lane.closed': {
    say: (fact) => (fact.reason === 'stopped' ? debug : info)(`lane ${lane(fact)} closed: ${fact.reason}`),
  },
  lag: { say: (fact) => debug(`${lane(fact)} has ${fact.records} records to be read`) },
  'lane.paused': { say: (fact) => warn(`${lane(fact)} is not read for now: ${fact.reason}`) },
  'lane.resumed': { say: (fact) => info(`${lane(fact)} is read again`) },
  commit: { say: (fact) => debug(`committed ${fact.events} events in ${fact.durationMs} ms`) },
  // An outage tells its beginning and its end; each try between them is detail.
  'commit.failed': {
    many: 'failed commits',
    say: (fact) => (fact.kind === 'ledger_outage' ? debug : warn)(`a commit failed: ${fact.message}`),
  },
  fenced: { many: 'fenced lanes', say: (fact) => warn(`lane ${lane(fact)} was taken over by another coordinator`) },
  refusal: { say: (fact) => debug(`refused ${fact.what}: ${fact.reason}`) },
  'dead-letter': {
    many: 'dead letters',
    say: (fact) => warn(`dead letter ${lane(fact)}/${fact.offset} (${fact.code}): ${fact.reason}`),
  },
  gap: {
    many: 'gaps',
    say: (fact) =>
      (harmlessGaps.has(fact.reason) ? debug : error)(
        `offsets ${fact.from} to ${fact.to} of ${lane(fact)} are not there to be read: ${fact.reason}`,
      ),
  },
  'topic.recreated': {
    say: (fact) => error(`topic ${fact.topic} was deleted and made again: it is read from its start, as another topic`),
  },
  answered: {
    say: (fact) => debug(`answered ${fact.method} with ${fact.status} in ${Math.round(fact.durationMs)} ms`),
  },
  published: { say: (fact) => debug(`${fact.messages} messages of ${lane(fact)} published in ${fact.durationMs} ms`) },
  'outbox.stalled': {
    many: 'lanes whose messages wait',
    say: (fact) => warn(`messages of ${lane(fact)} wait: ${fact.reason}`),
  },
  'outbox.resumed': { say: (fact) => info(`messages of ${lane(fact)} are published again`) },
  'message.refused': {
    many: 'messages passed over',
    say: (fact) => error(`message ${fact.id} to ${fact.to} is passed over: ${fact.reason}`),
  },
  duplicate: {
    many: 'copies of events',
    say: (fact) => info(`${fact.workflow}: a copy of the event of ${fact.firstId} starts nothing`),
  },
  handover: {
    many: 'lanes handed over',
    say: (fact) => info(`lane ${lane(fact)} is handed over${fact.drained ? '' : ', though attempts in it still run'}`),
  },
  'in-doubt': {
    many: 'steps in doubt',
    say: (fact) =>
      error(
        `${fact.workflow} ${fact.transactionId}: nobody knows what step ${fact.step} did; \`millrace resolve\` settles it`,
      ),
  },
  watchdog: {
    say: (fact) =>
      error(
        `nothing of ${lane(fact)} was fetched for ${fact.stalledMs} ms though it has more: the consumer is built anew (${fact.total} times so far)`,
      ),
  },
  dispatch: { say: (fact) => debug(`${fact.invocations} invocations of ${fact.function} dispatched`) },
  ended: {
    many: 'failed transactions',
    say: (fact) => (fact.state === 'failed' ? info : debug)(ended(fact)),
  },
  'function.log': {
    say: ({ workflow, step, attempt, text }) => info(`${workflow} ${step} (attempt ${attempt}): ${text.trimEnd()}`),
  },
  passed: {
    many: 'records that no workflow takes',
    say: (fact) => warn(`no workflow takes ${lane(fact)}/${fact.offset}: it is passed over for good`),
  },
  pool: { say: (fact) => debug(`${fact.function}: ${fact.busy} of ${fact.processes} processes busy`) },
  'worker.gone': {
    many: 'worker processes gone',
    say: (fact) =>
      (ordinaryEnds.has(fact.reason) ? debug : warn)(`a process of function ${fact.function} ended: ${fact.reason}`),
  },
  'function.outage': {
    say: (fact) => error(`function ${fact.function} cannot be run, its steps are held: ${fact.message}`),
  },
  'function.back': { say: (fact) => info(`function ${fact.function} can be run again`) },
  outage: { say: (fact) => error(`${service(fact)} is away: ${fact.message}`) },
  recovered: { say: (fact) => info(`${service(fact)} is back after ${fact.downMs} ms`) },
  catalogue: { say: (fact) => info(catalogue(fact)) },
  notice: { say: (fact) => ({ level: fact.level, message: fact.message }) },
}

/** Nothing was lost: the log was compacted, a producer gave up its transaction, or a marker of Kafka's own stands there. */
const harmlessGaps = new Set(['compacted', 'aborted', 'control'])

/** Why a worker process ends when all is well. */
const ordinaryEnds = new Set(['retired', 'stopped', 'idle'])

const debug = (message: string): Entry => ({ level: 'debug', message })
const info = (message: string): Entry => ({ level: 'info', message })
const warn = (message: string): Entry => ({ level: 'warn', message })
const error = (message: string): Entry => ({ level: 'error', message })

function ended({ workflow, transactionId, state, code }: Facts['ended']): string {
  return `${workflow} ${transactionId} ${state}${code === null ? '' : `: ${code}`}`
}

function lane({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`
}

function goOn(open: number): string {
  return open === 0 ? '' : `; ${open} ${open === 1 ? 'transaction goes' : 'transactions go'} on`
}

function service({ service, address }: { service: string; address: string }): string {
  return `${serviceNames[service] ?? service}${address && ` at ${address}`}`
}

const serviceNames: Readonly<Record<string, string>> = {
  kafka: 'Kafka',
  postgres: 'Postgres',
  registry: 'The schema registry',
}

function catalogue({ workflows, changed, problems }: Facts['catalogue']): string {
  const what = changed.length === 0 ? '' : `; new versions of ${changed.join(', ')}`
  const also = problems === 0 ? '' : `; problems: ${problems}`
  return `read again, ${workflows} in force${what}${also}`
}
