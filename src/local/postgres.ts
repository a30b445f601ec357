/** A real Postgres for one machine: durable as in production, on a leash, its data kept between runs. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { messageOf } from '../base/error.ts'
import { retryFor } from '../base/poll.ts'
import { postgresAnswers } from './ask.ts'
import { type Claim, claim, inUse } from './claim.ts'
import { launch, type StartOptions } from './launch.ts'
import { type Program, runToEnd } from './leash.ts'
import { isAlive } from './life.ts'
import { once } from './once.ts'
import { accountForServer } from './postgres-account.ts'
import { type Binaries, postgresBinaries } from './postgres-binaries.ts'
import { give, type Home, passwordOf, postgresHome } from './postgres-home.ts'

export interface LocalPostgres extends AsyncDisposable {
  /** Of the database `millrace`, with the password. */
  readonly url: string
  readonly pid: number
  /** Resolves when the server has ended, asked to or not. */
  readonly exited: Promise<number>
  /** What a person should know about where things are, a sentence each. */
  readonly notes: readonly string[]
  stop(graceMs?: number): Promise<void>
}

/** A fast shutdown is one checkpoint: milliseconds for a demo, seconds after a benchmark on a slow disk. */
const graceMs = 8000

/** A killed server's own processes notice within milliseconds, one that is busy a little later. */
const remainsGoneWithinMs = 5000

/**
 * Resolves when Postgres asks for the password. Throws `postgres_missing`, `postgres_account_missing`,
 * `data_dir_in_use`, `port_in_use` or `local_start_failed`.
 */
export async function startPostgres(options: StartOptions): Promise<LocalPostgres> {
  const dataDir = resolve(options.dataDir)
  const claimed = await claim(dataDir, options.signal)
  try {
    const notes: string[] = []
    const account = accountForServer()
    const binaries = postgresBinaries(account, notes)
    const home = postgresHome(dataDir, account, notes)
    const password = passwordOf(home)
    await initialise(home, dataDir, binaries, options.signal)
    forgetFormer(home, claimed)
    return await serve(options, claimed, notes, password, (port) => serverProgram(home, dataDir, binaries, port))
  } catch (error) {
    claimed.release()
    throw messageOf(error).includes('lock file "postmaster.pid" already exists')
      ? inUse(dataDir, 'another Postgres')
      : error
  }
}

async function serve(
  options: StartOptions,
  claimed: Claim,
  notes: string[],
  password: string,
  programFor: (port: number) => Program,
): Promise<LocalPostgres> {
  const start = () =>
    launch(
      options,
      1,
      ([port = 0]) => programFor(port),
      ([port = 0]) => postgresAnswers(port),
      claimed.runs,
    )
  const { server, ports } = await retryFor(start, { forMs: remainsGoneWithinMs, worthRetrying: hasRemains })
  const stop = once(async (graceMs?: number) => {
    await server.stop(graceMs)
    claimed.release()
  })
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${ports[0]}/millrace`,
    pid: server.pid,
    exited: server.exited,
    notes,
    stop,
    [Symbol.asyncDispose]: () => stop(),
  }
}

/** Makes the cluster and the database `millrace` in it; they appear together or not at all. */
async function initialise(home: Home, dataDir: string, binaries: Binaries, signal?: AbortSignal): Promise<void> {
  if (existsSync(home.data)) return
  const draft = join(home.folder, 'initialising')
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { mode: 0o700 })
  give(home, draft)
  const run = (command: string, args: string[]) => runToEnd(program(home, dataDir, 'initdb', command, args), signal)
  await run(binaries.initdb, [`--pgdata=${draft}`, `--pwfile=${home.passwordFile}`, ...clusterFlags])
  // Single-user mode takes its statements from stdin, and needs neither a port nor a client.
  const createDatabase = 'echo "CREATE DATABASE millrace" | "$@"'
  const single = ['--single', '-D', draft, '-c', 'exit_on_error=on', 'postgres']
  await run('/bin/sh', ['-c', createDatabase, 'sh', binaries.postgres, ...single])
  renameSync(draft, home.data)
}

/** Sorts and folds alike on every machine, whatever locales it has. */
const clusterFlags = [
  '--username=postgres',
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
]

/** What differs from Postgres' defaults; fsync and synchronous_commit are named because the ledger's promise rests on them. */
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'on',
  synchronous_commit: 'on',
  shared_buffers: '128MB',
  max_wal_size: '1GB',
  log_checkpoints: 'off',
}

function serverProgram(home: Home, dataDir: string, binaries: Binaries, port: number): Program {
  const flags = Object.entries({ ...settings, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return program(home, dataDir, 'Postgres', binaries.postgres, ['-D', home.data, ...flags])
}

/** The environment is ours alone: PGPORT and its like would reach the server, a locale would translate its log. */
function program(home: Home, dataDir: string, name: string, command: string, args: string[]): Program {
  return {
    name,
    command,
    args,
    env: { PATH: process.env.PATH, TZ: process.env.TZ, LC_ALL: 'C' },
    cwd: home.folder,
    logFile: join(dataDir, `${name.toLowerCase()}.log`),
    stopSignal: 'INT',
    graceMs,
    user: home.account && { uid: home.account.uid, gid: home.account.gid },
  }
}

/** Postgres believes that a living process with its former pid is itself. We know that the former one is dead. */
function forgetFormer(home: Home, claimed: Claim): void {
  const file = join(home.data, 'postmaster.pid')
  if (claimed.formerPid === null || !existsSync(file)) return
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10)
  if (pid === claimed.formerPid && isAlive(pid)) rmSync(file)
}

function hasRemains(error: unknown): boolean {
  return messageOf(error).includes('pre-existing shared memory block')
}
