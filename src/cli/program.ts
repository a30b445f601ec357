/** The commands, their options and what `--help` says of them. What each one does is loaded when it is asked for. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { packageRoot } from '../base/package-root.ts'
import { defaultFolder } from './workflows-folder.ts'

export function program(): Command {
  const millrace = new Command('millrace')
    .description('Runs chains of functions on the events of Kafka topics, and writes each step to a Postgres ledger.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showHelpAfterError('(millrace --help shows what there is)')
    .exitOverride()
  addRunning(millrace)
  return millrace
}

function addRunning(millrace: Command): void {
  millrace.commandsGroup('Run:')
  millrace
    .command('dev')
    .description('Kafka, Postgres and a coordinator on this machine; reloads what you save')
    .option('--workflows <dir>', 'folder of the workflow files, with functions/ in it', defaultFolder)
    .option('--kafka-port <port>', 'port of the embedded Kafka (default: a free one)', port)
    .option('--postgres-port <port>', 'port of the embedded Postgres (default: a free one)', port)
    .option('--json', 'print one line of JSON when all is up; logs go to standard error')
    .action(async (options) => (await import('./dev.ts')).dev(options))
  millrace
    .command('run')
    .description('a coordinator alone, on the servers in KAFKA_BROKERS and DATABASE_URL')
    .option('--workflows <dir>', 'folder of the workflow files, with functions/ in it', defaultFolder)
    .action(async (options) => (await import('./run.ts')).run(options))
}

function version(): string {
  return JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')).version
}

function port(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= 65535) return value
  throw new InvalidArgumentError('Expected a port from 1 to 65535.')
}
