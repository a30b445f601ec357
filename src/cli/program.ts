/** The commands, their options and what `--help` says of them. What each one does is loaded when it is asked for. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { packageRoot } from '../base/package-root.ts'
import { addMending } from './mending.ts'
import { jsonOption } from './options.ts'
import { addSteering } from './steering.ts'
import { defaultFolder } from './workflows-folder.ts'

export function program(): Command {
  const millrace = new Command('millrace')
    .description(
      'Runs a workflow of functions for each event of a Kafka topic, and keeps a Postgres ledger of every step.',
    )
    .usage('COMMAND [options]')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help; `millrace COMMAND --help` for one command')
    .helpCommand(false)
    .addHelpText('after', examples)
    .showHelpAfterError('(`--help` shows what there is)')
    .exitOverride()
  addRunning(millrace)
  addAuthoring(millrace)
  addLooking(millrace)
  addSteering(millrace)
  addMending(millrace)
  addKeeping(millrace)
  return millrace
}

const examples = `
Examples:
  millrace dev                                      start everything on this machine
  millrace publish orders --data '{"sku":"A1"}'     publish one event
  millrace list --state failed                      what went wrong lately
  millrace show 019c2f                              the story of one transaction
  millrace retry 019c2f --from charge               again from a step on, once what was wrong is mended
  KAFKA_BROKERS=kafka:9092 DATABASE_URL=postgres://… millrace run

Settings come from the environment or millrace.config.yaml: \`millrace settings\`.
publish, and whatever looks, steers, mends or keeps, find a \`millrace dev\` that runs in the current folder.
`

const workflowsOption = () =>
  new Option('--workflows <dir>', 'folder of the workflow files, with functions/ in it').default(defaultFolder)

function addRunning(millrace: Command): void {
  millrace.commandsGroup('Run:')
  millrace
    .command('dev')
    .description('Kafka, Postgres and a coordinator on this machine; reloads what you save')
    .addOption(workflowsOption())
    .option('--kafka-port <port>', 'port of the embedded Kafka (default: a free one)', port)
    .option('--postgres-port <port>', 'port of the embedded Postgres (default: a free one)', port)
    .option('--registry', 'also start a schema registry, for Avro, Protobuf and JSON Schema')
    .option('--json', 'print one line of JSON when all is up; logs go to standard error')
    .addHelpText('after', aboutDev)
    .action(async (options) => (await import('./dev.ts')).dev(options))
  millrace
    .command('run')
    .description('a coordinator alone, on the servers in KAFKA_BROKERS and DATABASE_URL')
    .addOption(workflowsOption())
    .addHelpText('after', aboutRun)
    .action(async (options) => (await import('./run.ts')).run(options))
}

const aboutDev = `
Data stays in .millrace/ of the current folder, with the addresses in .millrace/dev.json while it runs.
Servers named by KAFKA_BROKERS, DATABASE_URL or SCHEMA_REGISTRY_URL are used instead of embedded ones, and never stopped.
Missing topics are made with 4 partitions. The embedded Kafka and registry need Java 17+, and Maven for the first start.
`
const aboutRun = `
Run several: they share the partitions. \`millrace migrate\` comes first, once for each new version.
/healthz and /readyz are served on MILLRACE_HTTP_PORT (8080). SIGTERM ends what runs, then exits with 0.
`

function addAuthoring(millrace: Command): void {
  millrace.commandsGroup('Author:')
  millrace
    .command('validate')
    .description('every error of workflow files, and whether their functions compile')
    .argument('[paths...]', `files or folders (default: "${defaultFolder}")`)
    .addOption(jsonOption())
    .action(async (paths, options) => (await import('./validate.ts')).validate(paths, options))
  millrace
    .command('openapi')
    .description('what the HTTP door takes, as an OpenAPI 3.1 document')
    .addOption(workflowsOption())
    .action(async (options) => (await import('./openapi.ts')).openapi(options))
  millrace
    .command('publish')
    .description('events to a topic, from the command line, a file or standard input')
    .argument('<topic>')
    .option('--data <json>', 'one event')
    .option('--file <path>', 'one event a line (JSONL); - is standard input')
    .option('--key <key>', 'key of the records')
    .option('--header <name=value>', 'header of the records; may be repeated', collected)
    .option('--type <type>', 'make CloudEvents of this type')
    .option('--envelope', 'each event is {"value": …, "key": …, "headers": {…}}')
    .option('--raw', 'send lines as they are, JSON or not')
    .addOption(jsonOption())
    .action(async (topic, options) => (await import('./publish.ts')).publish(topic, options))
  millrace
    .command('hash-key')
    .description('the line by which a secret of auth.apiKey knows a key; the key comes from standard input')
    .argument('<name>', 'whom the key stands for')
    .option('--roles <roles>', 'what they may, such as reader,writer')
    .option('--generate', 'make a new key, and show it on standard error')
    .addHelpText('after', aboutKey)
    .action(async (name, options) => (await import('./hash.ts')).hashKeyLine(name, options))
  millrace
    .command('hash-password')
    .description('the line by which a secret of auth.basic knows a user; the password comes from standard input')
    .argument('<name>', 'the user')
    .option('--roles <roles>', 'what they may, such as reader,writer')
    .action(async (name, options) => (await import('./hash.ts')).hashPasswordLine(name, options))
}

const aboutKey = `
  millrace hash-key site-a --roles reader --generate >> secrets/site_keys     a new key, shown once
  printf %s "$KEY" | millrace hash-key site-a                                 one that exists

For keys of chance: it is hashed with SHA-256, which tells nothing of what nobody can guess.
What people think of is for hash-password. See docs/authentication.md.
`

/** As the ledger's contract names them. */
const states = ['running', 'waiting', 'in_doubt', 'compensating', 'completed', 'compensated', 'cancelled', 'failed']
const letterStates = ['open', 'redriven', 'discarded']

function addLooking(millrace: Command): void {
  millrace.commandsGroup('Look:')
  millrace
    .command('list')
    .description('the latest transactions, newest first')
    .addOption(new Option('--state <state>', 'only those in this state').choices(states))
    .option('--workflow <name>', 'only those of this workflow')
    .option('--key <key>', 'only those with this order key')
    .option('--event <id>', 'only those of the event with this id')
    .option('--limit <count>', 'at most so many', count, 20)
    .addOption(jsonOption())
    .action(async (options) => (await import('./list.ts')).list(options))
  millrace
    .command('show')
    .description('the story of a transaction: its steps, each attempt, what it waits for, and what it owes')
    .argument('<id>', 'its id, or as much of the beginning as is needed to tell it')
    .addOption(jsonOption())
    .action(async (id, options) => (await import('./show.ts')).show(id, options))
  millrace
    .command('dead-letters')
    .description('records and failed transactions that were given up on, and why')
    .addOption(new Option('--state <state>', 'only those in this state').choices(letterStates))
    .option('--limit <count>', 'at most so many', count, 20)
    .addOption(jsonOption())
    .action(async (options) => (await import('./dead-letters.ts')).deadLetters(options))
  millrace
    .command('lanes')
    .description('who reads which partition, how far, why one is not read for now, and what is paused')
    .option('--topic <topic>', 'only those of this topic')
    .addOption(jsonOption())
    .action(async (options) => (await import('./lanes.ts')).lanes(options))
}

const aboutFence = `
A standby that took over may lack the last commits of its predecessor, and a backup lacks those since. What coordinators
hold in memory is then ahead of the ledger: this refuses all of it, and they take up from what the ledger has. Safe at any
time; work in flight is done again, under the same idempotency keys. See docs/operations.md.
`

function addKeeping(millrace: Command): void {
  millrace.commandsGroup('Keep:')
  millrace
    .command('migrate')
    .description('bring the ledger in DATABASE_URL up to date')
    .option('--dry-run', 'only list what would be run')
    .addOption(jsonOption())
    .action(async (options) => (await import('./migrate.ts')).migrate(options))
  millrace
    .command('prune')
    .description('make room for the days to come, and drop what ended long ago; for a daily cron job')
    .requiredOption('--keep <duration>', 'how long what has ended stays, such as 30d')
    .option('--dry-run', 'only show what would be dropped, and what is kept of it because it is open')
    .addOption(jsonOption())
    .addHelpText('after', aboutPrune)
    .action(async (options) => (await import('./prune.ts')).prune(options))
  millrace
    .command('fence')
    .description('after a failover or restore of Postgres: every coordinator takes its lanes anew')
    .option('--engine <name>', 'only those of this engine')
    .addOption(jsonOption())
    .addHelpText('after', aboutFence)
    .action(async (options) => (await import('./fence.ts')).fence(options))
  millrace
    .command('verify')
    .description('hold the ledger against itself and against what Kafka still has; names what is wrong first')
    .option('--topic <topic>', 'only the lanes of this topic')
    .option('--provider-book <file>', 'hold it against this book of an outside provider, too (one JSON entry a line)')
    .option('--deep', 'compare the content of every record, not of some 10,000')
    .option('--skew <duration>', 'how far the clocks of two coordinators may be apart', '1s')
    .addOption(jsonOption())
    .addHelpText('after', aboutVerify)
    .action(async (options) => (await import('./verify.ts')).verify(options))
  millrace
    .command('settings')
    .description('every setting with its variable, its default and what it is for')
    .addOption(jsonOption())
    .action(async (options) => (await import('./settings.ts')).settings(options))
}

const aboutPrune = `
It needs Postgres alone, and may run beside coordinators or without any. What is open stays, however old, and so do open
dead letters. A partition (a day of transactions) goes as a whole, once all of it is old enough. Exit code 0: done; 1: some
could not be dropped, and are dropped by the next run.
`

const aboutVerify = `
It changes nothing, and may run beside coordinators. Ends with 0 when all is well, with 1 when something is wrong.
`

function version(): string {
  return JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')).version
}

function port(text: string): number {
  return whole(text, 65_535)
}

function count(text: string): number {
  return whole(text, 100_000)
}

function whole(text: string, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${most}.`)
}

function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}
