/**
 * `npm run demo`: real events through a real Kafka, real worker processes and a real Postgres. Ends 0 only if the
 * ledger holds each published event exactly once, each came to its end, and the payment provider's book agrees.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { EngineError, messageOf } from '../src/base/error.ts'
import { quietWarnings } from '../src/intake/warnings.ts'
import { subscribe } from '../src/telemetry/channels.ts'
import { clearing } from '../workflows/video/postings.ts'
import { channelRows } from './channels.ts'
import { Clicks } from './clicks.ts'
import { compare } from './compare.ts'
import { compareEndings } from './endings.ts'
import { DemoLedger } from './ledger.ts'
import { type DemoOptions, help, readOptions } from './options.ts'
import { paintFor } from './paint.ts'
import { Progress } from './progress.ts'
import { readBook } from './provider/book.ts'
import { publish } from './publish.ts'
import { queries } from './queries.ts'
import { type Stage, setStage, topic } from './stage.ts'
import { type SummaryData, summary } from './summary.ts'
import { Viewers } from './viewers.ts'
import { type DemoRequest, makeRequests } from './world/requests.ts'

/** After the last event is published, all must have ended within this, in milliseconds. */
const endMsMax = 120_000

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (options === null) {
    process.stdout.write(help)
    return 0
  }
  const progress = new Progress(process.stderr)
  const interrupted = interruption()
  const teardown: (() => Promise<unknown>)[] = []
  try {
    return await play(options, teardown, progress, interrupted)
  } catch (error) {
    if (interrupted.aborted) return 130
    throw error
  } finally {
    progress.clear()
    for (const undo of teardown.reverse()) await undo().catch((error) => progress.say(messageOf(error)))
  }
}

async function play(
  options: DemoOptions,
  teardown: (() => Promise<unknown>)[],
  progress: Progress,
  interrupted: AbortSignal,
): Promise<number> {
  const stage = await setStage(options, teardown, interrupted, (line) => progress.say(line))
  subscribe('notice', ({ level, message }) => level === 'error' && progress.say(message))
  subscribe('function.outage', (fact) => progress.say(`${fact.function} cannot run: ${fact.message}`))
  void stage.engine.failed.then((error) => progress.say(`the coordinator has failed: ${messageOf(error)}`))
  const requests = await makeRequests({ events: options.events, world: stage.world, avro: stage.avro })
  const clicks = new Clicks(stage.doorUrl)
  const ledger = new DemoLedger(stage.databaseUrl, stage.world.run)
  teardown.push(() => ledger.end())
  const viewers = new Viewers(stage.brokers, requests, stage.world.run)
  teardown.push(() => viewers.stop())
  await viewers.start()
  const from = performance.now()
  await watch(stage, requests, clicks, ledger, options, progress, interrupted)
  const data = await gather(stage, requests, clicks, viewers, ledger, performance.now() - from)
  progress.clear()
  process.stdout.write(
    options.json ? `${JSON.stringify(jsonOf(data))}\n` : summary(data, paintFor(process.stdout, process.env)),
  )
  const good =
    data.endings.eachOnce &&
    data.endings.asExpected &&
    data.comparison.agrees &&
    data.openSessions === 0 &&
    data.traces.traced === data.traces.heard &&
    data.channels.every(({ sent, answered }) => answered === null || answered.count === sent)
  if (options.keep) await keep(stage, interrupted)
  return good ? 0 : 1
}

/** Publishes and waits until the ledger has an end for every event. */
async function watch(
  stage: Stage,
  requests: readonly DemoRequest[],
  clicks: Clicks,
  ledger: DemoLedger,
  options: DemoOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  let sent = 0
  progress.say(
    `${requests.length} video requests, ${options.rate} a second: to topic ${topic}, and to ${stage.doorUrl}/films`,
  )
  const onSent = (count: number) => {
    sent = count
  }
  const publishing = publish(stage.brokers, topic, requests, { rate: options.rate, signal, onSent, clicks })
  publishing.catch(() => undefined)
  let deadline = Number.POSITIVE_INFINITY
  for (let ended = 0; ended < requests.length; ended = await ledger.ended()) {
    signal.throwIfAborted()
    progress.show(`${sent} published, ${ended} ended`)
    if (sent === requests.length) deadline = Math.min(deadline, performance.now() + endMsMax)
    if (performance.now() > deadline) {
      progress.say(`${requests.length - ended} events have not ended after ${endMsMax / 1000} s`)
      break
    }
    await sleep(200, undefined, { signal })
  }
  await publishing
}

async function gather(
  stage: Stage,
  requests: readonly DemoRequest[],
  clicks: Clicks,
  viewers: Viewers,
  ledger: DemoLedger,
  tookMs: number,
): Promise<SummaryData> {
  await sleep(500) // the last commit's return is written when it is quiet
  return {
    seed: stage.world.seed,
    published: requests.length,
    tookMs,
    states: await ledger.states(),
    deadLetters: await ledger.deadLetters(),
    endings: compareEndings(requests, await ledger.seen()),
    channels: channelRows(requests, clicks.answers),
    latency: await ledger.latency(),
    money: await ledger.money(),
    comparison: compare(await ledger.rows(), await ledger.sums(), await readBook(stage.bookFile), clearing),
    openSessions: (await stage.provider.sessions()).open,
    traces: viewers.traces,
    queries,
  }
}

function jsonOf(data: SummaryData) {
  const { seed, published, tookMs, states, deadLetters, endings, channels, latency, money, comparison } = data
  return {
    published,
    transactions: states,
    deadLetters,
    agreesWithLedger: endings.eachOnce && endings.asExpected,
    agreesWithProvider: comparison.agrees,
    openSessions: data.openSessions,
    traces: data.traces,
    channels,
    seed,
    tookMs: Math.round(tookMs),
    requests: endings.rows,
    latency,
    money: money.map(({ currency, billed, paid }) => ({ currency, billed: Number(billed), paid: Number(paid) })),
    movements: comparison.movements,
    differences: comparison.differences,
  }
}

async function keep(stage: Stage, interrupted: AbortSignal): Promise<void> {
  const lines = [
    '',
    'Everything is still running, until Ctrl-C:',
    `  Kafka      ${stage.brokers.join(',')}`,
    `  Postgres   ${stage.databaseUrl}`,
    `  provider   ${stage.provider.url}, its book ${stage.bookFile}`,
  ]
  process.stderr.write(`${lines.join('\n')}\n`)
  if (!interrupted.aborted) await new Promise((resolve) => interrupted.addEventListener('abort', resolve))
}

/** The first Ctrl-C takes everything down in order, a second one at once. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130)
      controller.abort()
    })
  }
  return controller.signal
}

quietWarnings()
try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(error instanceof EngineError ? `error: ${error.message}\n` : `${(error as Error).stack}\n`)
  process.exitCode = error instanceof EngineError && error.code === 'usage' ? 2 : 1
}
